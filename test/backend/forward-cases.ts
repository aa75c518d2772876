import { float32, type Graph, int64, type Value } from '../../src/graph/graph.ts';
import * as a from '../../src/ops/activation.ts';
import { Conv, conv, convTranspose } from '../../src/ops/conv.ts';
import * as e from '../../src/ops/elementwise.ts';
import type { OpType } from '../../src/ops/index.ts';
import { emit, emitAll } from '../../src/ops/op.ts';
import { MaxPool } from '../../src/ops/pool.ts';
import { ReduceProd, reduceSum } from '../../src/ops/reduce.ts';
import { Resize } from '../../src/ops/resize.ts';
import { Constant, ConstantOfShape, Range, Shape } from '../../src/ops/sizes.ts';
import { prefix } from '../../src/ops/window.ts';
import {
  between,
  type Drawn,
  distinct,
  type GradientCase,
  integers,
  nonzero,
  normal,
  symbolic,
} from '../ops/finite-differences.ts';

const pair = (name: string, f: (x: Value, y: Value) => Value, draw = between(-3, 3)): GradientCase => ({
  name,
  inputs: { x: draw([2, 3, 4]), y: draw([3, 1]) },
  build: (v) => f(v.x!, v.y!),
});
/** Numbers of which some are equal. */
const steps: (shape: readonly number[]) => Drawn = (shape) => ({
  shape,
  sizes: shape,
  draw: (random, count) => Array.from({ length: count }, () => random.int(-2, 2)),
});
const whole = (
  name: string,
  values: readonly number[],
  build: (n: Value, graph: Graph) => Value,
): GradientCase => ({
  name,
  inputs: { n: integers(values) },
  build: (v, graph) => build(v.n!, graph),
});
const one = (name: string, x: Drawn, f: (x: Value) => Value): GradientCase => ({
  name,
  inputs: { x },
  build: (v) => f(v.x!),
});
/** Bools as numbers, so that they can be read back as such and as bools. */
const shown = (condition: Value) => e.add(e.cast(condition, 'float32'), 0.5);
const compare = (op: string, f: (x: Value, y: Value) => Value): GradientCase[] => [
  pair(`${op} of floats`, (x, y) => shown(f(x, y)), steps),
  pair(`${op} as bool`, f, steps),
  {
    name: `${op} of integers`,
    inputs: { x: integers([3, -1, 4, 4, -5, 2], [2, 3]), y: integers([4, -1, 2]) },
    build: (v) => shown(f(v.x!, v.y!)),
  },
];
const positiveX = (x: Value) => e.greater(x, 0);

/** Cases of operators without a gradient. */
export const withoutGradient: Partial<Record<OpType, readonly GradientCase[]>> = {
  Mod: [
    {
      name: 'Mod of integers takes the sign of the divisor',
      inputs: { x: integers([7, -7, 7, -7, 6]), y: integers([3, 3, -3, -3, 3]) },
      build: (v) => emit(e.Mod, [v.x!, v.y!]),
    },
    pair('Mod of floats takes the sign of the dividend', (x, y) => emit(e.Mod, [x, y], { fmod: 1 }), nonzero),
  ],
  Equal: compare('Equal', e.equal),
  Less: compare('Less', e.less),
  LessOrEqual: compare('LessOrEqual', e.lessOrEqual),
  Greater: compare('Greater', e.greater),
  GreaterOrEqual: compare('GreaterOrEqual', e.greaterOrEqual),
  And: [pair('And', (x, y) => e.and(positiveX(x), positiveX(y)), steps)],
  Or: [pair('Or', (x, y) => e.or(positiveX(x), positiveX(y)), steps)],
  Not: [one('Not', steps([3, 4]), (x) => e.not(positiveX(x)))],
  ReduceProd: [
    one('ReduceProd over some axes', normal([2, 3, 4]), (x) =>
      emit(ReduceProd, [x], { axes: [0, 2], keepdims: 0 }),
    ),
    whole('ReduceProd of integers', [2, 3, 4], (n) => emit(ReduceProd, [n], { axes: [0], keepdims: 1 })),
  ],
  Shape: [
    one('Shape', normal([2, 3, 4]), (x) => emit(Shape, [x])),
    one('Shape of some axes', symbolic(normal([2, 3, 4]), ['batch', 3, 4]), (x) =>
      emit(Shape, [x], { start: -3, end: -1 }),
    ),
  ],
  ConstantOfShape: [
    whole('ConstantOfShape of zeros', [2, 3], (n) => emit(ConstantOfShape, [n])),
    whole('ConstantOfShape of integers', [4], (n) => emit(ConstantOfShape, [n], { value: int64([7]) })),
    whole('ConstantOfShape, large', [40, 50], (n) =>
      emit(ConstantOfShape, [n], { value: float32([1], [1.5]) }),
    ),
  ],
  Range: [
    whole('Range', [7], (n, graph) =>
      emit(Range, [
        graph.scalar(1, 'int64'),
        emit(ReduceProd, [n], { axes: [0], keepdims: 0 }),
        graph.scalar(2, 'int64'),
      ]),
    ),
    one('Range of floats', normal([1]), (x) =>
      e.add(emit(Range, [x.graph.scalar(3), x.graph.scalar(-1), x.graph.scalar(-0.5)]), x),
    ),
  ],
  Constant: [
    one('Constant', normal([2, 3]), (x) =>
      e.mul(x, emit(Constant, [], { value: float32([3], [1, 2, 3]) }, x.graph)),
    ),
  ],
};

/** Cases that are of no use for gradients, or have none. */
export const further: readonly GradientCase[] = [
  one('Div of integers drops the remainder', steps([5]), (x) =>
    e.div(e.cast(e.mul(x, 7), 'int64'), x.graph.scalar(3, 'int64')),
  ),
  one('Dropout with its mask', normal([2, 3]), (x) =>
    shown(
      x.graph.add('Dropout', [x], {}, [
        { dtype: 'float32', shape: x.shape },
        { dtype: 'bool', shape: x.shape },
      ]).outputs[1]!,
    ),
  ),
  one('Dropout', normal([2, 3]), (x) => emit(a.Dropout, [x])),
  one('MaxPool with places', distinct([2, 3, 7, 6]), (x) => {
    const view = { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] };
    const [y] = emitAll(MaxPool, [x], view);
    return x.graph.add('MaxPool', [x], view, [
      { dtype: 'float32', shape: y!.shape },
      { dtype: 'int64', shape: y!.shape },
    ]).outputs[1]!;
  }),
  one('MaxPool with dilations', distinct([1, 2, 9, 8]), (x) =>
    emit(MaxPool, [x], { kernel_shape: [3, 2], strides: [2, 1], dilations: [2, 3], pads: [1, 1, 1, 1] }),
  ),
  ...['half_pixel', 'align_corners', 'asymmetric', 'pytorch_half_pixel'].flatMap((transform) =>
    [
      [2, 1.5],
      [0.5, 0.7],
    ].map((scales) =>
      one(`Resize cubic ${transform} by ${scales}`, normal([1, 2, 6, 7]), (x) =>
        emit(Resize, [x, null, x.graph.constant(float32([4], [1, 1, ...scales]))], {
          mode: 'cubic',
          coordinate_transformation_mode: transform,
        }),
      ),
    ),
  ),
  one('Resize cubic without what is outside', normal([1, 2, 6, 7]), (x) =>
    emit(Resize, [x, null, x.graph.constant(float32([4], [1, 1, 2, 2]))], {
      mode: 'cubic',
      exclude_outside: 1,
      cubic_coeff_a: -0.5,
    }),
  ),
  {
    name: 'Slice to a width read at run time',
    inputs: { x: normal([2, 5, 3]), n: integers([3]) },
    build: (v) => reduceSum(prefix(v.x!, 1, v.n!, 'width'), [0]),
  },
];

const convolution = (
  name: string,
  x: readonly number[],
  w: readonly number[],
  f: (x: Value, w: Value) => Value,
): GradientCase => ({
  name,
  inputs: { x: normal(x), w: normal(w) },
  build: (v) => f(v.x!, v.w!),
});

/** Forms of convolutions that TensorFlow.js has no function for, or an easily mistaken one. */
export const convolutions: readonly GradientCase[] = [
  convolution('Conv, an even kernel with more border before', [1, 2, 5, 6], [3, 2, 2, 4], (x, w) =>
    conv(x, w, { pads: [1, 2, 0, 1] }),
  ),
  convolution('Conv, an even kernel with more border behind', [1, 2, 5, 6], [3, 2, 2, 4], (x, w) =>
    conv(x, w, { pads: [0, 1, 1, 2] }),
  ),
  convolution('Conv, depthwise with strides that differ', [2, 4, 7, 8], [4, 1, 3, 3], (x, w) =>
    conv(x, w, { group: 4, strides: [2, 1], pads: [1, 1, 1, 1] }),
  ),
  convolution('Conv, depthwise with strides and dilations', [1, 3, 9, 9], [6, 1, 3, 3], (x, w) =>
    conv(x, w, { group: 3, strides: [2, 2], dilations: [2, 2] }),
  ),
  convolution('ConvTranspose, depthwise with strides that differ', [1, 4, 4, 5], [4, 1, 3, 3], (x, w) =>
    convTranspose(x, w, { group: 4, strides: [1, 2], pads: [1, 0, 1, 1] }),
  ),
  convolution('ConvTranspose, groups with dilations', [1, 4, 4, 5], [4, 2, 3, 2], (x, w) =>
    convTranspose(x, w, { group: 2, dilations: [1, 2], strides: [2, 1], outputPadding: [1, 0] }),
  ),
  ...['SAME_UPPER', 'SAME_LOWER'].map((auto_pad) =>
    convolution(`Conv with auto_pad ${auto_pad}`, [1, 2, 6, 7], [3, 2, 4, 3], (x, w) =>
      emit(Conv, [x, w], { auto_pad, strides: [2, 2] }),
    ),
  ),
];
