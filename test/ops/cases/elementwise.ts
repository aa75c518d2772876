import type { Value } from '../../../src/graph/graph.ts';
import * as a from '../../../src/ops/activation.ts';
import * as e from '../../../src/ops/elementwise.ts';
import { emit } from '../../../src/ops/op.ts';
import { between, type Drawn, type GradientCase, nonzero, normal, positive } from '../finite-differences.ts';

type Unary = (x: Value) => Value;

/** One operator applied to a matrix of the numbers given. */
const unary = (name: string, f: Unary, x: Drawn = normal([3, 7])): GradientCase => ({
  name,
  inputs: { x },
  build: (v) => f(v.x!),
});

/** Pairs of shapes that broadcast. */
const pairs: [number[], number[]][] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3, 4], [4]],
  [
    [3, 1],
    [2, 3, 4],
  ],
  [
    [2, 1, 4],
    [1, 3, 1],
  ],
  [[], [2, 3]],
  [[2, 3], [1]],
  [
    [1, 1, 1, 1],
    [2, 3],
  ],
];

function binary(name: string, f: (x: Value, y: Value) => Value, draw = normal): GradientCase[] {
  return pairs.map(([x, y]) => ({
    name: `${name} [${x}] with [${y}]`,
    inputs: { x: draw(x), y: draw(y) },
    build: (v) => f(v.x!, v.y!),
  }));
}

/** For Max and Min: no pair of numbers is near to another. */
const apart = binary('apart', e.max).map((c): GradientCase => {
  const scattered = (drawn: Drawn, odd: number): Drawn => ({
    ...drawn,
    draw: (random, count) => Array.from({ length: count }, () => random.int(-8, 8) * 0.2 + odd * 0.1),
  });
  return { ...c, inputs: { x: scattered(c.inputs.x!, 0), y: scattered(c.inputs.y!, 1) } };
});

export const elementwiseCases = {
  Add: binary('Add', e.add),
  Sub: binary('Sub', e.sub),
  Mul: [...binary('Mul', e.mul), unary('Mul with itself', (x) => e.mul(x, x))],
  Div: binary('Div', e.div, positive),
  Pow: [
    ...binary('Pow', e.pow, positive),
    unary('Pow 2 of negative numbers', (x) => e.pow(x, 2), nonzero([3, 5])),
    unary('Pow 3', (x) => e.pow(x, 3), nonzero([3, 5])),
    unary('Pow 0.5', (x) => e.pow(x, 0.5), positive([3, 5])),
  ],
  Max: apart.map((c) => ({ ...c, name: `Max ${c.name}` })),
  Min: apart.map((c) => ({
    ...c,
    name: `Min ${c.name}`,
    build: (v: Record<string, Value>) => e.min(v.x!, v.y!),
  })),
  Where: [
    ...apart.map((c) => ({
      ...c,
      name: `Where ${c.name}`,
      build: (v: Record<string, Value>) => e.where(e.greater(v.x!, v.y!), e.mul(v.x!, 2), e.mul(v.y!, 3)),
    })),
    unary('Where with a number', (x) => e.where(e.greater(x, 0), x, 0.5), nonzero([4, 5])),
  ],
  Neg: [unary('Neg', e.neg)],
  Abs: [unary('Abs', e.abs, nonzero([3, 7]))],
  Sign: [unary('Sign', e.sign, nonzero([3, 7]))],
  Sqrt: [unary('Sqrt', e.sqrt, positive([3, 7]))],
  Reciprocal: [unary('Reciprocal', e.reciprocal, positive([3, 7]))],
  Exp: [unary('Exp', e.exp)],
  Log: [unary('Log', e.log, positive([3, 7]))],
  Erf: [unary('Erf', e.erf)],
  Sin: [unary('Sin', e.sin)],
  Cos: [unary('Cos', e.cos)],
  Floor: [unary('Floor', (x) => emit(e.Floor, [x]), between(0.2, 0.8)([3, 7]))],
  Ceil: [unary('Ceil', (x) => emit(e.Ceil, [x]), between(0.2, 0.8)([3, 7]))],
  Round: [unary('Round', (x) => emit(e.Round, [x]), between(0.6, 1.4)([3, 7]))],
  Identity: [unary('Identity', e.identity)],
  Cast: [
    unary('Cast to double and back', (x) => e.cast(e.exp(e.cast(x, 'float64')), 'float32')),
    unary(
      'Cast to integers has no gradient',
      (x) => e.add(e.cast(e.cast(x, 'int64'), 'float32'), x),
      between(0.2, 0.8)([3, 4]),
    ),
  ],
  Clip: [
    unary('Clip on both sides', (x) => e.clip(x, -0.1, 0.1), nonzero([3, 7])),
    unary('Clip from below', (x) => e.clip(x, 0), nonzero([3, 7])),
    unary('Clip from above', (x) => e.clip(x, undefined, 0), nonzero([3, 7])),
    unary('Clip without bounds', (x) => e.clip(x)),
  ],
  Relu: [unary('Relu', a.relu, nonzero([3, 7]))],
  LeakyRelu: [
    unary('LeakyRelu', (x) => a.leakyRelu(x, 0.2), nonzero([3, 7])),
    unary('LeakyRelu default', (x) => emit(a.LeakyRelu, [x]), nonzero([3, 7])),
  ],
  PRelu: [[1], [3, 1, 1], [2, 3, 4, 5], [3, 4, 5]].map((slope) => ({
    name: `PRelu slope [${slope}]`,
    inputs: { x: nonzero([2, 3, 4, 5]), slope: normal(slope) },
    build: (v: Record<string, Value>) => a.prelu(v.x!, v.slope!),
  })),
  Elu: [unary('Elu', a.elu, nonzero([3, 7])), unary('Elu 0.5', (x) => a.elu(x, 0.5), nonzero([3, 7]))],
  Sigmoid: [unary('Sigmoid', a.sigmoid)],
  Tanh: [unary('Tanh', a.tanh)],
  Softplus: [unary('Softplus', a.softplus)],
  HardSigmoid: [
    unary('HardSigmoid', (x) => emit(a.HardSigmoid, [x]), between(-2.4, 2.4)([3, 7])),
    unary('HardSigmoid cut off', (x) => emit(a.HardSigmoid, [x], { alpha: 1 / 6 }), between(3.1, 5)([3, 7])),
  ],
  HardSwish: [
    unary('HardSwish', a.hardSwish, between(-2.9, 2.9)([3, 7])),
    unary('HardSwish above', a.hardSwish, between(3.1, 5)([2, 2])),
    unary('HardSwish below', a.hardSwish, between(-5, -3.1)([2, 2])),
  ],
  Softmax: [-1, 1, 0, -3].map((axis) =>
    unary(`Softmax axis ${axis}`, (x) => a.softmax(x, axis), normal([2, 3, 4])),
  ),
  LogSoftmax: [-1, 1, 0].map((axis) =>
    unary(`LogSoftmax axis ${axis}`, (x) => a.logSoftmax(x, axis), normal([2, 3, 4])),
  ),
  Dropout: [unary('Dropout', (x) => emit(a.Dropout, [x]))],
} satisfies Record<string, GradientCase[]>;

/** Builders made of several operators. */
export const composedCases: GradientCase[] = [
  unary('gelu', a.gelu),
  unary('stableSoftplus', a.stableSoftplus, nonzero([3, 7])),
  unary('square', e.square),
  {
    name: 'dropoutWith',
    inputs: { x: normal([3, 4]), mask: normal([3, 4]) },
    build: (v) => a.dropoutWith(v.x!, v.mask!),
  },
];
