import { floorDivDim, mayEqual, mulDim, sumDims, unifyDim } from '../graph/dims.ts';
import type { Dim, TensorType, Value } from '../graph/graph.ts';
import { constantNumbers, isStatic, showShape } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { reshape } from './layout.ts';
import type { ChannelRelation, NodeView, Op } from './op.ts';
import { axisOf, emit, emitAll, need, num, shapeError } from './op.ts';
import { reduceSum } from './reduce.ts';
import { dimValue, sizesValue, unknownDim, unknownDims, zerosLike } from './sizes.ts';
import { slice } from './window.ts';

function axisFrom(view: NodeView, fallback: number): number {
  return axisOf(view, num(view.attributes, 'axis', fallback), need(view, 0).shape.length);
}

/** `whole` is `parts` one after the other along `axis`; every other axis is one and the same in all of them. */
function segmentRelations(whole: Value, parts: readonly Value[], axis: number): ChannelRelation[] {
  return whole.shape.map((_, k) =>
    k === axis
      ? { kind: 'concat', whole: { value: whole, axis }, parts: parts.map((value) => ({ value, axis })) }
      : { kind: 'tie', axes: [...parts, whole].map((value) => ({ value, axis: k })) },
  );
}

// y = parts one after the other: each part's gradient is its slice of dy
export const Concat: Op = {
  type: 'Concat',
  infer(view) {
    const first = need(view, 0);
    const axis = axisFrom(view, 1);
    const shape = [...first.shape];
    for (const i of view.inputs.keys()) {
      const other = need(view, i);
      if (other.shape.length !== shape.length)
        throw shapeError(view, `input ${i} must have ${shape.length} axes, got ${showShape(other.shape)}`);
      if (other.dtype !== first.dtype)
        throw shapeError(view, `inputs must have one type, got ${first.dtype} and ${other.dtype}`);
      for (const [k, d] of other.shape.entries()) {
        if (k === axis) continue;
        if (!mayEqual(shape[k]!, d))
          throw shapeError(
            view,
            `inputs must agree on axis ${k}, got ${showShape(first.shape)} and ${showShape(other.shape)}`,
          );
        shape[k] = unifyDim(shape[k]!, d);
      }
    }
    shape[axis] = sumDims(view.inputs.map((v) => v!.shape[axis]!));
    return [{ dtype: first.dtype, shape }];
  },
  gradient: ({ dy, inputs, node, needs }) => {
    const axis = axisFrom(node, 1);
    const sizes: readonly Dim[] = inputs.map((v) => v!.shape[axis]!);
    if (isStatic(sizes)) {
      let at = 0;
      return sizes.map((size, i) => {
        at += size;
        return needs(i) ? slice(dy, [axis], [at - size], [at]) : null;
      });
    }
    const runtime = sizes.map((d, i) => (typeof d === 'number' ? d : dimValue(inputs[i]!, axis)));
    return split(dy, axis, sizesValue(dy.graph, runtime), sizes);
  },
  channels: (node) =>
    segmentRelations(
      node.outputs[0]!,
      node.inputs.map((v) => v!),
      axisFrom(node, 1),
    ),
};

// y₁…yₙ = parts of x: dx = the dy one after the other (zeros where nothing arrives)
export const Split: Op = {
  type: 'Split',
  defaults: { axis: 0 },
  infer(view) {
    const { graph, dtype, shape } = need(view, 0);
    const axis = axisFrom(view, 0);
    return partSizes(view, shape[axis]!).map(
      (size): TensorType => ({ dtype, shape: shape.map((d, k) => (k === axis ? size : d)) }),
    );

    function partSizes(from: NodeView, whole: Dim): Dim[] {
      const sizes = constantNumbers(from.inputs[1]);
      if (sizes) {
        const total = sizes.reduce((a, b) => a + b, 0);
        if (!mayEqual(whole, total))
          throw shapeError(
            from,
            `parts [${sizes.join(', ')}] must add up to ${whole}, the size of axis ${axis}`,
          );
        return sizes;
      }
      const outputs = from.outputs?.length ?? 0;
      if (from.inputs[1]) {
        const count = from.inputs[1].shape[0];
        return unknownDims(graph, typeof count === 'number' ? count : outputs);
      }
      if (outputs === 0) throw shapeError(from, 'the number of parts must be given');
      if (typeof whole !== 'number') return new Array(outputs).fill(floorDivDim(whole, outputs));
      if (whole % outputs !== 0)
        throw shapeError(from, `axis ${axis} of ${showShape(shape)} must divide into ${outputs} parts`);
      return new Array(outputs).fill(whole / outputs);
    }
  },
  gradient: ({ dys, outputs, node }) => [
    concat(
      dys.map((dy, i) => dy ?? zerosLike(outputs[i]!)),
      axisFrom(node, 0),
    ),
    null,
  ],
  channels: (node) => segmentRelations(node.inputs[0]!, node.outputs, axisFrom(node, 0)),
};

// y = x repeated along each axis: dx = Σ over the repeats of dy, seen as [r, d] instead of r·d
export const Tile: Op = {
  type: 'Tile',
  infer(view) {
    const { graph, dtype, shape } = need(view, 0);
    const repeats = constantNumbers(need(view, 1));
    if (repeats && repeats.length !== shape.length)
      throw shapeError(view, `repeats must hold ${shape.length} numbers, got ${repeats.length}`);
    return [{ dtype, shape: shape.map((d, i) => (repeats ? mulDim(d, repeats[i]!) : unknownDim(graph))) }];
  },
  gradient: ({ dy, inputs: [x, r], node }) => {
    const repeats = constantNumbers(r);
    if (!repeats)
      throw new GanletError('GRADIENT_MISSING', `gradient of Tile "${node.name}" needs constant repeats`);
    const split = x!.shape.flatMap((d, i): Dim[] => (repeats[i] === 1 ? [d] : [repeats[i]!, d]));
    const axes: number[] = [];
    let at = 0;
    for (const repeat of repeats) {
      if (repeat !== 1) axes.push(at++);
      at++;
    }
    if (axes.length === 0) return [dy, null];
    return [reduceSum(reshape(dy, split, x!), axes, false), null];
  },
  channels: ({ inputs: [x, r], outputs: [y], name }) => {
    const repeats = constantNumbers(r);
    return x!.shape.map((_, axis): ChannelRelation => {
      const [from, to] = [
        { value: x!, axis },
        { value: y!, axis },
      ];
      return repeats?.[axis] === 1
        ? { kind: 'tie', axes: [from, to] }
        : { kind: 'fixed', axes: [from, to], reason: `Tile "${name}" repeats along this axis` };
    });
  },
};

/** The parts one after the other along `axis`. */
export const concat = (parts: readonly Value[], axis: number): Value =>
  parts.length === 1 ? parts[0]! : emit(Concat, [...parts], { axis });

/** `x` repeated `repeats[k]` times along axis k. */
export const tile = (x: Value, repeats: readonly number[]): Value => emit(Tile, [x, x.graph.vector(repeats)]);

/** Parts of `x` along `axis`; `sizes` as numbers, or as a run-time vector with the dimensions it stands for. */
export function split(
  x: Value,
  axis: number,
  sizes: readonly number[] | Value,
  dims?: readonly Dim[],
): Value[] {
  if (Array.isArray(sizes)) return emitAll(Split, [x, x.graph.vector(sizes)], { axis });
  const types = dims!.map(
    (size): TensorType => ({ dtype: x.dtype, shape: x.shape.map((d, k) => (k === axis ? size : d)) }),
  );
  return x.graph.add('Split', [x, sizes as Value], { axis }, types).outputs;
}
