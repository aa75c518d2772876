import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { onnxruntime } from '../../../src/backend/onnxruntime.ts';
import { realImages } from '../../../src/data/batch.ts';
import { Graph } from '../../../src/graph/graph.ts';
import { encodeOnnx } from '../../../src/graph/onnx.ts';
import { distanceMeter } from '../../../src/metrics/distance-meter.ts';
import type { Levels } from '../../../src/metrics/levels.ts';
import { quantise } from '../../../src/metrics/quantise.ts';
import { add, mul } from '../../../src/ops/elementwise.ts';
import type { RunContext } from '../../../src/pipeline/context.ts';
import { evaluate } from '../../../src/pipeline/evaluate.ts';
import { readMetrics } from '../../../src/pipeline/measure/metrics-file.ts';
import { comparesTeacher, openScoring } from '../../../src/pipeline/measure/score-pictures.ts';
import { loadRecipe } from '../../../src/recipe/load.ts';
import { resultsTable } from '../../../src/report/table.ts';
import { unpairedSource } from '../../support/unpaired-source.ts';

const size = 32;
const backend = onnxruntime({ threads: 1 });
const source = unpairedSource(size, { truth: false });
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-unpaired-'));
  vi.stubEnv('GANLET_CACHE', join(folder, 'cache'));
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Makes every picture darker, and turned by so much. */
function network(gain: number): Graph {
  const graph = new Graph('g');
  const x = graph.input('x', 'float32', ['batch', 3, 'h', 'w']);
  graph.output(add(mul(x, gain), -0.25), 'y');
  return graph;
}

const levels = (picture: Float32Array): Levels => ({
  data: quantise(picture),
  channels: 3,
  height: size,
  width: size,
});
/** All images of a split of domain B. */
async function domainB(split: 'train' | 'test'): Promise<Levels[]> {
  const real = realImages(source, split);
  return Promise.all(Array.from({ length: real.count }, async (_, i) => levels(await real.image(i))));
}

it('a run on unpaired data without true pairs is measured as sets, against all images of the other domain', async () => {
  const out = join(folder, 'run');
  mkdirSync(out);
  writeFileSync(
    join(folder, 'recipe.yaml'),
    `name: tiny
data: {source: aligned, path: data, size: ${size}}
teacher: {model: run/teacher.onnx}
student: {ratio: 1}
distill: {steps: 1, batch: 1}
evaluate: {metrics: [l1, frechet]}
`,
  );
  writeFileSync(join(out, 'teacher.onnx'), encodeOnnx(network(0.5)));
  writeFileSync(join(out, 'student.onnx'), encodeOnnx(network(0.4)));
  const loaded = loadRecipe(join(folder, 'recipe.yaml'));
  const context: RunContext = {
    out,
    recipe: loaded.recipe,
    loaded,
    backend,
    log: { debug() {}, info() {}, warn() {} },
    progress: () => ({ update() {}, line() {}, end() {} }),
    source: async () => source,
  };
  await evaluate(context);
  const { models, paired, sheet } = readMetrics(out);
  expect({ paired, sheet }).toEqual({ paired: false, sheet: ['condition', 'teacher', 'student'] });
  for (const { truth, distributions } of models) {
    expect(truth).toEqual({});
    expect(distributions![0]).toMatchObject({ metric: 'frechet', countReal: 6, countMade: 4 });
  }
  expect(models[1]!.teacher!.l1!.mean).toBeGreaterThan(1);

  const reference = await domainB('test');
  const meter = await distanceMeter({
    kind: 'frechet',
    reference: { count: reference.length, picture: async (i) => reference[i]! },
  });
  const conditions = await Promise.all(
    [0, 1, 2, 3].map(async (i) => (await source.pair('test', i)).condition),
  );
  const made = conditions.map((bytes) => {
    const planes = Float32Array.from({ length: bytes.length }, (_, o) => {
      const [c, p] = [Math.floor(o / size ** 2), o % size ** 2];
      return 0.5 * (bytes[3 * p + c]! / 127.5 - 1) - 0.25;
    });
    return levels(planes);
  });
  expect(models[0]!.distributions![0]!.value).toBeCloseTo(await meter.measure(made), 3);
  await meter.dispose();

  const text = resultsTable([out], 'md');
  expect(text).not.toMatch(/\| +L1 +\|/);
  expect(text.replaceAll('\n', ' ')).toContain(
    'The data has no true pictures of its conditions: distances from them, picture by picture, are left out.',
  );
});

it('candidates of a search are scored against the images of the other domain, or the teacher', async () => {
  const indices = [0, 2, 4];
  const options = { source, split: 'train', indices, teacher: () => network(0.5), backend } as const;
  expect([comparesTeacher('lpips', source, 'train'), comparesTeacher('frechet', source, 'train')]).toEqual([
    true,
    false,
  ]);
  const { unpaired: _, ...paired } = { ...source, truth: true };
  expect(comparesTeacher('lpips', paired, 'train')).toBe(false);
  // Of a latent vector no true picture tells what it gives.
  expect(comparesTeacher('lpips', paired, 'train', 8)).toBe(true);

  const toTeacher = await openScoring({ ...options, kind: 'teacher-l1' });
  expect(await toTeacher.score(network(0.5))).toBe(0);
  expect(await toTeacher.score(network(0.4))).toBeGreaterThan(1);
  await toTeacher.dispose();

  const asSet = await openScoring({ ...options, kind: 'frechet' });
  const reference = await domainB('train');
  const meter = await distanceMeter({
    kind: 'frechet',
    reference: { count: reference.length, picture: async (i) => reference[i]! },
  });
  const scored = await asSet.score(network(0.5));
  const made = [];
  for (const i of indices) {
    const { condition } = await source.pair('train', i);
    made.push(
      levels(
        Float32Array.from({ length: condition.length }, (_, o) => {
          const [c, p] = [Math.floor(o / size ** 2), o % size ** 2];
          return 0.5 * (condition[3 * p + c]! / 127.5 - 1) - 0.25;
        }),
      ),
    );
  }
  expect(scored).toBeCloseTo(await meter.measure(made), 3);
  await meter.dispose();
  await asSet.dispose();
});
