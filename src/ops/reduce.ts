import type { Dim, Value } from '../graph/graph.ts';
import { constantNumbers, isStatic, sizeOf } from '../graph/graph.ts';
import { cast, div, equal, mul } from './elementwise.ts';
import { expandTo, reshape } from './layout.ts';
import type { ChannelRelation, GradientContext, NodeView, Op } from './op.ts';
import { axisOf, emit, ints, need, num, shapeError } from './op.ts';
import { dimValue } from './sizes.ts';

/** ReduceSum takes its axes as an input, the others (opset 17) as an attribute. */
function axesOf(view: NodeView): number[] {
  const { shape } = need(view, 0);
  const given = view.inputs[1] ? constantNumbers(view.inputs[1]) : ints(view.attributes, 'axes', []);
  if (!given) throw shapeError(view, 'axes must be constant');
  if (given.length === 0)
    return num(view.attributes, 'noop_with_empty_axes', 0) ? [] : shape.map((_, i) => i);
  return given.map((a) => axisOf(view, a, shape.length));
}

type ReduceGradient = (c: GradientContext, dy: Value, axes: number[]) => Value;

function reducer(type: string, gradient?: ReduceGradient): Op {
  return {
    type,
    defaults: { keepdims: 1 },
    infer(view) {
      const { dtype, shape } = need(view, 0);
      const axes = axesOf(view);
      const keep = num(view.attributes, 'keepdims', 1) === 1;
      return [{ dtype, shape: shape.flatMap((d, i) => (axes.includes(i) ? (keep ? [1] : []) : [d])) }];
    },
    ...(gradient && {
      gradient: (c: GradientContext) => {
        const axes = axesOf(c.node);
        return [gradient(c, reshape(c.dy, keptShape(c.inputs[0]!, axes), c.inputs[0]!), axes), null];
      },
    }),
    channels: (node) => {
      const axes = axesOf(node);
      const keep = num(node.attributes, 'keepdims', 1) === 1;
      const [x, y] = [node.inputs[0]!, node.outputs[0]!];
      let to = 0;
      return x.shape.flatMap((_, axis): ChannelRelation[] => {
        if (axes.includes(axis)) {
          if (keep) to++;
          // Of an image's channels, or a vector's numbers, any number can be reduced: norms over all of them stay norms.
          const channels = axis === 1 && (x.shape.length === 4 || x.shape.length === 2);
          return channels ? [{ kind: 'tie', axes: [{ value: x, axis }] }] : [];
        }
        return [
          {
            kind: 'tie',
            axes: [
              { value: x, axis },
              { value: y, axis: to++ },
            ],
          },
        ];
      });
    },
  };
}

// y = Σ x: dx = dy spread out
export const ReduceSum = reducer('ReduceSum', ({ inputs: [x] }, dy) => expandTo(dy, x!));
// y = Σ x / n: dx = dy/n spread out
export const ReduceMean = reducer('ReduceMean', ({ inputs: [x] }, dy, axes) =>
  expandTo(div(dy, countOf(x!, axes, dy)), x!),
);
// y = max x: dx = dy where x = y, in equal parts where several are; min likewise
const toExtreme: ReduceGradient = ({ inputs: [x], outputs: [y] }, dy, axes) => {
  const mask = cast(equal(x!, reshape(y!, keptShape(x!, axes), x!)), dy.dtype);
  return mul(mask, div(dy, reduceSum(mask, axes)));
};
export const ReduceMax = reducer('ReduceMax', toExtreme);
export const ReduceMin = reducer('ReduceMin', toExtreme);
// Products occur in computations on shapes only: no gradient.
export const ReduceProd = reducer('ReduceProd');

/** The shape of `x` with size 1 on the reduced axes. */
function keptShape(x: Value, axes: readonly number[]): Dim[] {
  return x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
}

/** The number of elements under the reduced axes, as a value that divides `like`. */
export function countOf(x: Value, axes: readonly number[], like: Value): Value {
  const sizes = axes.map((a) => x.shape[a]!);
  if (isStatic(sizes)) return x.graph.scalar(sizeOf(sizes), like.dtype);
  const [first, ...rest] = axes.map((a) => dimValue(x, a));
  return cast(
    rest.reduce((count, d) => mul(count, d), first!),
    like.dtype,
  );
}

/** Sum over `axes`. */
export const reduceSum = (x: Value, axes: readonly number[], keepdims = true): Value =>
  emit(ReduceSum, [x, x.graph.vector(axes)], { keepdims: keepdims ? 1 : 0 });
/** Mean over `axes`. */
export const reduceMean = (x: Value, axes: readonly number[], keepdims = true): Value =>
  emit(ReduceMean, [x], { axes, keepdims: keepdims ? 1 : 0 });
/** Largest element over `axes`. */
export const reduceMax = (x: Value, axes: readonly number[], keepdims = true): Value =>
  emit(ReduceMax, [x], { axes, keepdims: keepdims ? 1 : 0 });
/** Smallest element over `axes`. */
export const reduceMin = (x: Value, axes: readonly number[], keepdims = true): Value =>
  emit(ReduceMin, [x], { axes, keepdims: keepdims ? 1 : 0 });
/** Mean of everything, a scalar. */
export const mean = (x: Value): Value => reduceMean(x, allAxes(x), false);
/** Sum of everything, a scalar. */
export const sum = (x: Value): Value => reduceSum(x, allAxes(x), false);

function allAxes(x: Value): number[] {
  return x.shape.map((_, i) => i);
}
