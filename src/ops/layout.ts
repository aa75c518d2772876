import { productDims, quotientDims } from '../graph/dims.ts';
import type { Dim, Value } from '../graph/graph.ts';
import { constantNumbers, isStatic, showShape } from '../graph/graph.ts';
import { broadcastShapes } from './broadcast.ts';
import type { ChannelRelation, NodeView, Op } from './op.ts';
import { axisOf, emit, ints, need, num, shapeError } from './op.ts';
import { reshapeRelations } from './reshape-channels.ts';
import { findDim, rankFrom, shapeOf, sizesValue, unknownDim, unknownDims } from './sizes.ts';

// y = x in another shape: dx = dy in x's shape
export const Reshape: Op = {
  type: 'Reshape',
  infer(view) {
    const x = need(view, 0);
    const target = constantNumbers(need(view, 1));
    const shape = target ? reshapedDims(view, target) : unknownDims(x.graph, rankFrom(view, 1));
    return [{ dtype: x.dtype, shape }];
  },
  gradient: ({ dy, inputs: [x] }) => [reshape(dy, x!.shape, x!), null],
  channels: reshapeRelations,
};

/** The shape a target stands for: 0 copies a size of the input, −1 is what remains; the other sizes may be symbols. */
export function reshapedDims(view: NodeView, target: readonly Dim[]): Dim[] {
  const from = need(view, 0).shape;
  const shape = target.map((d, i) => (d === 0 ? (from[i] ?? 0) : d));
  const hole = shape.indexOf(-1);
  if (shape.some((d, i) => typeof d === 'number' && d < 0 && i !== hole))
    throw shapeError(view, `the target shape may have one -1, got [${target.join(', ')}]`);
  const others = shape.filter((_, i) => i !== hole);
  if (hole >= 0) {
    const remaining = quotientDims(from, others);
    const exact =
      !isStatic(from) || !isStatic(others) || productDims([...others, remaining ?? 0]) === productDims(from);
    if (!exact) throw shapeError(view, `${showShape(from)} must be divisible into [${target.join(', ')}]`);
    shape[hole] = remaining ?? unknownDim(need(view, 0).graph);
  } else if (isStatic(from) && isStatic(shape) && productDims(from) !== productDims(shape)) {
    throw shapeError(view, `${showShape(from)} must have as many elements as ${showShape(shape)}`);
  }
  return shape;
}

// Flatten: [d0…d(axis−1), daxis…] → [∏, ∏]
export const Flatten: Op = {
  type: 'Flatten',
  defaults: { axis: 1 },
  infer(view) {
    const { dtype, shape } = need(view, 0);
    const axis = num(view.attributes, 'axis', 1);
    const at = axis < 0 ? axis + shape.length : axis;
    if (at < 0 || at > shape.length)
      throw shapeError(view, `axis ${axis} must lie in [-${shape.length}, ${shape.length}]`);
    return [{ dtype, shape: [productDims(shape.slice(0, at)), productDims(shape.slice(at))] }];
  },
  gradient: ({ dy, inputs: [x] }) => [reshape(dy, x!.shape, x!)],
  channels: reshapeRelations,
};

// y = x with axes permuted: dx = dy permuted back
export const Transpose: Op = {
  type: 'Transpose',
  infer(view) {
    const { dtype, shape } = need(view, 0);
    const perm = permutation(view.attributes, shape.length);
    const sorted = [...perm].sort((a, b) => a - b);
    if (sorted.length !== shape.length || sorted.some((p, i) => p !== i))
      throw shapeError(view, `perm must order the axes of ${showShape(shape)}, got [${perm.join(', ')}]`);
    return [{ dtype, shape: perm.map((p) => shape[p]!) }];
  },
  gradient: ({ dy, attributes, inputs: [x] }) => {
    const perm = permutation(attributes, x!.shape.length);
    const inverse = perm.map((_, i) => perm.indexOf(i));
    return [transpose(dy, inverse)];
  },
  channels: ({ inputs: [x], outputs: [y], attributes }) =>
    permutation(attributes, x!.shape.length).map((from, to) => ({
      kind: 'tie',
      axes: [
        { value: x!, axis: from },
        { value: y!, axis: to },
      ],
    })),
};

function permutation(attributes: NodeView['attributes'], rank: number): readonly number[] {
  return ints(
    attributes,
    'perm',
    Array.from({ length: rank }, (_, i) => rank - 1 - i),
  );
}

// y = x without axes of size 1: dx = dy in x's shape
export const Squeeze: Op = {
  type: 'Squeeze',
  infer(view) {
    const { dtype, shape } = need(view, 0);
    const given = view.inputs[1] ? constantNumbers(view.inputs[1]) : undefined;
    if (view.inputs[1] && !given) throw shapeError(view, 'axes must be constant');
    const axes =
      given?.map((a) => axisOf(view, a, shape.length)) ?? shape.flatMap((d, i) => (d === 1 ? [i] : []));
    const long = axes.find((a) => typeof shape[a] === 'number' && shape[a] !== 1);
    if (long !== undefined) throw shapeError(view, `axis ${long} of ${showShape(shape)} must have size 1`);
    return [{ dtype, shape: shape.filter((_, i) => !axes.includes(i)) }];
  },
  gradient: ({ dy, inputs: [x] }) => [reshape(dy, x!.shape, x!), null],
  channels: reshapeRelations,
};

// y = x with axes of size 1 put in: dx = dy in x's shape
export const Unsqueeze: Op = {
  type: 'Unsqueeze',
  infer(view) {
    const { dtype, shape } = need(view, 0);
    const raw = constantNumbers(need(view, 1));
    if (!raw) throw shapeError(view, 'axes must be constant');
    const rank = shape.length + raw.length;
    const axes = raw.map((a) => axisOf(view, a, rank));
    if (new Set(axes).size !== axes.length)
      throw shapeError(view, `axes must be distinct, got [${raw.join(', ')}]`);
    const rest = [...shape];
    return [{ dtype, shape: Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : rest.shift()!)) }];
  },
  gradient: ({ dy, inputs: [x] }) => [reshape(dy, x!.shape, x!), null],
  channels: reshapeRelations,
};

// y = x broadcast to a shape; the gradient's sum over the new axes is taken where broadcasting is undone
export const Expand: Op = {
  type: 'Expand',
  infer(view) {
    const x = need(view, 0);
    const target = constantNumbers(need(view, 1));
    if (target) return [{ dtype: x.dtype, shape: broadcastShapes(view, [x.shape, target]) }];
    const rank = Math.max(rankFrom(view, 1), x.shape.length);
    return [{ dtype: x.dtype, shape: unknownDims(x.graph, rank) }];
  },
  gradient: ({ dy }) => [dy, null],
  channels: ({ inputs: [x], outputs: [y], name }) => {
    const added = y!.shape.length - x!.shape.length;
    return y!.shape.flatMap((d, k): ChannelRelation[] => {
      const whole = { value: y!, axis: k };
      const from = k - added;
      if (from >= 0 && x!.shape[from] !== 1)
        return [{ kind: 'tie', axes: [{ value: x!, axis: from }, whole] }];
      return d === 1
        ? []
        : [{ kind: 'fixed', axes: [whole], reason: `Expand "${name}" repeats along this axis` }];
    });
  },
};

/**
 * `x` in another shape. Dimensions may be symbols: one at its old place becomes 0 (ONNX: copy), one other −1 (ONNX: what
 * remains), the rest is read at run time from `x` or a value of `like` that has it. Throws SHAPE_SYMBOLIC when none has.
 */
export function reshape(x: Value, shape: readonly Dim[], ...like: Value[]): Value {
  if (x.shape.length === shape.length && shape.every((d, i) => d === x.shape[i])) return x;
  const { graph } = x;
  const values = [x, ...like];
  const moved = shape.filter((d, i) => typeof d === 'string' && d !== x.shape[i]);
  const derived = moved.find((d) => !values.some((v) => v.shape.includes(d))) ?? moved[0];
  const hole = shape.findIndex((d, i) => d === derived && d !== x.shape[i]);
  const sizes = shape.map((d, i) => {
    if (typeof d === 'number') return d;
    return i === hole ? -1 : d === x.shape[i] ? 0 : findDim(d, values);
  });
  const target = sizesValue(graph, sizes);
  if (target.tensor) Reshape.infer({ op: 'Reshape', name: 'reshape', inputs: [x, target], attributes: {} });
  return graph.add('Reshape', [x, target], {}, [{ dtype: x.dtype, shape: [...shape] }]).outputs[0]!;
}

/** Axes in the order `perm`; `x` itself when that is the order they have. */
export const transpose = (x: Value, perm: readonly number[]): Value =>
  perm.every((p, i) => p === i) ? x : emit(Transpose, [x], { perm });

/** Two axes: everything before `axis`, and everything from it on. */
export const flatten = (x: Value, axis = 1): Value => emit(Flatten, [x], { axis });

/** Without the axes given, which must have size 1. */
export const squeeze = (x: Value, axes: readonly number[]): Value => emit(Squeeze, [x, x.graph.vector(axes)]);

/** With axes of size 1 put in; `axes` count in the result. */
export const unsqueeze = (x: Value, axes: readonly number[]): Value =>
  emit(Unsqueeze, [x, x.graph.vector(axes)]);

/** `x` broadcast to the shape of `like`. */
export function expandTo(x: Value, like: Value): Value {
  if (x.shape.length === like.shape.length && x.shape.every((d, i) => d === like.shape[i])) return x;
  return x.graph.add('Expand', [x, shapeOf(like)], {}, [{ dtype: x.dtype, shape: [...like.shape] }])
    .outputs[0]!;
}
