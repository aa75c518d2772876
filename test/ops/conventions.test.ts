import { describe, expect, test } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { leakyRelu, relu } from '../../src/ops/activation.ts';
import { abs, clip, identity, max, mul, sign } from '../../src/ops/elementwise.ts';
import { globalMaxPool, maxPool } from '../../src/ops/pool.ts';
import { reduceMax, sum } from '../../src/ops/reduce.ts';
import { runOnce } from './finite-differences.ts';

/** The gradient of Σ f(x)·1, 2, 3, … where central differences have nothing to say. */
async function gradientAt(shape: number[], numbers: number[], f: (x: Value) => Value): Promise<number[]> {
  const graph = new Graph('convention');
  const x = graph.input('x', 'float32', shape);
  const y = f(x);
  const count = (y.shape as number[]).reduce((a, b) => a * b, 1);
  const weights = graph.constant(
    float32(
      y.shape as number[],
      Array.from({ length: count }, (_, i) => i + 1),
    ),
  );
  const [dx] = gradient(sum(mul(y, weights)), [x]);
  graph.output(identity(dx!), 'dx');
  const results = await runOnce(graph, { x: float32(shape, numbers) });
  return Array.from(results.dx!.data as Float32Array, (v) => v + 0);
}

describe('at kinks', () => {
  test.each<[string, (x: Value) => Value, number[], number[]]>([
    ['relu passes nothing at 0', relu, [-1, 0, 2], [0, 0, 3]],
    ['leaky relu takes the mean of its slopes at 0', (x) => leakyRelu(x, 0.5), [-1, 0, 2], [0.5, 1.5, 3]],
    ['abs passes nothing at 0', abs, [-1, 0, 2], [-1, 0, 3]],
    ['sign passes nothing', sign, [-1, 0, 2], [0, 0, 0]],
    ['clip passes everything at its bounds', (x) => clip(x, -1, 2), [-1, 0, 2], [1, 2, 3]],
    ['max of equal operands shares', (x) => max(x, 0), [-1, 0, 2], [0, 1, 3]],
  ])('%s', async (_, f, numbers, expected) => {
    expect(await gradientAt([3], numbers, f)).toBeAllclose(expected);
  });
});

describe('where several elements are the largest', () => {
  test('reductions share in equal parts', async () => {
    expect(await gradientAt([2, 3], [5, 5, 1, 0, 7, 0], (x) => reduceMax(x, [1]))).toEqual([
      0.5, 0.5, 0, 0, 2, 0,
    ]);
    expect(await gradientAt([1, 1, 2, 2], [4, 4, 4, 4], globalMaxPool)).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  test('pooling gives all to the first of each window', async () => {
    const pooled = await gradientAt([1, 1, 2, 4], [3, 3, 0, 9, 3, 3, 9, 9], (x) =>
      maxPool(x, { kernel: [2, 2] }),
    );
    expect(pooled).toEqual([1, 0, 0, 2, 0, 0, 0, 0]);
  });

  test('pooling gives nothing to the border, though zeros stand there', async () => {
    const zeros = new Array(9).fill(0);
    const padded = await gradientAt([1, 1, 3, 3], zeros, (x) =>
      maxPool(x, { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    );
    // Windows begin outside: their first element inside is at (0, 0), (0, 1), (1, 0) and (1, 1).
    expect(padded).toEqual([1, 2, 0, 3, 4, 0, 0, 0, 0]);
  });

  test('a window that hangs over the edge has its elements inside only', async () => {
    const over = await gradientAt([1, 1, 1, 5], [-5, -4, -3, -2, -9], (x) =>
      maxPool(x, { kernel: [1, 2], ceil: true }),
    );
    expect(over).toEqual([0, 1, 0, 2, 3]);
  });
});
