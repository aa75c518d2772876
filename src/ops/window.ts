import { addDim } from '../graph/dims.ts';
import type { Dim, Value } from '../graph/graph.ts';
import { constantNumbers, isStatic, showShape } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { add, less, max, min, sub, where } from './elementwise.ts';
import { reshape, unsqueeze } from './layout.ts';
import type { ChannelRelation, GradientContext, NodeView, Op } from './op.ts';
import { axisOf, emit, need, shapeError, str } from './op.ts';
import { reduceSum } from './reduce.ts';
import { dimValue, shapeOf, sizesValue, unknownDim, unknownDims } from './sizes.ts';
import { END, readingOf, slicedDim } from './slice-bounds.ts';

export { END };

export type PadMode = 'constant' | 'reflect' | 'edge';

/** The axes a Slice cuts; undefined when they are known only at run time. */
function slicedAxes(view: NodeView): number[] | undefined {
  const { shape } = need(view, 0);
  const axes = view.inputs[3] ? constantNumbers(view.inputs[3]) : shape.map((_, i) => i);
  return axes?.map((a) => axisOf(view, a, shape.length));
}

// y = x[…, begin:end:step, …]: dx = dy put back among zeros
export const Slice: Op = {
  type: 'Slice',
  infer(view) {
    const { graph, dtype, shape } = need(view, 0);
    const [starts, ends] = [constantNumbers(need(view, 1)), constantNumbers(need(view, 2))];
    const axes = slicedAxes(view);
    if (!axes) return [{ dtype, shape: unknownDims(graph, shape.length) }];
    const steps = view.inputs[4] ? constantNumbers(view.inputs[4]) : axes.map(() => 1);
    const out = [...shape];
    for (const [i, axis] of axes.entries()) {
      if (steps?.[i] === 0) throw shapeError(view, 'steps must not be 0');
      out[axis] =
        (starts && ends && steps && slicedDim(shape[axis]!, starts[i]!, ends[i]!, steps[i]!)) ??
        unknownDim(graph);
    }
    return [{ dtype, shape: out }];
  },
  gradient: (c) => [sliceGradient(c), null, null, null, null],
  channels: (node) => {
    const [x, y] = [node.inputs[0]!, node.outputs[0]!];
    const cut = slicedAxes(node);
    return x.shape.map((_, k): ChannelRelation => {
      const axes = [
        { value: x, axis: k },
        { value: y, axis: k },
      ];
      return cut && !cut.includes(k)
        ? { kind: 'tie', axes }
        : { kind: 'fixed', axes, reason: `Slice "${node.name}" reads fixed positions` };
    });
  },
};

/** Zeros around dy, and between its elements where the step is above 1. Sizes known only at run time are read there. */
function sliceGradient(c: GradientContext): Value {
  const { node, dy } = c;
  const [x, y] = [c.inputs[0]!, c.outputs[0]!];
  const rank = x.shape.length;
  const axes = slicedAxes(node);
  const [starts, ends, , steps] = node.inputs.slice(1).map((v) => constantNumbers(v));
  if (!axes || (node.inputs[4] && !steps))
    throw new GanletError(
      'GRADIENT_MISSING',
      `gradient of Slice "${node.name}" needs constant axes and steps`,
    );
  let dx = dy;
  const pads: (number | Value)[] = new Array(2 * rank).fill(0);
  for (const [i, axis] of axes.entries()) {
    const size = x.shape[axis]!;
    const step = steps?.[i] ?? 1;
    if (typeof size === 'number' && starts && ends) {
      const { first, count } = readingOf(size, starts[i]!, ends[i]!, step);
      const last = first + Math.max(0, count - 1) * step;
      if (step < 0) dx = flip(dx, [axis]);
      if (Math.abs(step) > 1 && count > 1) dx = spread(dx, axis, Math.abs(step));
      pads[axis] = count === 0 ? 0 : Math.min(first, last);
      pads[axis + rank] = count === 0 ? size : size - 1 - Math.max(first, last);
    } else if (step === -1 && starts?.[i] === -1 && ends && ends[i]! < -END) {
      dx = flip(dx, [axis]);
    } else if (step === 1) {
      const begin = beginValue(node.inputs[1]!, i, x, axis);
      pads[axis] = begin;
      pads[axis + rank] = sub(sub(dimValue(x, axis), dimValue(y, axis)), begin);
    } else {
      throw new GanletError(
        'GRADIENT_MISSING',
        `gradient of Slice "${node.name}" needs the size of axis ${axis}`,
      );
    }
  }
  return padTo(dx, pads, x.shape);
}

/** Where a cut begins: a number, or an int64 [1] computed at run time with ONNX's clamping. */
function beginValue(starts: Value, i: number, x: Value, axis: number): number | Value {
  const known = constantNumbers(starts)?.[i];
  if (known !== undefined && known >= 0) return known;
  const size = dimValue(x, axis);
  const start = known === undefined ? slice(starts, [0], [i], [i + 1]) : starts.graph.vector([known]);
  return min(max(where(less(start, 0), add(start, size), start), 0), size);
}

/** Zeros around `x` as far as `shape`; `pads` may hold values read at run time. */
function padTo(x: Value, pads: readonly (number | Value)[], shape: readonly Dim[]): Value {
  if (pads.every((p) => typeof p === 'number')) return pad(x, pads);
  return x.graph.add('Pad', [x, sizesValue(x.graph, pads)], { mode: 'constant' }, [
    { dtype: x.dtype, shape: [...shape] },
  ]).outputs[0]!;
}

// Padding. constant: dx = the inner part of dy. reflect and edge: what landed in the border is added back
// to where it was read from, one axis after the other (see foldBorders).
export const Pad: Op = {
  type: 'Pad',
  defaults: { mode: 'constant' },
  infer(view) {
    const { graph, dtype, shape } = need(view, 0);
    const pads = constantNumbers(need(view, 1));
    if (!pads) return [{ dtype, shape: unknownDims(graph, shape.length) }];
    if (pads.length !== 2 * shape.length)
      throw shapeError(view, `pads must hold ${2 * shape.length} numbers, got ${pads.length}`);
    const mode = str(view.attributes, 'mode', 'constant');
    if (!['constant', 'reflect', 'edge'].includes(mode))
      throw shapeError(view, `mode must be constant, reflect or edge, got ${mode}`);
    return [
      {
        dtype,
        shape: shape.map((d, i) => {
          const [before, after] = [pads[i]!, pads[i + shape.length]!];
          const widest = Math.max(before, after);
          if (mode === 'reflect' && typeof d === 'number' && widest >= d)
            throw shapeError(
              view,
              `reflect padding must be smaller than the axis, got ${widest} on axis ${i} of ${showShape(shape)}`,
            );
          const size = addDim(d, before + after);
          if (typeof size === 'number' && size < 0)
            throw shapeError(view, `cropping must leave a size of 0 or more, got ${size} on axis ${i}`);
          return size;
        }),
      },
    ];
  },
  gradient: ({ dy, inputs: [x, p], attributes, node }) => {
    const mode = str(attributes, 'mode', 'constant') as PadMode;
    const pads = constantNumbers(p);
    if (pads) return [padGradient(dy, x!, pads, mode), null, null];
    if (mode !== 'constant')
      throw new GanletError('GRADIENT_MISSING', `gradient of Pad "${node.name}" needs constant pads`);
    return [runtimePadGradient(dy, x!, p!), null, null];
  },
  channels: ({ inputs, outputs: [y], name }) => {
    const x = inputs[0]!;
    const pads = constantNumbers(inputs[1]) ?? [];
    return x.shape.map((_, k) => {
      const axes = [
        { value: x, axis: k },
        { value: y!, axis: k },
      ];
      const padded = (pads[k] ?? 1) !== 0 || (pads[k + x.shape.length] ?? 1) !== 0;
      return padded ? { kind: 'fixed', axes, reason: `Pad "${name}" pads this axis` } : { kind: 'tie', axes };
    });
  },
};

/** The part of dy that holds x; pads read at run time must not crop. */
function runtimePadGradient(dy: Value, x: Value, pads: Value): Value {
  const begin = slice(pads, [0], [0], [x.shape.length]);
  return x.graph.add('Slice', [dy, begin, add(begin, shapeOf(x))], {}, [
    { dtype: dy.dtype, shape: [...x.shape] },
  ]).outputs[0]!;
}

/** Adjoint of padding with pads known now. */
function padGradient(dy: Value, x: Value, pads: readonly number[], mode: PadMode): Value {
  const rank = x.shape.length;
  const crops = pads.some((p) => p < 0);
  if (crops && mode !== 'constant')
    throw new GanletError(
      'GRADIENT_MISSING',
      `gradient of Pad with mode ${mode} needs pads of 0 or more, got [${pads.join(', ')}]`,
    );
  const opposite = pads.map((p) => (p === 0 ? 0 : -p));
  if (crops) return pad(dy, opposite);
  const axes = x.shape.flatMap((_, k) => (pads[k]! > 0 || pads[k + rank]! > 0 ? [k] : []));
  if (mode === 'constant') {
    if (axes.length === 0) return dy;
    const ends = axes.map((k) => opposite[k + rank]! || END);
    return slice(
      dy,
      axes,
      axes.map((k) => pads[k]!),
      ends,
    );
  }
  return axes.reduce((dx, k) => foldBorders(dx, k, pads[k]!, pads[k + rank]!, x.shape[k]!, mode), dy);
}

/**
 * Adjoint of reflect and edge padding along one axis. y = [x_b … x_1, x_0 …] for reflect with b before: the first b of dy,
 * turned round, are added to x_1 … x_b; for edge their sum is added to x_0. The end likewise.
 */
function foldBorders(
  dy: Value,
  axis: number,
  before: number,
  after: number,
  size: Dim,
  mode: PadMode,
): Value {
  const cut = (from: number, to: number) => slice(dy, [axis], [from], [to]);
  const folded = (part: Value): Value => (mode === 'edge' ? reduceSum(part, [axis]) : flip(part, [axis]));
  const skip = mode === 'reflect' ? 1 : 0;
  const width = (p: number) => (p === 0 ? 0 : mode === 'reflect' ? p : 1);
  const [left, right] = [width(before), width(after)];

  if (typeof size === 'number' && size >= left + right + 2 * skip) {
    // The borders land in separate places: only these are added to, the middle is copied once.
    const parts: Value[] = [];
    let at = before;
    if (left > 0) {
      if (skip) parts.push(cut(at, at + skip));
      parts.push(add(cut(at + skip, at + skip + left), folded(cut(0, before))));
      at += skip + left;
    }
    const end = before + size;
    const rest = right > 0 ? end - skip - right : end;
    if (rest > at) parts.push(cut(at, rest));
    if (right > 0) {
      parts.push(add(cut(rest, rest + right), folded(cut(end, end + after))));
      if (skip) parts.push(cut(end - skip, end));
    }
    return joined(parts, axis);
  }
  const inner = cut(before, after === 0 ? END : -after);
  const rank = dy.shape.length;
  const placed = (part: Value, wide: number, fromEnd: boolean): Value => {
    const pads: (number | Value)[] = new Array(2 * rank).fill(0);
    const rest = typeof size === 'number' ? size - wide - skip : sub(dimValue(inner, axis), wide + skip);
    pads[axis] = fromEnd ? rest : skip;
    pads[axis + rank] = fromEnd ? skip : rest;
    return padTo(part, pads, inner.shape);
  };
  let dx = inner;
  if (before > 0) dx = add(dx, placed(folded(cut(0, before)), left, false));
  if (after > 0) dx = add(dx, placed(folded(cut(-after, END)), right, true));
  return dx;
}

function joined(parts: readonly Value[], axis: number): Value {
  const sizes: readonly Dim[] = parts.map((p) => p.shape[axis]!);
  const [first] = parts as [Value];
  if (parts.length === 1) return first;
  if (!isStatic(sizes)) throw new RangeError('parts of a folded axis must have known sizes');
  const total = sizes.reduce((a, b) => a + b, 0);
  const shape = first.shape.map((d, k) => (k === axis ? total : d));
  return first.graph.add('Concat', [...parts], { axis }, [{ dtype: first.dtype, shape }]).outputs[0]!;
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
  return slice(
    x,
    axes,
    axes.map(() => -1),
    axes.map(() => -END - 1),
    axes.map(() => -1),
  );
}

/**
 * The first `width` (int64 [1], read at run time) positions of an axis: x[…, :width, …]. `dim` is the symbol by which the
 * result's size is known. Its gradient is zero behind the prefix.
 */
export function prefix(x: Value, axis: number, width: Value, dim: string): Value {
  const { graph } = x;
  const shape = x.shape.map((d, k) => (k === axis ? dim : d));
  const inputs = [x, graph.vector([0]), width, graph.vector([axis])];
  return graph.add('Slice', inputs, {}, [{ dtype: x.dtype, shape }]).outputs[0]!;
}

/** Pads every axis: `pads` holds all the begins, then all the ends; negative numbers crop. `fill` is 0 when left out. */
export function pad(x: Value, pads: readonly number[], mode: PadMode = 'constant', fill?: number): Value {
  if (pads.every((p) => p === 0)) return x;
  const inputs = [x, x.graph.vector(pads)];
  if (fill !== undefined) inputs.push(x.graph.scalar(fill, x.dtype));
  return emit(Pad, inputs, { mode });
}

/** Zeros between the elements of an axis: [a, b] with step 3 → [a, 0, 0, b]. */
export function spread(x: Value, axis: number, step: number): Value {
  const size = x.shape[axis]!;
  if (typeof size !== 'number')
    throw new GanletError(
      'SHAPE_SYMBOLIC',
      `axis ${axis} of "${x.name}" must have a known size, it is "${size}"`,
    );
  const rank = x.shape.length;
  const pads = new Array(2 * (rank + 1)).fill(0);
  pads[axis + 1 + rank + 1] = step - 1;
  const shape = x.shape.map((d, k) => (k === axis ? size * step : d));
  const wide = reshape(pad(unsqueeze(x, [axis + 1]), pads), shape, x);
  return slice(wide, [axis], [0], [(size - 1) * step + 1]);
}
