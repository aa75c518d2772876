import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { openSource } from '../../src/data/index.ts';
import { countMacs, countParameters, inputSymbols } from '../../src/ops/cost.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { needCard } from '../../src/pipeline/card.ts';
import { openScoring } from '../../src/pipeline/measure/score-pictures.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { sha256File } from '../../src/util/hash.ts';

const root = join(import.meta.dirname, '../..');
const students = readdirSync(join(root, 'students'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** The teacher that the recipe of a shipped student names. */
function teacherOf(name: string): string {
  const { recipe } = loadRecipe(join(root, 'recipes', `${name}.yaml`));
  return (recipe.teacher as { model: string }).model;
}

test.each(students)('students/%s is what its card says, and far smaller than its teacher', async (name) => {
  const file = join(root, 'students', name, 'student.onnx');
  const card = needCard(file, await sha256File(file))!;
  const graph = loadOnnx(file);
  const { true: macs } = countMacs(graph, inputSymbols(graph, { size: card.size }));
  expect(macs).toBe(card.macs.true);
  expect(countParameters(graph)).toBe(card.params);
  expect(await sha256File(teacherOf(name))).toBe(card.teacher!.sha256);
  expect(card.teacher!.macs / macs).toBeGreaterThan(12);
});

test.each(students)('students/%s has the distance its card claims', async (name) => {
  const { recipe } = loadRecipe(join(root, 'recipes', `${name}.yaml`));
  const source = await openSource(recipe.data);
  const file = join(root, 'students', name, 'student.onnx');
  const card = needCard(file, await sha256File(file))! as unknown as {
    metrics: { distributions: { label: string; value: number }[] };
  };
  const scoring = await openScoring({
    source,
    split: 'test',
    indices: Array.from({ length: source.counts.test }, (_, i) => i),
    kind: 'frechet',
    features: 'emoji',
    teacher: () => loadOnnx(teacherOf(name)),
    backend: onnxruntime({ threads: 1 }),
  });
  const [claimed] = card.metrics.distributions;
  expect(scoring.metric).toBe(claimed!.label);
  expect(await scoring.score(loadOnnx(file))).toBeCloseTo(claimed!.value, 2);
  await scoring.dispose();
});
