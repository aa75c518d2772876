import type { Dim, Graph, Tensor, Value } from '../graph/graph.ts';
import { constantNumbers, isStatic } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import type { NodeView, Op } from './op.ts';
import { emit, need, num, shapeError } from './op.ts';

const unknowns = new WeakMap<Graph, number>();

/** A dimension of which nothing is known; distinct from every other one of the graph. */
export function unknownDim(graph: Graph): string {
  const count = unknowns.get(graph) ?? 0;
  unknowns.set(graph, count + 1);
  return `unknown${count}`;
}

/** Whether a dimension was made by `unknownDim`. */
export function isUnknownDim(dim: Dim): boolean {
  return typeof dim === 'string' && /^unknown\d+$/.test(dim);
}

/** `count` dimensions of which nothing is known. */
export function unknownDims(graph: Graph, count: number): string[] {
  return Array.from({ length: count }, () => unknownDim(graph));
}

/** The length of a vector that holds a shape, which fixes a rank. Throws SHAPE_MISMATCH when it is not a number. */
export function rankFrom(view: NodeView, i: number): number {
  const rank = need(view, i).shape[0];
  if (typeof rank !== 'number') throw shapeError(view, `the length of input ${i}, a shape, must be known`);
  return rank;
}

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
    const value = view.attributes.value as Tensor | undefined;
    const shape: Dim[] =
      constantNumbers(need(view, 0)) ?? unknownDims(need(view, 0).graph, rankFrom(view, 0));
    return [{ dtype: value?.dtype ?? 'float32', shape }];
  },
  channels: () => [],
};

export const Range: Op = {
  type: 'Range',
  infer(view) {
    const [start, limit, delta] = [0, 1, 2].map((i) => constantNumbers(need(view, i))?.[0]);
    const x = need(view, 0);
    const known = start !== undefined && limit !== undefined && delta !== undefined;
    const length = known ? Math.max(0, Math.ceil((limit - start) / delta)) : unknownDim(x.graph);
    return [{ dtype: x.dtype, shape: [length] }];
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

/**
 * Sizes as one int64 vector: numbers as they are, values (int64 [1]) read at run time.
 * A constant when all of them are numbers.
 */
export function sizesValue(graph: Graph, sizes: readonly (number | Value)[]): Value {
  if (sizes.every((s) => typeof s === 'number')) return graph.vector(sizes);
  const parts = sizes.map((s) => (typeof s === 'number' ? graph.vector([s]) : s));
  if (parts.length === 1) return parts[0]!;
  return graph.add('Concat', parts, { axis: 0 }, [{ dtype: 'int64', shape: [parts.length] }]).outputs[0]!;
}

/** The run-time size (int64 [1]) called `symbol`, read from one of `values` that has it as an axis. Throws SHAPE_SYMBOLIC. */
export function findDim(symbol: string, values: readonly Value[]): Value {
  for (const value of values) {
    const axis = value.shape.indexOf(symbol);
    if (axis >= 0) return dimValue(value, axis);
  }
  const names = values.map((v) => v.name).join(', ');
  throw new GanletError('SHAPE_SYMBOLIC', `the run-time size "${symbol}" must be an axis of one of ${names}`);
}

/** Zeros in the shape and type of `x`. */
export function zerosLike(x: Value): Value {
  return fillLike(x, 0);
}

/** One number in the shape and type of `x`. */
export function fillLike(x: Value, fill: number): Value {
  const scalar = x.graph.scalar(fill, x.dtype);
  return x.graph.add('Expand', [scalar, shapeOf(x)], {}, [{ dtype: x.dtype, shape: [...x.shape] }])
    .outputs[0]!;
}

/** The numbers 0 … n−1, as a constant. */
export function iota(graph: Graph, n: number): Value {
  return graph.vector(Array.from({ length: n }, (_, i) => i));
}
