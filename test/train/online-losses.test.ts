import { describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { float32, Graph, type Tensor, type Value } from '../../src/graph/graph.ts';
import { ssim } from '../../src/metrics/ssim.ts';
import {
  channelAdaptors,
  channelLoss,
  ssimLoss,
  styleLoss,
  variationLoss,
} from '../../src/train/online-losses.ts';
import { apply, declareTrained } from '../../src/train/trained-network.ts';
import { rng } from '../../src/util/rng.ts';

const backend = onnxruntime({ threads: 1 });

const drawn = (shape: number[], purpose: string): Tensor =>
  float32(shape, rng(2, purpose).fillUniform(new Float32Array(shape.reduce((a, b) => a * b, 1)), -1, 1));

/** The value of a loss of some tensors. */
async function lossOf(
  tensors: Record<string, Tensor>,
  loss: (graph: Graph, v: Record<string, Value>) => Value,
) {
  const graph = new Graph('loss');
  const inputs = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape }]) => [name, graph.input(name, 'float32', shape)]),
  );
  graph.output(loss(graph, inputs), 'loss');
  return (await runGraph(graph, tensors, backend)).loss!.data[0] as number;
}

describe('1 − SSIM', () => {
  test('is that of the measure on levels of 8 bits', async () => {
    const [batch, height, width] = [2, 13, 16];
    const count = 3 * height * width;
    const levels = Array.from({ length: 2 * batch }, (_, i) =>
      Uint8Array.from({ length: count }, (_, p) => (p * (3 + i) + ((p * p * (i + 2)) % 97)) % 256),
    );
    const picture = (from: number) =>
      float32(
        [batch, 3, height, width],
        [0, 1].flatMap((n) => Array.from(levels[from + n]!, (x) => x / 127.5 - 1)),
      );
    const found = await lossOf({ a: picture(0), b: picture(2) }, (g, v) => ssimLoss(g, v.a!, v.b!));
    const shape = { channels: 3, height, width };
    const expected = 1 - (ssim(levels[0]!, levels[2]!, shape) + ssim(levels[1]!, levels[3]!, shape)) / 2;
    expect(expected).toBeGreaterThan(0.1);
    expect(found).toBeCloseTo(expected, 5);
  });

  test('is 0 of equal images, smaller than the window too', async () => {
    const a = drawn([1, 3, 6, 6], 'a');
    expect(await lossOf({ a, b: a }, (g, v) => ssimLoss(g, v.a!, v.b!))).toBeCloseTo(0, 6);
  });
});

test('style is the distance of Gram matrices over C·H·W, of each image by itself', async () => {
  const [n, c, h, w] = [2, 3, 2, 4];
  const [a, b] = [drawn([n, c, h, w], 'a'), drawn([n, c, h, w], 'b')];
  const at = ({ data }: Tensor, i: number, j: number, p: number) => Number(data[(i * c + j) * h * w + p]);
  let distance = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < c; j++) {
      for (let k = 0; k < c; k++) {
        let [one, other] = [0, 0];
        for (let p = 0; p < h * w; p++) {
          one += at(a, i, j, p) * at(a, i, k, p);
          other += at(b, i, j, p) * at(b, i, k, p);
        }
        distance += Math.abs(one - other) / (c * h * w);
      }
    }
  }
  const found = await lossOf({ a, b }, (_, v) => styleLoss([v.a!, v.a!], [v.b!, v.b!]));
  expect(found).toBeCloseTo((2 * distance) / (n * c * c), 6);
});

test('total variation sums over an image what neighbours differ by', async () => {
  const x = float32([2, 1, 2, 3], [0, 1, 3, 2, 2, 2, 5, 5, 5, 5, 5, 4]);
  // First: rows 1 + 2 + 0 + 0, columns 2 + 1 + 1; second: rows 1, columns 1.
  expect(await lossOf({ x }, (_, v) => variationLoss(v.x!))).toBeCloseTo((7 + 2) / 2, 6);
});

test('channels are compared by their means, after convolution, batch norm and ReLU', async () => {
  const [n, size] = [2, 3];
  const [s, t] = [drawn([n, 2, size, size], 's'), drawn([n, 4, size, size], 't')];
  const shapes = new Graph('shapes');
  const pair = {
    student: shapes.input('s', 'float32', s.shape),
    teacher: shapes.input('t', 'float32', t.shape),
  };
  const network = channelAdaptors([pair], n, 5);
  const weight = network.constants.get('adaptor1.weight')!.tensor!.data as Float32Array;
  const gamma = network.constants.get('adaptor1.norm.weight')!.tensor!.data as Float32Array;

  const graph = new Graph('fed');
  const [x, y] = [graph.input('s', 'float32', s.shape), graph.input('t', 'float32', t.shape)];
  const trained = declareTrained(graph, 'a', network);
  const { outputs } = apply(graph, trained, { tap1: x }, 'adaptors');
  graph.output(channelLoss(outputs, [y]), 'loss');
  const weights = [...trained.weights, ...trained.statistics].map(([name, value]) => [
    value.name,
    network.constants.get(name)!.tensor!,
  ]);
  const { loss } = await runGraph(graph, { s, t, ...Object.fromEntries(weights) }, backend);

  const area = size * size;
  let expected = 0;
  for (let k = 0; k < 4; k++) {
    const wide = Array.from({ length: n * area }, (_, p) => {
      const [i, q] = [Math.floor(p / area), p % area];
      return [0, 1].reduce((sum, c) => sum + weight[2 * k + c]! * Number(s.data[(2 * i + c) * area + q]), 0);
    });
    const mean = wide.reduce((a, b) => a + b, 0) / wide.length;
    const variance = wide.reduce((a, b) => a + (b - mean) ** 2, 0) / wide.length;
    for (let i = 0; i < n; i++) {
      const own = wide
        .slice(i * area, (i + 1) * area)
        .map((z) => Math.max(0, (gamma[k]! * (z - mean)) / Math.sqrt(variance + 1e-5)));
      const taught = Array.from({ length: area }, (_, q) => Number(t.data[(4 * i + k) * area + q]));
      const difference = [own, taught].map((values) => values.reduce((a, b) => a + b, 0) / area);
      expected += (difference[0]! - difference[1]!) ** 2 / (4 * n);
    }
  }
  expect(loss!.data[0]).toBeCloseTo(expected, 5);
});
