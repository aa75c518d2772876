import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldBatchNorm } from '../../src/compress/fold-batch-norm.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { relu } from '../../src/ops/activation.ts';
import { checkTypes } from '../../src/ops/check-types.ts';
import { conv, convTranspose } from '../../src/ops/conv.ts';
import { add } from '../../src/ops/elementwise.ts';
import { batchNorm } from '../../src/ops/norm.ts';
import { rng } from '../../src/util/rng.ts';
import { exported, loadExport } from './foreign.ts';
import { noise, outputOf, randomise } from './networks.ts';

const norms = (graph: Graph) => graph.nodes.filter(({ op }) => op === 'BatchNormalization').length;

/** A convolution, transposed or not, of any number of groups and filters, and a batch norm. */
function layer(options: {
  transposed: boolean;
  group: number;
  inputs: number;
  outputs: number;
  kernel: number;
  bias: boolean;
  epsilon: number;
  seed: number;
}): Graph {
  const { transposed, group, inputs, outputs, kernel, bias, epsilon, seed } = options;
  const graph = new Graph('layer');
  const [from, to] = [inputs * group, outputs * group];
  const x = graph.input('x', 'float32', [2, from, 6, 6]);
  const random = (name: string, shape: number[], floor?: number) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const data = rng(seed, name).fillNormal(new Float32Array(size), 1);
    return graph.constant(
      float32(shape, floor === undefined ? data : data.map((v) => floor + Math.abs(v))),
      name,
    );
  };
  const weight = random('weight', [...(transposed ? [from, outputs] : [to, inputs]), kernel, kernel]);
  const own = { group, ...(bias && { bias: random('bias', [to]) }) };
  const y = transposed ? convTranspose(x, weight, own) : conv(x, weight, own);
  const statistics = ['gamma', 'beta', 'mean'].map((name) => random(name, [to]));
  const [gamma, beta, mean] = statistics as [typeof y, typeof y, typeof y];
  graph.output(batchNorm(y, gamma, beta, mean, random('variance', [to], 0.1), epsilon), 'y');
  return graph;
}

test('a convolution that has taken in its norm computes what both did', async () => {
  const options = fc.record({
    transposed: fc.boolean(),
    group: fc.integer({ min: 1, max: 3 }),
    inputs: fc.integer({ min: 1, max: 3 }),
    outputs: fc.integer({ min: 1, max: 3 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    bias: fc.boolean(),
    epsilon: fc.constantFrom(1e-5, 1e-3, 0.1),
    seed: fc.nat(1000),
  });
  await fc.assert(
    fc.asyncProperty(options, async (drawn) => {
      const graph = layer(drawn);
      const folded = foldBatchNorm(graph);
      checkTypes(folded);
      expect(folded.nodes.map(({ op }) => op)).toEqual([drawn.transposed ? 'ConvTranspose' : 'Conv']);
      expect(await outputOf(folded)).toBeAllclose(await outputOf(graph), { atol: 1e-5, rtol: 1e-5 });
    }),
    { numRuns: 40 },
  );
});

test.each([
  ['unet-12', 2, 0],
  ['unet-13', 1, 0],
  ['mobile-17', 10, 0],
  ['pix2pixhd-14', 12, 0],
  // Norms that modulated features follow are not behind a convolution alone.
  ['spade-15', 4, 3],
] as const)('%s computes the same without its norms', async (file, before, after) => {
  expect(exported).toContain(file);
  const graph = loadExport(file);
  const folded = foldBatchNorm(graph);
  checkTypes(folded);
  expect([norms(graph), norms(folded)]).toEqual([before, after]);
  expect(await outputOf(folded, noise(graph))).toBeAllclose(await outputOf(graph), { atol: 1e-5 });
});

test('values keep their names, but for what the norm was given', () => {
  const graph = randomise(resnetGenerator({ baseWidth: 2, blocks: 1, norm: 'batch' }));
  const names = (g: Graph) => new Set(g.nodes.flatMap((node) => node.outputs.map((y) => y.name)));
  const kept = names(foldBatchNorm(graph));
  const lost = [...names(graph)].filter((name) => !kept.has(name));
  const given = graph.nodes.filter(({ op }) => op === 'BatchNormalization').map((n) => n.inputs[0]!.name);
  expect(lost.sort()).toEqual(given.sort());
});

test('a convolution that others read, or whose result is asked for, stays as it is', async () => {
  const graph = new Graph('read twice');
  const x = graph.input('x', 'float32', [1, 2, 4, 4]);
  const vector = (name: string, ...data: number[]) => graph.constant(float32([2], data), name);
  const weight = graph.constant(float32([2, 2, 1, 1], [1, 2, 3, 4]), 'weight');
  const y = graph.named(conv(x, weight), 'features');
  const statistics = [vector('g', 2, 3), vector('b', 1, 0), vector('m', 1, 1), vector('v', 1, 4)] as const;
  const normal = batchNorm(y, ...statistics);
  graph.output(relu(normal), 'y');
  expect(norms(foldBatchNorm(graph))).toBe(0);
  expect(norms(foldBatchNorm(graph, ['features']))).toBe(1);
  graph.output(add(y, normal), 'z');
  const folded = foldBatchNorm(graph);
  expect(norms(folded)).toBe(1);
  expect(await outputOf(folded)).toEqual(await outputOf(graph));
});
