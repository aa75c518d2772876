import { describe, expect, test } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { printGraph } from '../../src/graph/print.ts';
import { relu, tanh } from '../../src/ops/activation.ts';
import { conv } from '../../src/ops/conv.ts';
import { add, identity, Mod, mul, square } from '../../src/ops/elementwise.ts';
import { layerNorm } from '../../src/ops/norm.ts';
import { emit } from '../../src/ops/op.ts';
import { sum } from '../../src/ops/reduce.ts';
import { GanletError } from '../../src/util/errors.ts';
import { runOnce } from '../ops/finite-differences.ts';

async function numbersOf(graph: Graph, values: readonly Value[], x: number[]): Promise<number[][]> {
  for (const [i, value] of values.entries()) graph.output(identity(value), `result${i}`);
  checkGraph(graph);
  const results = await runOnce(graph, { x: float32([x.length], x) });
  return values.map((_, i) => Array.from(results[`result${i}`]!.data as Float32Array));
}

function errorOf(f: () => unknown): GanletError {
  try {
    f();
  } catch (error) {
    if (error instanceof GanletError) return error;
    throw error;
  }
  throw new Error('there must be an error');
}

test('contributions of every path are added', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2]);
  const y = mul(x, x);
  const [dx] = gradient(sum(add(mul(y, x), add(y, x))), [x]);
  // x³ + x² + x
  expect(await numbersOf(graph, [dx!], [2, -1])).toEqual([[17, 2]]);
});

test('what the loss does not depend on has a gradient of zeros, in its shape', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2]);
  const other = graph.constant(float32([3, 1], [1, 2, 3]));
  const [dx, dOther] = gradient(sum(x), [x, other]);
  expect(await numbersOf(graph, [dx!, dOther!], [5, 6])).toEqual([
    [1, 1],
    [0, 0, 0],
  ]);
  expect(dOther!.shape).toEqual([3, 1]);
});

test('a value inside the graph can be a target, and its own inputs too', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2]);
  const y = square(x);
  const [dx, dy] = gradient(sum(square(y)), [x, y]);
  expect(await numbersOf(graph, [dx!, dy!], [1, -2])).toEqual([
    [4, -32],
    [2, 8],
  ]);
});

test('the loss itself has gradient 1', async () => {
  const graph = new Graph();
  const loss = sum(graph.input('x', 'float32', [2]));
  expect(await numbersOf(graph, gradient(loss, [loss]), [1, 2])).toEqual([[1]]);
});

test('values given as stops are taken as constant', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2]);
  const y = square(x);
  const [dx] = gradient(sum(mul(y, x)), [x], [y]);
  expect(await numbersOf(graph, [dx!], [3, -2])).toEqual([[9, 4]]);
});

test('only nodes between the targets and the loss are visited', () => {
  const graph = new Graph('lean');
  const x = graph.input('x', 'float32', [1, 2, 5, 5]);
  const w1 = graph.input('w1', 'float32', [3, 2, 3, 3]);
  const w2 = graph.input('w2', 'float32', [1, 3, 3, 3]);
  const loss = sum(conv(relu(conv(x, w1)), w2));
  const before = graph.nodes.length;
  gradient(loss, [w2]);
  const added = graph.nodes.slice(before);
  // No gradient for the first layer: nothing is convolved, no activation undone.
  expect(added.map((n) => n.op)).not.toContain('Conv');
  expect(added.map((n) => n.op)).not.toContain('Sign');
  expect(added.every((n) => n.name.startsWith('grad/'))).toBe(true);
});

test('the backward graph of a small expression reads as expected', () => {
  const graph = new Graph('tanh');
  const x = graph.input('x', 'float32', ['batch', 2]);
  const [dx] = gradient(sum(tanh(x)), [x]);
  graph.output(dx!, 'dx');
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "graph tanh(x: float32[batch, 2])
      %Tanh:y float32[batch, 2] = Tanh(%x)
      %ReduceSum:y float32[] = ReduceSum(%Tanh:y, [0, 1]) {keepdims=0}
      %grad/Reshape:y float32[1, 1] = Reshape(1, [1, 1])
      %grad/Shape:y int64[2] = Shape(%Tanh:y)
      %grad/Expand:y float32[batch, 2] = Expand(%grad/Reshape:y, %grad/Shape:y)
      %grad/Mul:y float32[batch, 2] = Mul(%Tanh:y, %Tanh:y)
      %grad/Sub:y float32[batch, 2] = Sub(1, %grad/Mul:y)
      %dx float32[batch, 2] = Mul(%grad/Expand:y, %grad/Sub:y)
    return %dx"
  `);
});

describe('what cannot be differentiated is refused by name', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 3]);

  test('a loss of more than one number', () => {
    const { code, message } = errorOf(() => gradient(relu(x), [x]));
    expect([code, message]).toEqual([
      'LOSS_NOT_SCALAR',
      expect.stringMatching(/"Relu.*" has shape \[2, 3\]/),
    ]);
  });

  test('an operator without a rule', () => {
    const y = graph.scoped('layer1', () => emit(Mod, [x, x], { fmod: 1 }));
    const { code, message, hint } = errorOf(() => gradient(sum(y), [x]));
    expect([code, message]).toEqual(['GRADIENT_MISSING', 'no gradient for operator Mod (node "layer1/Mod")']);
    expect(hint).toMatch(/stopAt/);
  });

  test('a path through the statistics of a layer norm', () => {
    const ones = graph.constant(float32([3], [1, 1, 1]));
    const y = layerNorm(x, ones, ones);
    const types = [y, y, y].map(({ dtype, shape }, i) => ({ dtype, shape: i === 0 ? shape : [2, 1] }));
    const node = graph.add('LayerNormalization', [x, ones, ones], { axis: -1, epsilon: 1e-5 }, types);
    const { code, message } = errorOf(() => gradient(sum(node.outputs[1]!), [x]));
    expect([code, message]).toEqual(['GRADIENT_MISSING', expect.stringContaining('mean and deviation')]);
  });
});
