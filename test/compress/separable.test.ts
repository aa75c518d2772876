import { expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { depthwiseStatistics } from '../../src/compress/calibrate.ts';
import { rankOne } from '../../src/compress/rank-one.ts';
import { separate } from '../../src/compress/separable.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import { convolution, normalise } from '../../src/models/layers.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { rng } from '../../src/util/rng.ts';
import { noise, outputOf, randomise } from './networks.ts';

function structure(graph: Graph) {
  return graph.nodes.map(({ op, name, attributes, inputs, outputs }) => ({
    op,
    name,
    attributes,
    inputs: inputs.map((x) => x && [x.name, x.shape]),
    outputs: outputs.map((y) => [y.name, y.shape]),
  }));
}

test.each([
  ['instance', 'reflect'],
  ['batch', 'reflect'],
  ['instance', 'zero'],
] as const)(
  'a separated ResNet is the separable one, node by node (%s norm, %s padding)',
  (norm, padding) => {
    const options = { baseWidth: 4, blocks: 2, norm, padding, dropout: 0.1, size: 16 };
    const separated = separate(randomise(resnetGenerator(options)));
    checkGraph(separated);
    expect(structure(separated)).toEqual(structure(resnetGenerator({ ...options, separable: true })));
  },
);

test('kernels and gains are the best product: exact where the weights are one, with unit kernels', () => {
  const [outputs, inputs, taps] = [5, 3, 9];
  const random = rng(0, 'rank one');
  const kernels = random.fillNormal(new Float32Array(inputs * taps));
  const gains = random.fillNormal(new Float32Array(outputs * inputs));
  const product = (g: ArrayLike<number>, k: ArrayLike<number>) =>
    Float32Array.from({ length: outputs * inputs * taps }, (_, at) => {
      const pair = Math.floor(at / taps);
      return g[pair]! * k[(pair % inputs) * taps + (at % taps)]!;
    });
  const exact = product(gains, kernels);
  const found = rankOne(exact, outputs, inputs, taps);
  expect(product(found.gains, found.kernels)).toBeAllclose(exact, { atol: 1e-5 });
  for (let i = 0; i < inputs; i++) {
    const kernel = found.kernels.slice(i * taps, (i + 1) * taps);
    expect(kernel.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 5);
    expect(kernel.reduce((sum, x) => sum + x, 0)).toBeGreaterThanOrEqual(0);
  }
  // No other product comes nearer: the residual is at right angles to both factors.
  const noisy = random.fillNormal(new Float32Array(outputs * inputs * taps));
  const best = rankOne(noisy, outputs, inputs, taps);
  const error = (g: ArrayLike<number>, k: ArrayLike<number>) =>
    product(g, k).reduce((sum, x, at) => sum + (x - noisy[at]!) ** 2, 0);
  const least = error(best.gains, best.kernels);
  for (let trial = 0; trial < 50; trial++) {
    const moved = (x: Float32Array) => x.map((w) => w + 0.05 * random.normal());
    expect(error(moved(best.gains), moved(best.kernels))).toBeGreaterThan(least);
  }
});

test('an input without weights is copied and left out', () => {
  expect(rankOne(new Float32Array(18), 2, 1, 9)).toEqual({
    kernels: Float32Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0),
    gains: new Float32Array(2),
  });
});

/** One convolution whose weights are a product already. */
function productLayer(norm: 'none' | 'instance'): Graph {
  const graph = new Graph('layer');
  const x = graph.input('x', 'float32', [1, 3, 12, 12]);
  const y = convolution(x, 'conv', 4, { kernel: 3, pad: 1, padding: 'reflect' });
  graph.output(normalise(y, 'conv', norm), 'y');
  randomise(graph);
  const kernels = rng(5, 'kernels').fillNormal(new Float32Array(27));
  const gains = rng(5, 'gains').fillNormal(new Float32Array(12));
  const weight = graph.constants.get('conv.weight')!;
  const data = Float32Array.from({ length: 108 }, (_, at) => {
    const pair = Math.floor(at / 9);
    return gains[pair]! * kernels[(pair % 3) * 9 + (at % 9)]!;
  });
  weight.tensor = float32([4, 3, 3, 3], data);
  return graph;
}

test('with statistics of the same picture a product layer computes what it did before', async () => {
  for (const norm of ['none', 'instance'] as const) {
    const graph = productLayer(norm);
    const feeds = noise(graph);
    const backend = onnxruntime({ threads: 1 });
    const statistics = await depthwiseStatistics(graph, feeds, { which: () => true, backend });
    const separated = separate(graph, { which: () => true, statistics });
    expect(separated.nodes.length).toBeGreaterThan(graph.nodes.length);
    expect(await outputOf(separated, feeds)).toBeAllclose(await outputOf(graph, feeds), { atol: 1e-4 });
  }
});

test('without statistics it is right for inputs of variance 1, up to how pictures differ from noise', async () => {
  const graph = productLayer('instance');
  const white = { x: float32([1, 3, 12, 12], rng(2, 'white').fillNormal(new Float32Array(432))) };
  const [dense, separable] = [
    await outputOf(graph, white),
    await outputOf(separate(graph, { which: () => true }), white),
  ];
  const error = Math.sqrt(dense.reduce((sum, x, i) => sum + (x - separable[i]!) ** 2, 0) / dense.length);
  expect(error).toBeLessThan(0.15);
});

test('only dense convolutions inside residual blocks are replaced, and named values keep their names', () => {
  const unet = unetGenerator({ baseWidth: 2, levels: 2 });
  expect(structure(separate(unet))).toEqual(structure(unet));
  const graph = resnetGenerator({ baseWidth: 2, blocks: 1 });
  const first = graph.nodes.find((node) => node.inputs[1]?.name === 'block1.conv1.weight')!;
  graph.named(first.outputs[0]!, 'tapped');
  const separated = separate(graph);
  expect(separated.find('tapped')?.node?.name).toBe('block1.conv1.pointwise/Conv');
  expect(separated.find('stem.weight')?.shape).toEqual([2, 3, 7, 7]);
});
