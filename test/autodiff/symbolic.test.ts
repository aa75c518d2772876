import { describe, expect, test } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { type Dim, float32, Graph, int64, type Tensor, type Value } from '../../src/graph/graph.ts';
import { relu, softmax, tanh } from '../../src/ops/activation.ts';
import { checkTypes } from '../../src/ops/check-types.ts';
import { conv, convTranspose } from '../../src/ops/conv.ts';
import { add, identity, mul, square } from '../../src/ops/elementwise.ts';
import { gather } from '../../src/ops/gather.ts';
import { expandTo, flatten, reshape, transpose } from '../../src/ops/layout.ts';
import { matMul, swapLast } from '../../src/ops/matmul.ts';
import { batchNorm, batchNormTraining, groupNorm, instanceNorm, layerNorm } from '../../src/ops/norm.ts';
import { averagePool, globalAveragePool, maxPool } from '../../src/ops/pool.ts';
import { mean, reduceMax, reduceMean, reduceSum, sum } from '../../src/ops/reduce.ts';
import { upsample } from '../../src/ops/resize.ts';
import { concat, split } from '../../src/ops/segments.ts';
import { sizesValue } from '../../src/ops/sizes.ts';
import { END, flip, pad, prefix, slice } from '../../src/ops/window.ts';
import { rng } from '../../src/util/rng.ts';
import {
  analyticGradients,
  type GradientCase,
  integers,
  normal,
  positive,
  runOnce,
  symbolic,
} from '../ops/finite-differences.ts';

interface SymbolicCase extends GradientCase {
  /** Shapes with symbols, by input; the others stay static. */
  symbols: Record<string, readonly Dim[]>;
}

const image = ['batch', 'c', 6, 6];
const cases: SymbolicCase[] = [
  {
    name: 'Conv, dense',
    inputs: { x: normal([2, 4, 6, 6]), w: normal([5, 4, 3, 3]), b: normal([5]) },
    symbols: { x: image, w: ['o', 'c', 3, 3], b: ['o'] },
    build: (v) => conv(v.x!, v.w!, { pads: [1, 1, 1, 1], bias: v.b! }),
  },
  {
    name: 'Conv, strided',
    inputs: { x: normal([2, 4, 6, 6]), w: normal([5, 4, 4, 4]) },
    symbols: { x: image, w: ['o', 'c', 4, 4] },
    build: (v) => conv(v.x!, v.w!, { strides: [2, 2], pads: [1, 1, 1, 1] }),
  },
  {
    name: 'Conv, pointwise, one channel symbolic',
    inputs: { x: normal([2, 4, 6, 6]), w: normal([5, 4, 1, 1]) },
    symbols: { x: ['batch', 4, 6, 6], w: ['o', 4, 1, 1] },
    build: (v) => conv(v.x!, v.w!),
  },
  {
    name: 'Conv, depthwise',
    inputs: { x: normal([2, 4, 6, 6]), w: normal([4, 1, 3, 3]) },
    symbols: { x: image, w: ['c', 1, 3, 3] },
    build: (v) => conv(v.x!, v.w!, { group: 4, pads: [1, 1, 1, 1] }),
  },
  {
    name: 'Conv, depthwise and strided',
    inputs: { x: normal([2, 4, 6, 6]), w: normal([4, 1, 3, 3]) },
    symbols: { x: image, w: ['c', 1, 3, 3] },
    build: (v) => conv(v.x!, v.w!, { group: 4, strides: [2, 2], pads: [1, 1, 1, 1] }),
  },
  {
    name: 'ConvTranspose',
    inputs: { x: normal([2, 4, 6, 6]), w: normal([4, 5, 3, 3]) },
    symbols: { x: image, w: ['c', 'o', 3, 3] },
    build: (v) => convTranspose(v.x!, v.w!, { strides: [2, 2], pads: [1, 1, 1, 1], outputPadding: [1, 1] }),
  },
  {
    name: 'InstanceNormalization',
    inputs: { x: normal([2, 4, 6, 6]), gamma: normal([4]), beta: normal([4]) },
    symbols: { x: image, gamma: ['c'], beta: ['c'] },
    build: (v) => instanceNorm(v.x!, v.gamma!, v.beta!),
  },
  {
    name: 'InstanceNormalization without parameters',
    inputs: { x: normal([2, 4, 6, 6]) },
    symbols: { x: image },
    build: (v) => instanceNorm(v.x!),
  },
  {
    name: 'BatchNormalization',
    inputs: {
      x: normal([2, 4, 6, 6]),
      gamma: normal([4]),
      beta: normal([4]),
      m: normal([4]),
      s: positive([4]),
    },
    symbols: { x: image, gamma: ['c'], beta: ['c'], m: ['c'], s: ['c'] },
    build: (v) => batchNorm(v.x!, v.gamma!, v.beta!, v.m!, v.s!),
  },
  {
    name: 'batchNormTraining with its new averages',
    inputs: {
      x: normal([2, 4, 6, 6]),
      gamma: normal([4]),
      beta: normal([4]),
      m: normal([4]),
      s: positive([4]),
    },
    symbols: { x: image, gamma: ['c'], beta: ['c'], m: ['c'], s: ['c'] },
    build: (v) => {
      const { y, mean, variance } = batchNormTraining(v.x!, v.gamma!, v.beta!, v.m!, v.s!);
      return add(y, reshape(mul(mean, variance), [v.m!.shape[0]!, 1, 1], v.m!));
    },
  },
  {
    name: 'LayerNormalization',
    inputs: { x: normal([2, 4, 6]), gamma: normal([6]), beta: normal([6]) },
    symbols: { x: ['batch', 'c', 6] },
    build: (v) => layerNorm(v.x!, v.gamma!, v.beta!),
  },
  {
    name: 'groupNorm',
    inputs: { x: normal([2, 4, 6, 6]), gamma: normal([4]), beta: normal([4]) },
    symbols: { x: image, gamma: ['c'], beta: ['c'] },
    build: (v) => groupNorm(v.x!, v.gamma!, v.beta!, 2),
  },
  {
    name: 'Concat of sizes known at run time',
    inputs: { x: normal([2, 4, 6]), y: normal([2, 3, 6]) },
    symbols: { x: ['batch', 'c', 6], y: ['batch', 'd', 6] },
    build: (v) => square(concat([v.x!, v.y!, v.x!], 1)),
  },
  {
    name: 'Split into sizes known at run time',
    inputs: { x: normal([2, 7, 6]), sizes: integers([3, 4]) },
    symbols: { x: ['batch', 'c', 6] },
    build: (v) => square(split(v.x!, 1, v.sizes!, ['a', 'b'])[1]!),
  },
  {
    name: 'attention over positions',
    inputs: { x: normal([2, 4, 3, 3]) },
    symbols: { x: ['batch', 'c', 'h', 'w'] },
    build: (v) => {
      const [n, c, h, w] = v.x!.shape as [Dim, Dim, Dim, Dim];
      const rows = typeof h === 'number' ? 9 : 'h*w';
      const tokens = transpose(reshape(v.x!, [n, c, rows], v.x!), [0, 2, 1]);
      const mixed = matMul(softmax(matMul(tokens, swapLast(tokens))), tokens);
      return reshape(transpose(mixed, [0, 2, 1]), [n, c, h, w!], v.x!);
    },
  },
  {
    name: 'reductions and broadcasting',
    inputs: { x: normal([2, 4, 3, 3]) },
    symbols: { x: ['batch', 'c', 'h', 'w'] },
    build: (v) => {
      const x = v.x!;
      const scaled = mul(x, add(reduceMean(x, [1, 3]), mul(reduceSum(x, [0]), reduceMax(x, [2, 3]))));
      return add(scaled, expandTo(mean(square(x)), x));
    },
  },
  {
    name: 'layout',
    inputs: { x: normal([2, 4, 3, 3]) },
    symbols: { x: ['batch', 'c', 3, 3] },
    build: (v) => square(flatten(transpose(flip(v.x!, [3]), [0, 2, 3, 1]))),
  },
  {
    name: 'cuts and borders of unknown sizes',
    inputs: { x: normal([2, 4, 5, 6]) },
    symbols: { x: ['batch', 'c', 'h', 'w'] },
    build: (v) => {
      const cut = square(slice(v.x!, [1, 2, 3], [1, -3, 0], [END, -1, -2]));
      return square(pad(pad(cut, [0, 0, 1, 1, 0, 0, 1, 1], 'reflect'), [0, 0, 2, 0, 0, 0, 0, 1], 'edge'));
    },
  },
  {
    name: 'Gather',
    inputs: { x: normal([2, 5, 3]), i: integers([1, 4, -1, 1]) },
    symbols: { x: ['batch', 'c', 3] },
    build: (v) => square(gather(v.x!, v.i!, 1)),
  },
  {
    name: 'pooling and resizing',
    inputs: { x: normal([2, 4, 6, 6]) },
    symbols: { x: image },
    build: (v) => {
      const small = mul(averagePool(v.x!, { kernel: [2, 2] }), maxPool(v.x!, { kernel: [2, 2] }));
      const wide = averagePool(v.x!, { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
      const up = upsample(add(small, wide), [2, 2], { mode: 'linear' });
      return add(add(up, upsample(small, [2, 2])), globalAveragePool(v.x!));
    },
  },
  {
    name: 'a residual block',
    inputs: { x: normal([2, 4, 6, 6]), w: normal([4, 4, 3, 3]) },
    symbols: { x: image, w: ['c', 'c', 3, 3] },
    build: (v) => {
      const padded = pad(v.x!, [0, 0, 1, 1, 0, 0, 1, 1], 'reflect');
      return relu(add(v.x!, instanceNorm(conv(padded, v.w!))));
    },
  },
];

describe('gradients with sizes known only at run time equal those of the static graph', () => {
  test.each(cases)('$name', async (c) => {
    const inputs = Object.fromEntries(
      Object.entries(c.inputs).map(([name, drawn]) => [
        name,
        symbolic(drawn, c.symbols[name] ?? drawn.shape),
      ]),
    );
    const [expected, actual] = [await analyticGradients(c), await analyticGradients({ ...c, inputs })];
    await Promise.all([expected.forward.dispose(), actual.forward.dispose()]);
    expect(actual.y.shape).toEqual(expected.y.shape);
    expect(Object.keys(actual.grads)).toEqual(Object.keys(expected.grads));
    for (const [name, grad] of Object.entries(expected.grads)) {
      expect(actual.grads[name]!.shape, name).toEqual(grad.shape);
      const numbers = actual.grads[name]!.data as Float32Array;
      expect(numbers, name).toBeAllclose(grad.data as Float32Array, { atol: 1e-4, rtol: 1e-4 });
    }
  });
});

/** A network of two layers whose widths are inputs: weights are cut to the first channels as it runs. */
function elastic(graph: Graph, widths: readonly [Value, Value], given: Record<string, Value>): Value {
  const [a, b] = widths;
  const w1 = prefix(given.w1!, 0, a, 'width:a');
  const b1 = prefix(given.b1!, 0, a, 'width:a');
  const w2 = prefix(prefix(given.w2!, 1, a, 'width:a'), 0, b, 'width:b');
  const w3 = prefix(given.w3!, 1, b, 'width:b');
  const h = tanh(instanceNorm(conv(given.x!, w1, { pads: [1, 1, 1, 1], bias: b1 })));
  const g = tanh(conv(h, w2, { strides: [2, 2], pads: [1, 1, 1, 1] }));
  return graph.scoped('head', () => conv(upsample(g, [2, 2]), w3));
}

const shapes = { x: [2, 3, 6, 6], w1: [6, 3, 3, 3], b1: [6], w2: [5, 6, 3, 3], w3: [2, 5, 1, 1] };
type Name = keyof typeof shapes;
const names = Object.keys(shapes) as Name[];

function draw(name: Name): Tensor {
  const shape = shapes[name];
  const count = shape.reduce((n, d) => n * d, 1);
  return float32(shape, rng(1, `elastic ${name}`).fillNormal(new Float32Array(count), 0.5));
}

/** The first elements along some axes, and zeros in place of the rest. */
function kept(tensor: Tensor, limits: Record<number, number>, cut: boolean): Tensor {
  const { shape, data } = tensor;
  const numbers: number[] = [];
  for (let flat = 0; flat < data.length; flat++) {
    let rest = flat;
    const index = shape.map(() => 0);
    for (let k = shape.length - 1; k >= 0; k--) {
      index[k] = rest % shape[k]!;
      rest = Math.floor(rest / shape[k]!);
    }
    const inside = index.every((i, k) => i < (limits[k] ?? Number.POSITIVE_INFINITY));
    if (inside) numbers.push(Number(data[flat]));
    else if (!cut) numbers.push(0);
  }
  return float32(cut ? shape.map((d, k) => limits[k] ?? d) : shape, numbers);
}

function limitsOf(a: number, b: number): Record<Name, Record<number, number>> {
  return { x: {}, w1: { 0: a }, b1: { 0: a }, w2: { 0: b, 1: a }, w3: { 1: b } };
}

function withGradients(graph: Graph, y: Value, targets: Record<string, Value>): void {
  const found = gradient(sum(square(y)), Object.values(targets));
  for (const [i, name] of Object.keys(targets).entries()) graph.output(identity(found[i]!), `d:${name}`);
  graph.output(identity(y), 'result');
  checkGraph(graph);
  checkTypes(graph);
}

describe('weights cut to widths that are inputs', () => {
  const graph = new Graph('elastic');
  const widths = [graph.input('a', 'int64', [1]), graph.input('b', 'int64', [1])] as const;
  const given = Object.fromEntries(names.map((name) => [name, graph.input(name, 'float32', shapes[name])]));
  withGradients(graph, elastic(graph, widths, given), given);

  test.each([
    [6, 5],
    [4, 5],
    [1, 1],
    [3, 2],
  ])('at widths %i and %i equal a network of that size, with zero gradients beyond', async (a, b) => {
    const limits = limitsOf(a, b);
    const full = Object.fromEntries(names.map((name) => [name, draw(name)]));
    const actual = await runOnce(graph, { ...full, a: int64([a]), b: int64([b]) });

    const small = new Graph('static');
    const cut = Object.fromEntries(names.map((name) => [name, kept(full[name]!, limits[name], true)]));
    const v = Object.fromEntries(names.map((name) => [name, small.input(name, 'float32', cut[name]!.shape)]));
    const h = tanh(instanceNorm(conv(v.x!, v.w1!, { pads: [1, 1, 1, 1], bias: v.b1! })));
    const g = tanh(conv(h, v.w2!, { strides: [2, 2], pads: [1, 1, 1, 1] }));
    withGradients(small, conv(upsample(g, [2, 2]), v.w3!), v);
    const expected = await runOnce(small, cut);

    expect(actual.result!.data as Float32Array).toBeAllclose(expected.result!.data as Float32Array, {
      atol: 1e-5,
    });
    for (const name of names) {
      const grad = actual[`d:${name}`]!;
      expect(grad.shape).toEqual(shapes[name]);
      const inner = kept(grad, limits[name], true).data as Float32Array;
      expect(inner, name).toBeAllclose(expected[`d:${name}`]!.data as Float32Array, {
        atol: 1e-4,
        rtol: 1e-4,
      });
      expect(kept(grad, limits[name], false).data, `${name} beyond its width`).toEqual(grad.data);
    }
  });
});

test('a cut from a start known only at run time puts its gradient back where it was read', async () => {
  const graph = new Graph('window');
  const x = graph.input('x', 'float32', [5, 'n']);
  const start = graph.input('start', 'int64', [1]);
  const inputs = [x, start, sizesValue(graph, [add(start, 2)]), graph.vector([0])];
  const y = graph.add('Slice', inputs, {}, [{ dtype: 'float32', shape: [2, 'n'] }]).outputs[0]!;
  const [dx] = gradient(sum(mul(y, y)), [x]);
  graph.output(identity(dx!), 'dx');
  const data = Float32Array.from({ length: 10 }, (_, i) => i + 1);
  for (const [from, first] of [
    [1, 1],
    [3, 3],
    [-4, 1],
  ] as const) {
    const { dx: found } = await runOnce(graph, { x: float32([5, 2], data), start: int64([from]) });
    const expected = Array.from(data, (v, i) => (i >= 2 * first && i < 2 * first + 4 ? 2 * v : 0));
    expect(Array.from(found!.data as Float32Array)).toEqual(expected);
  }
});
