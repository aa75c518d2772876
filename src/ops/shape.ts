import { addDim, floorDivDim, mayEqual, mulDim, productDims, sumDims, unifyDim } from '../graph/dims.ts';
import type { Dim, Graph, Tensor, TensorType, Value } from '../graph/graph.ts';
import { constantNumbers, isStatic, showShape } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { broadcastShapes } from './broadcast.ts';
import { reshapeRelations } from './reshape-channels.ts';
import type { ChannelRelation, NodeView, Op } from './op.ts';
import { axisOf, emit, emitAll, ints, need, num, shapeError } from './op.ts';

/** ONNX's "to the end" for slices. */
export const END = 2 ** 31 - 1;

let unknowns = 0;
/** A dimension nothing is known of; distinct from every other. */
const unknownDim = (): string => `unknown${unknowns++}`;

function need1d(view: NodeView, i: number): number[] | undefined {
  return constantNumbers(need(view, i));
}

// y = x in another shape: dx = dy in x's shape
export const Reshape: Op = {
  type: 'Reshape',
  infer(view) {
    const x = need(view, 0);
    const target = need1d(view, 1);
    if (!target) {
      const rank = need(view, 1).shape[0];
      if (typeof rank !== 'number') throw shapeError(view, 'the length of the target shape must be known');
      return [{ dtype: x.dtype, shape: Array.from({ length: rank }, unknownDim) }];
    }
    const shape: Dim[] = target.map((d, i) => (d === 0 ? (x.shape[i] ?? 0) : d));
    const hole = shape.indexOf(-1);
    if (hole >= 0) {
      // Symbols that stand on both sides cancel: [batch, 64, 8, 8] → [batch, -1] leaves 4096.
      const left = [...x.shape];
      for (const [i, d] of shape.entries()) {
        const at = i === hole ? -1 : left.indexOf(d);
        if (at >= 0 && typeof d === 'string') left.splice(at, 1);
      }
      const known = shape.filter((d, i) => i !== hole && typeof d === 'number').reduce<number>((a, d) => a * Number(d), 1);
      const total = productDims(left);
      if (typeof total === 'number' && (known === 0 || total % known !== 0))
        throw shapeError(view, `${showShape(x.shape)} must be divisible into [${target.join(', ')}]`);
      shape[hole] = floorDivDim(total, known);
    } else if (isStatic(x.shape) && isStatic(shape) && productDims(x.shape) !== productDims(shape)) {
      throw shapeError(view, `${showShape(x.shape)} must have as many elements as ${showShape(shape)}`);
    }
    return [{ dtype: x.dtype, shape }];
  },
  gradient: ({ dy, inputs: [x] }) => [reshape(dy, x!.shape, x!), null],
  channels: reshapeRelations,
};

// Flatten: [d0…d(axis−1), daxis…] → [∏, ∏]
export const Flatten: Op = {
  type: 'Flatten',
  defaults: { axis: 1 },
  infer(view) {
    const { dtype, shape } = need(view, 0);
    const axis = num(view.attributes, 'axis', 1);
    const at = axis < 0 ? axis + shape.length : axis;
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

function axesInput(view: NodeView, rank: number): number[] | undefined {
  const axes = view.inputs[1] ? constantNumbers(view.inputs[1]) : undefined;
  return axes?.map((a) => axisOf(view, a, rank));
}

export const Squeeze: Op = {
  type: 'Squeeze',
  infer(view) {
    const { dtype, shape } = need(view, 0);
    const axes = axesInput(view, shape.length) ?? shape.flatMap((d, i) => (d === 1 ? [i] : []));
    return [{ dtype, shape: shape.filter((_, i) => !axes.includes(i)) }];
  },
  gradient: ({ dy, inputs: [x] }) => [reshape(dy, x!.shape, x!), null],
  channels: reshapeRelations,
};

export const Unsqueeze: Op = {
  type: 'Unsqueeze',
  infer(view) {
    const { dtype, shape } = need(view, 0);
    const raw = need1d(view, 1);
    if (!raw) throw shapeError(view, 'axes must be constant');
    const rank = shape.length + raw.length;
    const axes = raw.map((a) => axisOf(view, a, rank));
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
    const target = need1d(view, 1);
    if (target) return [{ dtype: x.dtype, shape: broadcastShapes(view, [x.shape, target]) }];
    const rank = need(view, 1).shape[0];
    if (typeof rank !== 'number') throw shapeError(view, 'the length of the target shape must be known');
    return [{ dtype: x.dtype, shape: Array.from({ length: Math.max(rank, x.shape.length) }, unknownDim) }];
  },
  gradient: ({ dy }) => [dy, null],
};

// y = parts one after the other: each part's gradient is its slice of dy
export const Concat: Op = {
  type: 'Concat',
  infer(view) {
    const first = need(view, 0);
    const axis = axisOf(view, num(view.attributes, 'axis', 1), first.shape.length);
    const shape = [...first.shape];
    for (const [i, value] of view.inputs.entries()) {
      const other = value ?? need(view, i);
      if (other.shape.length !== shape.length) throw shapeError(view, `input ${i} must have ${shape.length} axes, got ${showShape(other.shape)}`);
      for (const [k, d] of other.shape.entries()) {
        if (k === axis) continue;
        if (!mayEqual(shape[k]!, d)) throw shapeError(view, `inputs must agree on axis ${k}, got ${showShape(first.shape)} and ${showShape(other.shape)}`);
        shape[k] = unifyDim(shape[k]!, d);
      }
    }
    shape[axis] = sumDims(view.inputs.map((v) => v!.shape[axis]!));
    return [{ dtype: first.dtype, shape }];
  },
  gradient: ({ dy, inputs, attributes, outputs: [y] }) => {
    const rank = y!.shape.length;
    const raw = num(attributes, 'axis', 1);
    const axis = raw < 0 ? raw + rank : raw;
    const sizes = inputs.map((v) => v!.shape[axis]!);
    if (isStatic(sizes)) {
      let at = 0;
      return inputs.map((_, i) => {
        const begin = at;
        at += sizes[i] as number;
        return slice(dy, [axis], [begin], [at]);
      });
    }
    return split(dy, axis, concat(inputs.map((v) => dimValue(v!, axis)), 0), sizes);
  },
  channels: ({ inputs, outputs: [y], attributes }) => {
    const rank = y!.shape.length;
    const raw = num(attributes, 'axis', 1);
    const axis = raw < 0 ? raw + rank : raw;
    return Array.from({ length: rank }, (_, k) =>
      k === axis
        ? { kind: 'concat' as const, whole: { value: y!, axis }, parts: inputs.map((value) => ({ value: value!, axis })) }
        : { kind: 'tie' as const, axes: [...inputs, y!].map((value) => ({ value: value!, axis: k })) },
    );
  },
};

// y₁…yₙ = parts of x: dx = the dy one after the other (zeros where nothing arrives)
export const Split: Op = {
  type: 'Split',
  defaults: { axis: 0 },
  infer(view) {
    const { dtype, shape } = need(view, 0);
    const axis = axisOf(view, num(view.attributes, 'axis', 0), shape.length);
    let sizes: Dim[] | undefined = view.inputs[1] ? constantNumbers(view.inputs[1]) : undefined;
    const count = sizes?.length ?? (view.outputs?.length || num(view.attributes, 'num_outputs', 0));
    if (!sizes && view.inputs[1]) {
      const n = view.inputs[1].shape[0];
      sizes = Array.from({ length: typeof n === 'number' ? n : count }, unknownDim);
    }
    if (!sizes) {
      const whole = shape[axis]!;
      const each = typeof whole === 'number' ? Math.ceil(whole / count) : floorDivDim(whole, count);
      sizes = Array.from({ length: count }, (_, i) =>
        typeof whole === 'number' ? Math.min(each as number, whole - i * (each as number)) : each,
      );
    }
    return sizes.map((size): TensorType => ({ dtype, shape: shape.map((d, k) => (k === axis ? size : d)) }));
  },
  gradient: ({ dys, outputs, attributes, inputs: [x] }) => {
    const raw = num(attributes, 'axis', 0);
    const axis = raw < 0 ? raw + x!.shape.length : raw;
    return [concat(dys.map((dy, i) => dy ?? zerosLike(outputs[i]!)), axis), null];
  },
  channels: ({ inputs: [x], outputs, attributes }) => {
    const raw = num(attributes, 'axis', 0);
    const axis = raw < 0 ? raw + x!.shape.length : raw;
    return x!.shape.map((_, k) =>
      k === axis
        ? { kind: 'concat' as const, whole: { value: x!, axis }, parts: outputs.map((value) => ({ value, axis })) }
        : { kind: 'tie' as const, axes: [x!, ...outputs].map((value) => ({ value, axis: k })) },
    );
  },
};

// y = x repeated: dx = dy cut into the repeats and summed; done by reshaping [r·d] to [r, d]
export const Tile: Op = {
  type: 'Tile',
  infer(view) {
    const { dtype, shape } = need(view, 0);
    const repeats = need1d(view, 1);
    return [{ dtype, shape: shape.map((d, i) => (repeats ? mulDim(d, repeats[i]!) : unknownDim())) }];
  },
};

// Shape: the dimensions of x as int64
export const Shape: Op = {
  type: 'Shape',
  infer(view) {
    const rank = need(view, 0).shape.length;
    const start = clampIndex(num(view.attributes, 'start', 0), rank);
    const end = clampIndex(num(view.attributes, 'end', rank), rank);
    return [{ dtype: 'int64', shape: [Math.max(0, end - start)] }];
  },
  channels: () => [],
};

function clampIndex(i: number, rank: number): number {
  return Math.min(Math.max(i < 0 ? i + rank : i, 0), rank);
}

export const ConstantOfShape: Op = {
  type: 'ConstantOfShape',
  infer(view) {
    const shape = need1d(view, 0);
    const rank = need(view, 0).shape[0];
    const value = view.attributes.value as Tensor | undefined;
    const dims: Dim[] = shape ?? Array.from({ length: typeof rank === 'number' ? rank : 0 }, unknownDim);
    return [{ dtype: value?.dtype ?? 'float32', shape: dims }];
  },
  channels: () => [],
};

export const Range: Op = {
  type: 'Range',
  infer(view) {
    const [start, limit, delta] = [0, 1, 2].map((i) => constantNumbers(need(view, i))?.[0]);
    const known = start !== undefined && limit !== undefined && delta !== undefined;
    return [{ dtype: need(view, 0).dtype, shape: [known ? Math.max(0, Math.ceil((limit - start) / delta)) : unknownDim()] }];
  },
  channels: () => [],
};

export const Constant: Op = {
  type: 'Constant',
  infer(view) {
    const value = view.attributes.value as Tensor | undefined;
    if (!value) throw shapeError(view, 'attribute "value" must be a tensor');
    return [{ dtype: value.dtype, shape: value.shape }];
  },
  channels: () => [],
};

// y = x[…, begin:end:step, …]: dx = dy put back among zeros
export const Slice: Op = {
  type: 'Slice',
  infer(view) {
    const { dtype, shape } = need(view, 0);
    const [starts, ends] = [need1d(view, 1), need1d(view, 2)];
    const axes = view.inputs[3] ? constantNumbers(view.inputs[3]) : shape.map((_, i) => i);
    const steps = view.inputs[4] ? constantNumbers(view.inputs[4]) : undefined;
    const out = [...shape];
    if (!axes) return [{ dtype, shape: shape.map(unknownDim) }];
    for (const [i, raw] of axes.entries()) {
      const axis = axisOf(view, raw, shape.length);
      out[axis] =
        starts && ends && (!view.inputs[4] || steps)
          ? slicedDim(shape[axis]!, starts[i] ?? 0, ends[i] ?? END, steps?.[i] ?? 1)
          : unknownDim();
    }
    return [{ dtype, shape: out }];
  },
  gradient: ({ dy, inputs, node }) => {
    const x = inputs[0]!;
    const starts = constantNumbers(inputs[1]);
    const ends = constantNumbers(inputs[2]);
    const axes = inputs[3] ? constantNumbers(inputs[3]) : x.shape.map((_, i) => i);
    const steps = inputs[4] ? constantNumbers(inputs[4]) : (axes ?? []).map(() => 1);
    if (!starts || !ends || !axes || !steps)
      throw new GanletError('GRADIENT_MISSING', `gradient of Slice "${node.name}" needs constant bounds`);
    let dx = dy;
    const pads = new Array(2 * x.shape.length).fill(0);
    for (const [i, raw] of axes.entries()) {
      const axis = raw < 0 ? raw + x.shape.length : raw;
      const size = x.shape[axis]!;
      let [begin, end, step] = [starts[i]!, ends[i]!, steps[i]!];
      if (typeof size !== 'number') {
        // A prefix or suffix cut of an unknown size: pad by what was cut.
        if (step !== 1 || begin < 0 || (end >= 0 && end < END))
          throw new GanletError('GRADIENT_MISSING', `gradient of Slice "${node.name}" needs the size of axis ${axis}`);
        pads[axis] = begin;
        pads[axis + x.shape.length] = end < 0 ? -end : 0;
        continue;
      }
      if (step < 0) {
        // Reversed reading: flip dy, then it is a forward slice.
        const count = slicedDim(size, begin, end, step) as number;
        const last = (begin < 0 ? Math.max(begin + size, 0) : Math.min(begin, size - 1)) + (count - 1) * step;
        dx = flip(dx, [axis]);
        begin = last;
        step = -step;
        end = last + (count - 1) * step + 1;
      } else {
        begin = Math.min(Math.max(begin < 0 ? begin + size : begin, 0), size);
        end = Math.min(Math.max(end < 0 ? end + size : end, 0), size);
      }
      const count = Math.max(0, Math.ceil((end - begin) / step));
      if (step > 1) dx = spread(dx, axis, step);
      pads[axis] = begin;
      pads[axis + x.shape.length] = size - begin - (count === 0 ? 0 : (count - 1) * step + 1);
    }
    return [pads.some((p) => p !== 0) ? pad(dx, pads) : dx, null, null, null, null];
  },
  channels: ({ inputs, outputs: [y], name }) => {
    const x = inputs[0]!;
    const axes = inputs[3] ? constantNumbers(inputs[3]) : undefined;
    return x.shape.flatMap((_, k): ChannelRelation[] => {
      const sliced = !axes || axes.some((a) => (a < 0 ? a + x.shape.length : a) === k);
      if (!sliced) return [{ kind: 'tie' as const, axes: [{ value: x, axis: k }, { value: y!, axis: k }] }];
      return [{ kind: 'fixed' as const, axes: [{ value: x, axis: k }, { value: y!, axis: k }], reason: `Slice "${name}" reads fixed positions` }];
    });
  },
};

function slicedDim(size: Dim, start: number, end: number, step: number): Dim {
  if (typeof size !== 'number') {
    if (step !== 1) return unknownDim();
    if (start >= 0 && end >= END) return addDim(size, -start);
    if (start >= 0 && end < 0) return addDim(size, end - start);
    if (start >= 0 && end >= start) return end - start;
    if (start < 0 && end >= END) return -start;
    return unknownDim();
  }
  const clampTo = (v: number, lo: number, hi: number) => Math.min(Math.max(v < 0 ? v + size : v, lo), hi);
  if (step > 0) return Math.max(0, Math.ceil((clampTo(end, 0, size) - clampTo(start, 0, size)) / step));
  const last = end < -size ? -1 : clampTo(end, -1, size - 1);
  return Math.max(0, Math.ceil((last - clampTo(start, -1, size - 1)) / step));
}

// Padding. constant: dx = the inner part of dy. reflect and edge: what landed in the border is added back
// to where it was read from, one axis after the other (see padGradient).
export const Pad: Op = {
  type: 'Pad',
  defaults: { mode: 'constant' },
  infer(view) {
    const { dtype, shape } = need(view, 0);
    const pads = need1d(view, 1);
    if (!pads) return [{ dtype, shape: shape.map(unknownDim) }];
    if (pads.length !== 2 * shape.length) throw shapeError(view, `pads must hold ${2 * shape.length} numbers, got ${pads.length}`);
    const mode = (view.attributes.mode as string | undefined) ?? 'constant';
    return [
      {
        dtype,
        shape: shape.map((d, i) => {
          const [before, after] = [pads[i]!, pads[i + shape.length]!];
          if (mode === 'reflect' && typeof d === 'number' && Math.max(before, after) >= d)
            throw shapeError(view, `reflect padding must be smaller than the axis, got ${Math.max(before, after)} on axis ${i} of ${showShape(shape)}`);
          return addDim(d, before + after);
        }),
      },
    ];
  },
  gradient: ({ dy, inputs, attributes, node }) => {
    const x = inputs[0]!;
    const pads = constantNumbers(inputs[1]);
    if (!pads) throw new GanletError('GRADIENT_MISSING', `gradient of Pad "${node.name}" needs constant pads`);
    const mode = (attributes.mode as string | undefined) ?? 'constant';
    return [padGradient(dy, x.shape.length, pads, mode), null, null];
  },
  channels: ({ inputs, outputs: [y], name }) => {
    const x = inputs[0]!;
    const pads = constantNumbers(inputs[1]) ?? [];
    return x.shape.map((_, k) => {
      const axes = [{ value: x, axis: k }, { value: y!, axis: k }];
      const padded = (pads[k] ?? 1) !== 0 || (pads[k + x.shape.length] ?? 1) !== 0;
      return padded ? { kind: 'fixed', axes, reason: `Pad "${name}" pads this axis` } : { kind: 'tie', axes };
    });
  },
};

/**
 * Adjoint of padding along one axis at a time. For reflect with `p` before: y = [x_p … x_1, x_0 …], so the first p of dy,
 * flipped, are added to x_1 … x_p. For edge all of them are added to x_0.
 */
function padGradient(dy: Value, rank: number, pads: readonly number[], mode: string): Value {
  let dx = dy;
  for (let axis = 0; axis < rank; axis++) {
    const [before, after] = [pads[axis]!, pads[axis + rank]!];
    if (before === 0 && after === 0) continue;
    const inner = slice(dx, [axis], [before], [after === 0 ? END : -after]);
    if (mode === 'constant' || before < 0 || after < 0) {
      if (before < 0 || after < 0) {
        const outward = new Array(2 * rank).fill(0);
        outward[axis] = -before;
        outward[axis + rank] = -after;
        dx = pad(dx, outward);
      } else dx = inner;
      continue;
    }
    const parts: Value[] = [];
    const border = (from: number, to: number, width: number, first: boolean): Value => {
      const part = slice(dx, [axis], [from], [to]);
      if (mode === 'reflect') return flip(part, [axis]);
      if (mode !== 'edge') throw new GanletError('GRADIENT_MISSING', `gradient of Pad must have mode constant, reflect or edge, got ${mode}`);
      return width === 1 ? part : sumAxis(part, axis, first);
    };
    const size = inner.shape[axis]!;
    // Placing the two borders among zeros of the inner size; `rest` is what remains of the axis.
    const place = (part: Value, offset: number, fromEnd: boolean): Value => {
      const width = part.shape[axis] as number;
      const outward = new Array(2 * rank).fill(0);
      if (typeof size !== 'number') throw new GanletError('GRADIENT_MISSING', `gradient of Pad needs the size of axis ${axis}`);
      outward[axis] = fromEnd ? size - width - offset : offset;
      outward[axis + rank] = size - width - outward[axis];
      return pad(part, outward);
    };
    const offset = mode === 'reflect' ? 1 : 0;
    if (before > 0) parts.push(place(border(0, before, before, true), offset, false));
    if (after > 0) parts.push(place(border(-after, END, after, false), offset, true));
    dx = parts.reduce((sum, part) => emit(addOp, [sum, part]), inner);
  }
  return dx;
}

/** The sum over one axis kept as size 1. */
function sumAxis(x: Value, axis: number, _first: boolean): Value {
  return emit(reduceSumOp, [x, x.graph.vector([axis])], { keepdims: 1 });
}

/** Add and ReduceSum without importing their files, which build on this one. */
const addOp: Op = { type: 'Add', infer: (view) => [{ dtype: need(view, 0).dtype, shape: need(view, 0).shape }] };
const reduceSumOp: Op = {
  type: 'ReduceSum',
  infer: (view) => {
    const axes = constantNumbers(view.inputs[1]) ?? [];
    return [{ dtype: need(view, 0).dtype, shape: need(view, 0).shape.map((d, i) => (axes.includes(i) ? 1 : d)) }];
  },
};

/** Zeros between the elements of an axis: [a, b] with step 3 → [a, 0, 0, b]. */
export function spread(x: Value, axis: number, step: number): Value {
  const size = x.shape[axis] as number;
  const rank = x.shape.length;
  const wide = unsqueeze(x, [axis + 1]);
  const pads = new Array(2 * (rank + 1)).fill(0);
  pads[axis + 1 + rank + 1] = step - 1;
  const shape = x.shape.map((d, k) => (k === axis ? size * step : d));
  return slice(reshape(pad(wide, pads), shape, x), [axis], [0], [(size - 1) * step + 1]);
}

/**
 * `x` in another shape. Dimensions may be symbols: one alone becomes −1, one at its old place 0, any other is read at run
 * time from a value of `like` that has it.
 */
export function reshape(x: Value, shape: readonly Dim[], ...like: Value[]): Value {
  if (x.shape.length === shape.length && shape.every((d, i) => d === x.shape[i])) return x;
  const symbols = shape.filter((d) => typeof d === 'string');
  let target: Value;
  if (symbols.length <= 1) {
    target = x.graph.vector(shape.map((d) => (typeof d === 'string' ? -1 : d)));
  } else if (shape.every((d, i) => typeof d === 'number' || d === x.shape[i])) {
    target = x.graph.vector(shape.map((d) => (typeof d === 'string' ? 0 : d)));
  } else {
    const parts = shape.map((d) => (typeof d === 'number' ? x.graph.vector([d]) : findDim(d, [x, ...like])));
    target = concat(parts, 0);
  }
  const types: TensorType[] = [{ dtype: x.dtype, shape: [...shape] }];
  if (target.tensor) Reshape.infer({ op: 'Reshape', name: 'reshape', inputs: [x, target], attributes: {} });
  return x.graph.add('Reshape', [x, target], {}, types).outputs[0]!;
}

function findDim(symbol: string, values: readonly Value[]): Value {
  for (const value of values) {
    const axis = value.shape.indexOf(symbol);
    if (axis >= 0) return dimValue(value, axis);
  }
  throw new GanletError('SHAPE_SYMBOLIC', `the run-time size "${symbol}" must be an axis of one of ${values.map((v) => v.name).join(', ')}`);
}

/** The size of one axis as an int64 vector of length 1, read at run time when it is a symbol. */
export function dimValue(x: Value, axis: number): Value {
  const size = x.shape[axis]!;
  if (typeof size === 'number') return x.graph.vector([size]);
  return emit(Shape, [x], { start: axis, end: axis + 1 });
}

/** The whole shape as an int64 vector. */
export function shapeOf(x: Value): Value {
  return isStatic(x.shape) ? x.graph.vector(x.shape) : emit(Shape, [x]);
}

export const transpose = (x: Value, perm: readonly number[]): Value =>
  perm.every((p, i) => p === i) ? x : emit(Transpose, [x], { perm });
export const flatten = (x: Value, axis = 1): Value => emit(Flatten, [x], { axis });
export const squeeze = (x: Value, axes: readonly number[]): Value => emit(Squeeze, [x, x.graph.vector(axes)]);
export const unsqueeze = (x: Value, axes: readonly number[]): Value => emit(Unsqueeze, [x, x.graph.vector(axes)]);
export const concat = (parts: readonly Value[], axis: number): Value =>
  parts.length === 1 ? parts[0]! : emit(Concat, [...parts], { axis });
export const tile = (x: Value, repeats: readonly number[]): Value => emit(Tile, [x, x.graph.vector(repeats)]);

/** Parts of `x` along `axis`; `sizes` as numbers, or as a run-time vector with the dimensions it stands for. */
export function split(x: Value, axis: number, sizes: readonly number[] | Value, dims?: readonly Dim[]): Value[] {
  if (Array.isArray(sizes)) return emitAll(Split, [x, x.graph.vector(sizes)], { axis });
  const types = dims!.map((size): TensorType => ({ dtype: x.dtype, shape: x.shape.map((d, k) => (k === axis ? size : d)) }));
  return x.graph.add('Split', [x, sizes as Value], { axis }, types).outputs;
}

/** `x` broadcast to the shape of `like`. */
export function expandTo(x: Value, like: Value): Value {
  if (x.shape.length === like.shape.length && x.shape.every((d, i) => d === like.shape[i])) return x;
  return x.graph.add('Expand', [x, shapeOf(like)], {}, [{ dtype: x.dtype, shape: [...like.shape] }]).outputs[0]!;
}

/** `x[begin:end:step]` on the given axes; a negative index counts from the end, END means to the end. */
export function slice(
  x: Value,
  axes: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
  steps?: readonly number[],
): Value {
  const { graph } = x;
  const inputs = [x, graph.vector(starts), graph.vector(ends), graph.vector(axes)];
  if (steps?.some((s) => s !== 1)) inputs.push(graph.vector(steps));
  return emit(Slice, inputs);
}

/** `x` read backwards along `axes`. */
export function flip(x: Value, axes: readonly number[]): Value {
  return slice(x, axes, axes.map(() => -1), axes.map(() => -END - 1), axes.map(() => -1));
}

/** Pads every axis: `pads` holds all the begins, then all the ends; negative numbers crop. */
export function pad(x: Value, pads: readonly number[], mode: 'constant' | 'reflect' | 'edge' = 'constant', fill?: number): Value {
  if (pads.every((p) => p === 0)) return x;
  const inputs = [x, x.graph.vector(pads)];
  if (fill !== undefined) inputs.push(x.graph.scalar(fill, x.dtype));
  return emit(Pad, inputs, { mode });
}

/** Zeros in the shape and type of `x`. */
export function zerosLike(x: Value): Value {
  return fillLike(x, 0);
}

export function fillLike(x: Value, fill: number): Value {
  const scalar = x.graph.scalar(fill, x.dtype);
  return x.graph.add('Expand', [scalar, shapeOf(x)], {}, [{ dtype: x.dtype, shape: [...x.shape] }]).outputs[0]!;
}

/** The numbers 0 … n−1, as a constant. */
export function iota(graph: Graph, n: number): Value {
  return graph.vector(Array.from({ length: n }, (_, i) => i));
}

