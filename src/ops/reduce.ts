import type { Dim, Value } from '../graph/graph.ts';
import { constantNumbers, isStatic, sizeOf } from '../graph/graph.ts';
import { cast, div, equal, mul } from './elementwise.ts';
import type { ChannelRelation, GradientContext, NodeView, Op } from './op.ts';
import { axisOf, emit, ints, need, num } from './op.ts';
import { expandTo, reshape, shapeOf } from './shape.ts';

/** ReduceSum takes its axes as an input, ReduceMean and ReduceMax (opset 17) as an attribute. */
function axesOf(view: NodeView): number[] {
  const { shape } = need(view, 0);
  const given = view.inputs[1] ? constantNumbers(view.inputs[1]) : ints(view.attributes, 'axes', []);
  if (!given || given.length === 0)
    return num(view.attributes, 'noop_with_empty_axes', 0) ? [] : shape.map((_, i) => i);
  return given.map((a) => axisOf(view, a, shape.length));
}

function reducer(type: string, gradient: (c: GradientContext, dy: Value, axes: number[]) => Value): Op {
  return {
    type,
    defaults: { keepdims: 1 },
    infer(view) {
      const { dtype, shape } = need(view, 0);
      const axes = axesOf(view);
      const keep = num(view.attributes, 'keepdims', 1) === 1;
      return [{ dtype, shape: shape.flatMap((d, i) => (axes.includes(i) ? (keep ? [1] : []) : [d])) }];
    },
    gradient: (c) => {
      const axes = axesOf(c.node);
      const x = c.inputs[0]!;
      const kept: Dim[] = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
      return [gradient(c, reshape(c.dy, kept, x), axes), null];
    },
    channels: (node) => {
      const axes = axesOf(node);
      const keep = num(node.attributes, 'keepdims', 1) === 1;
      const [x, y] = [node.inputs[0]!, node.outputs[0]!];
      let to = 0;
      return x.shape.flatMap((_, axis): ChannelRelation[] => {
        if (axes.includes(axis)) {
          if (keep) to++;
          return [];
        }
        return [{ kind: 'tie', axes: [{ value: x, axis }, { value: y, axis: to++ }] }];
      });
    },
  };
}

// y = Σ x: dx = dy spread out
export const ReduceSum = reducer('ReduceSum', ({ inputs: [x] }, dy) => expandTo(dy, x!));
// y = Σ x / n: dx = dy/n spread out
export const ReduceMean = reducer('ReduceMean', ({ inputs: [x] }, dy, axes) => {
  const sizes = axes.map((a) => x!.shape[a]!);
  const n = isStatic(sizes) ? x!.graph.scalar(sizeOf(sizes), dy.dtype) : countOf(x!, axes, dy);
  return expandTo(div(dy, n), x!);
});
// y = max x: dx = dy where x = y, in equal parts where several are
export const ReduceMax = reducer('ReduceMax', ({ inputs: [x], outputs: [y] }, dy, axes) => {
  const kept = x!.shape.map((d, i) => (axes.includes(i) ? 1 : d));
  const mask = cast(equal(x!, reshape(y!, kept, x!)), dy.dtype);
  return mul(mask, div(dy, reduceSum(mask, axes)));
});

/** Number of elements under the reduced axes, at run time. */
function countOf(x: Value, axes: readonly number[], like: Value): Value {
  const dims = emit(gatherOp, [shapeOf(x), x.graph.vector(axes)]);
  return cast(emit(prodOp, [dims], { keepdims: 0 }), like.dtype);
}

const gatherOp: Op = { type: 'Gather', defaults: { axis: 0 }, infer: (v) => [{ dtype: 'int64', shape: need(v, 1).shape }] };
const prodOp: Op = { type: 'ReduceProd', infer: () => [{ dtype: 'int64', shape: [] }] };

export const reduceSum = (x: Value, axes: readonly number[], keepdims = true): Value =>
  emit(ReduceSum, [x, x.graph.vector(axes)], { keepdims: keepdims ? 1 : 0 });
export const reduceMean = (x: Value, axes: readonly number[], keepdims = true): Value =>
  emit(ReduceMean, [x], { axes, keepdims: keepdims ? 1 : 0 });
export const reduceMax = (x: Value, axes: readonly number[], keepdims = true): Value =>
  emit(ReduceMax, [x], { axes, keepdims: keepdims ? 1 : 0 });
/** Mean of everything, a scalar. */
export const mean = (x: Value): Value => reduceMean(x, x.shape.map((_, i) => i), false);
/** Sum of everything, a scalar. */
export const sum = (x: Value): Value => reduceSum(x, x.shape.map((_, i) => i), false);
