import { describe, expect, test } from 'vitest';
import { float32, Graph } from '../../src/graph/graph.ts';
import { type Initialiser, initialise } from '../../src/models/init.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { conv, convTranspose } from '../../src/ops/conv.ts';

const gain = 0.02;

/** Networks of one layer: 4×4, 64 to 32 channels; the transposed one stores its weight [in, out, …]. */
function layer(transposed: boolean): Graph {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['batch', 64, 8, 8]);
  const shape = transposed ? [64, 32, 4, 4] : [32, 64, 4, 4];
  const w = graph.constant(float32(shape, new Float32Array(32 * 64 * 16)), 'layer.weight');
  const bias = graph.constant(float32([32], new Float32Array(32).fill(9)), 'layer.bias');
  graph.output(transposed ? convTranspose(x, w, { bias }) : conv(x, w, { bias }));
  return graph;
}

const data = (graph: Graph, name: string) => graph.constants.get(name)!.tensor!.data as Float32Array;

function moments(values: Float32Array): { mean: number; std: number } {
  const mean = values.reduce((a, v) => a + v, 0) / values.length;
  return { mean, std: Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / values.length) };
}

describe('weights have the spread of PyTorch’s initialiser', () => {
  // fan in = shape[1]·16, fan out = shape[0]·16, as torch.nn.init counts them for both kinds of layer.
  const cases: [Initialiser, boolean, number][] = [
    ['normal', false, gain],
    ['xavier', false, gain * Math.sqrt(2 / ((64 + 32) * 16))],
    ['xavier', true, gain * Math.sqrt(2 / ((64 + 32) * 16))],
    ['kaiming', false, Math.sqrt(2 / (64 * 16))],
    ['kaiming', true, Math.sqrt(2 / (32 * 16))],
  ];
  test.each(cases)('%s, transposed: %s', (init, transposed, std) => {
    const graph = initialise(layer(transposed), { init, gain, seed: 3 });
    const found = moments(data(graph, 'layer.weight'));
    // 32,768 numbers: the standard error of the spread is 0.4 %.
    expect(found.std / std).toBeGreaterThan(0.98);
    expect(found.std / std).toBeLessThan(1.02);
    expect(Math.abs(found.mean)).toBeLessThan(0.03 * std);
    expect(data(graph, 'layer.bias').every((v) => v === 0)).toBe(true);
  });
});

test.each([
  ['wide', [6, 10, 2, 1]],
  ['tall', [20, 3, 2, 1]],
])('an orthogonal weight that is %s has rows or columns of length gain at right angles', (_, shape) => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1, shape[1]!, 8, 8]);
  graph.output(conv(x, graph.constant(float32(shape, new Float32Array(shape.reduce((a, b) => a * b))), 'w')));
  const w = data(initialise(graph, { init: 'orthogonal', gain: 0.5, seed: 1 }), 'w');
  const rows = shape[0]!;
  const columns = w.length / rows;
  const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
  const at = (k: number, i: number) => (rows <= columns ? w[k * columns + i]! : w[i * columns + k]!);
  for (let a = 0; a < count; a++) {
    for (let b = 0; b < count; b++) {
      let dot = 0;
      for (let i = 0; i < length; i++) dot += at(a, i) * at(b, i);
      expect(dot).toBeCloseTo(a === b ? 0.25 : 0, 6);
    }
  }
});

test('batch norms start as N(1, gain²), 0, 0 and 1, and instance norms keep their ones', () => {
  const build = (norm: 'batch' | 'instance') =>
    initialise(resnetGenerator({ baseWidth: 64, blocks: 1, norm, size: 16 }), { gain, seed: 5 });
  const batch = build('batch');
  const scale = moments(data(batch, 'down2.norm.weight'));
  expect(scale.mean).toBeCloseTo(1, 2);
  expect(scale.std).toBeGreaterThan(0.8 * gain);
  expect(scale.std).toBeLessThan(1.2 * gain);
  expect(new Set(data(batch, 'down2.norm.bias'))).toEqual(new Set([0]));
  expect(new Set(data(batch, 'down2.norm.mean'))).toEqual(new Set([0]));
  expect(new Set(data(batch, 'down2.norm.var'))).toEqual(new Set([1]));
  expect(new Set(data(build('instance'), 'ones64'))).toEqual(new Set([1]));
});

test('a parameter depends on the seed and its name alone', () => {
  const weights = (seed: number, blocks: number) =>
    data(initialise(resnetGenerator({ baseWidth: 4, blocks, size: 16 }), { seed }), 'block1.conv1.weight');
  expect(weights(7, 1)).toEqual(weights(7, 3));
  expect(weights(7, 1)).not.toEqual(weights(8, 1));
  const graph = initialise(resnetGenerator({ baseWidth: 4, blocks: 2, size: 16 }), { seed: 7 });
  expect(data(graph, 'block1.conv1.weight')).not.toEqual(data(graph, 'block1.conv2.weight'));
});
