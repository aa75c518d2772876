import { productDims } from '../graph/dims.ts';
import { int64, type Value } from '../graph/graph.ts';
import { add, cast, equal, less, where } from './elementwise.ts';
import { reshape, transpose } from './layout.ts';
import { matMul } from './matmul.ts';
import type { ChannelRelation, GradientContext, NodeView, Op } from './op.ts';
import { axisOf, emit, need, num, shapeError } from './op.ts';
import { dimValue, Range } from './sizes.ts';

function axisFrom(view: NodeView): number {
  return axisOf(view, num(view.attributes, 'axis', 0), need(view, 0).shape.length);
}

// y = x read at `indices` along an axis: dx = Σ over the reads of each position = one-hot(indices) · dy
export const Gather: Op = {
  type: 'Gather',
  defaults: { axis: 0 },
  infer(view) {
    const { dtype, shape } = need(view, 0);
    const indices = need(view, 1);
    if (!indices.dtype.startsWith('int'))
      throw shapeError(view, `indices must be integers, got ${indices.dtype}`);
    const axis = axisFrom(view);
    return [{ dtype, shape: [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)] }];
  },
  gradient: (c) => [gatherGradient(c), null],
  channels: (node) => {
    const [x, y] = [node.inputs[0]!, node.outputs[0]!];
    const axis = axisFrom(node);
    const wider = node.inputs[1]!.shape.length - 1;
    return x.shape.map((_, k): ChannelRelation => {
      const from = { value: x, axis: k };
      if (k === axis)
        return { kind: 'fixed', axes: [from], reason: `Gather "${node.name}" reads fixed positions` };
      return { kind: 'tie', axes: [from, { value: y, axis: k < axis ? k : k + wider }] };
    });
  },
};

/** The read axes are brought to the front and merged, multiplied by the one-hot matrix [size, reads], and the axis put back. */
function gatherGradient({ dy, node }: GradientContext): Value {
  const [x, indices] = [node.inputs[0]!, node.inputs[1]!];
  const axis = axisFrom(node);
  const size = x.shape[axis]!;
  const reads = indices.shape.length;
  const rest = [...x.shape.slice(0, axis), ...x.shape.slice(axis + 1)];
  const order = dy.shape.map((_, k) => (k < reads ? axis + k : k < reads + axis ? k - reads : k));
  const front = reshape(transpose(dy, order), [productDims(indices.shape), productDims(rest)], dy, indices);

  const flat = reshape(indices, [1, productDims(indices.shape)], indices);
  const extent = reshape(dimValue(x, axis), [1, 1]);
  const wrapped = where(less(flat, 0), add(flat, cast(extent, flat.dtype)), flat);
  const hot = cast(equal(positions(x, axis, flat), wrapped), dy.dtype);
  const summed = reshape(matMul(hot, front), [size, ...rest], x);
  const back = x.shape.map((_, k) => (k === axis ? 0 : k < axis ? k + 1 : k));
  return transpose(summed, back);
}

/** 0 … size−1 as a column [size, 1] of the indices' type. */
function positions(x: Value, axis: number, { graph, dtype }: Value): Value {
  const size = x.shape[axis]!;
  if (typeof size === 'number') {
    const numbers = Array.from({ length: size }, (_, i) => i);
    return cast(
      graph.sharedConstant(`positions${size}`, () => int64(numbers, [size, 1])),
      dtype,
    );
  }
  const end = reshape(dimValue(x, axis), []);
  const range = emit(Range, [graph.scalar(0, 'int64'), end, graph.scalar(1, 'int64')]);
  return cast(reshape(range, [size, 1], x), dtype);
}

/** `x` read at the integer positions `indices` along `axis`, whose shape takes the axis' place; negative ones count from the end. */
export const gather = (x: Value, indices: Value, axis = 0): Value => emit(Gather, [x, indices], { axis });
