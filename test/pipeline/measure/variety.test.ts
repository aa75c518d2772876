import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onnxruntime } from '../../../src/backend/onnxruntime.ts';
import { drawLatents } from '../../../src/data/latents.ts';
import { Graph, type Value } from '../../../src/graph/graph.ts';
import { encodeOnnx } from '../../../src/graph/onnx.ts';
import { pathLength } from '../../../src/metrics/ppl.ts';
import { add, mul } from '../../../src/ops/elementwise.ts';
import { reshape } from '../../../src/ops/layout.ts';
import { reduceSum } from '../../../src/ops/reduce.ts';
import { slice } from '../../../src/ops/window.ts';
import { checkTask } from '../../../src/pipeline/check/task.ts';
import type { RunContext } from '../../../src/pipeline/context.ts';
import { evaluate } from '../../../src/pipeline/evaluate.ts';
import { readMetrics } from '../../../src/pipeline/measure/metrics-file.ts';
import { loadRecipe } from '../../../src/recipe/load.ts';
import { resultsTable } from '../../../src/report/table.ts';
import { temporary, writeTinyDistance } from '../../metrics/tiny-network.ts';
import { classSource } from '../../support/class-source.ts';

const size = 16;
const source = classSource(size, { train: 6, val: 0, test: 6 });

/** Pictures of one brightness: `gain` times the first number of the latent, and of the class a tenth. */
function generator(gain: number, latent = 4): Graph {
  const graph = new Graph('flat');
  const label = graph.input('class', 'float32', ['batch', 3]);
  const z = graph.input('latent', 'float32', ['batch', latent]);
  const level = add(mul(slice(z, [1], [0], [1]), gain), mul(slice(label, [1], [0], [1]), 0.1));
  const blank = graph.constant(
    { dtype: 'float32', shape: [1, 3, size, size], data: new Float32Array(3 * size * size) },
    'blank',
  );
  graph.output(add(reshape(level, ['batch', 1, 1, 1]), blank), 'image');
  return graph;
}

function run(networks: Record<string, Graph>, { set = [] as string[] } = {}) {
  const folder = temporary();
  const out = join(folder, 'run');
  mkdirSync(out);
  writeTinyDistance(folder);
  for (const [name, graph] of Object.entries(networks))
    writeFileSync(join(out, `${name}.onnx`), encodeOnnx(graph));
  writeFileSync(
    join(folder, 'recipe.yaml'),
    `name: flat
data: {source: openmoji, size: ${size}, flip: false}
discriminator: {type: pixel}
teacher: {model: run/teacher.onnx}
student: {ratio: 0.5}
distill: {steps: 1, batch: 2}
evaluate: {metrics: [ppl, diversity], lpips: difference.onnx, paths: 40}
`,
  );
  const loaded = loadRecipe(join(folder, 'recipe.yaml'), { set });
  const context: RunContext = {
    out,
    recipe: loaded.recipe,
    loaded,
    backend: onnxruntime({ threads: 1 }),
    log: { debug() {}, info() {}, warn() {} },
    progress: () => ({ update() {}, line() {}, end() {} }),
    source: async () => source,
  };
  return { context, out };
}

describe('what latent vectors do', () => {
  test('is measured of every network of a run, and shown in its table', async () => {
    const { context, out } = run({ teacher: generator(0.1), student: generator(0.05) });
    await evaluate(context);
    const { models } = readMetrics(out);
    expect(models.map(({ role }) => role)).toEqual(['teacher', 'student']);
    for (const [k, gain] of [0.1, 0.05].entries()) {
      const { label, ppl, diversity } = models[k]!.variety!;
      expect(label).toBe('PD-difference');
      for (const sampling of ['full', 'end'] as const) {
        const expected = await pathLength<Float64Array>(
          {
            latentSize: 4,
            classes: 3,
            generate: async ({ latents, count }) =>
              Float64Array.from({ length: count }, (_, i) => gain * latents[4 * i]!),
            distance: async (a, b) => a.map((x, i) => Math.abs(x - b[i]!)),
          },
          { count: 40, interpolation: 'slerpAny', sampling },
        );
        expect(ppl![sampling].value / expected.mean).toBeCloseTo(1, 1);
        expect(ppl![sampling].low).toBeLessThan(ppl![sampling].value);
      }
      expect([ppl!.floor, ppl!.count]).toEqual([0, 40]);

      const firsts = Array.from({ length: 30 }, (_, i) => gain * drawLatents(0, 'diversity', i, 4)[0]!);
      const ofClass = [0, 1, 2].map((k) => {
        const own = firsts.slice(10 * k, 10 * k + 10).map((x) => Math.min(1, x + (k === 0 ? 0.1 : 0)));
        const pairs = own.flatMap((a, i) => own.slice(i + 1).map((b) => Math.abs(a - b)));
        return pairs.reduce((sum, d) => sum + d) / 45;
      });
      expect(diversity!.value).toBeCloseTo((ofClass[0]! + ofClass[1]! + ofClass[2]!) / 3, 2);
      expect([diversity!.conditions, diversity!.pairs]).toEqual([3, 135]);
    }
    const table = resultsTable([out], 'csv');
    expect(table.split('\n')[0]).toContain(
      'PPL z-full PD-difference,PPL z-end PD-difference,diversity PD-difference',
    );
    expect(resultsTable([out], 'md').replaceAll('\n', ' ')).toContain(
      'PPL: perceptual path length in z of 40 pairs, lower is smoother.',
    );
  });

  test('cannot be asked of a teacher without a latent vector: told before anything is trained', async () => {
    const graph = new Graph('by class alone');
    const label = graph.input('class', 'float32', ['batch', 3]);
    const sum: Value = reshape(reduceSum(label, [1]), ['batch', 1, 1, 1]);
    const blank = graph.constant(
      { dtype: 'float32', shape: [1, 3, size, size], data: new Float32Array(3 * size * size) },
      'blank',
    );
    graph.output(add(sum, blank), 'image');
    const { context } = run({ teacher: graph });
    await expect(checkTask(context, ['distill', 'evaluate'])).rejects.toThrow(
      'evaluate.metrics must do without ppl and diversity: the teacher has no latent vector',
    );
    await expect(evaluate(context)).rejects.toMatchObject({ code: 'LATENT_MISSING' });
  });
});
