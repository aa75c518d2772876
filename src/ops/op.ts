import type { Attributes, Dim, Graph, Node, TensorType, Value } from '../graph/graph.ts';
import { showShape } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';

/** What a gradient rule sees: the forward node, the gradients arriving at its outputs, and which inputs want one. */
export interface GradientContext {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  /** Gradient arriving at the first output. */
  readonly dy: Value;
  /** Gradients arriving at each output; null where nothing depends on it. */
  readonly dys: readonly (Value | null)[];
  readonly attributes: Attributes;
  /** False when nobody asks for the gradient of input `i`: the rule may return null without computing it. */
  needs(i: number): boolean;
}

/**
 * How channels along the axes of an operator's inputs and outputs hang together when a network is narrowed.
 * - `tie`: all axes have the same channels; one that is dropped is dropped in all.
 * - `concat`: the channels of one axis are those of several others, one after the other.
 * - `repeat`: each channel of one axis stands for several consecutive ones of another.
 * - `fixed`: the axes cannot be narrowed, and why.
 */
export type ChannelRelation =
  | { kind: 'tie'; axes: readonly AxisRef[] }
  /** Axis `whole` is the parts one after the other (Concat; or Split read backwards). */
  | { kind: 'concat'; whole: AxisRef; parts: readonly AxisRef[] }
  /** Each channel of `from` becomes `factor` consecutive channels of `to` (Reshape to groups, Flatten of H×W). */
  | { kind: 'repeat'; from: AxisRef; to: AxisRef; factor: number }
  | { kind: 'fixed'; axes: readonly AxisRef[]; reason: string };

export interface AxisRef {
  readonly value: Value;
  readonly axis: number;
}

/** What the toolkit knows about one ONNX operator. */
export interface Op {
  readonly type: string;
  /** Attribute defaults, as the ONNX specification gives them. */
  readonly defaults?: Attributes;
  /** Output types from input types; throws GanletError when the inputs do not fit. */
  infer(view: NodeView): TensorType[];
  /** One gradient per input, null where the input is not differentiable. Absent: the operator has no gradient. */
  gradient?(context: GradientContext): (Value | null)[];
  /** Multiply-adds of one run, from static shapes; absent means none. */
  macs?(view: NodeView): number;
  /** Which axes must be narrowed together; absent means element-wise: axis k of every input and output are tied. */
  channels?(node: Node): ChannelRelation[];
}

/** A node before or after it is in a graph. */
export interface NodeView {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly (Value | null)[];
  readonly attributes: Attributes;
  readonly outputs?: readonly Value[];
}

/** Adds a node for `op` to the graph of its inputs and returns its outputs, with inferred types. */
export function emitAll(
  op: Op,
  inputs: (Value | null)[],
  attributes: Attributes = {},
  graph?: Graph,
): Value[] {
  const owner = graph ?? inputs.find((v) => v !== null)?.graph;
  if (!owner) throw new GanletError('NODE_WITHOUT_GRAPH', `${op.type} without inputs must be given a graph`);
  for (const value of inputs) {
    if (value && value.graph !== owner)
      throw new GanletError(
        'GRAPH_MIXED',
        `inputs of ${op.type} must belong to one graph, "${value.name}" is of "${value.graph.name}"`,
      );
  }
  const full = op.defaults ? { ...op.defaults, ...attributes } : attributes;
  const given = inputs.slice(0, inputs.findLastIndex((v) => v !== null) + 1);
  const types = op.infer({ op: op.type, name: op.type, inputs: given, attributes: full });
  return owner.add(op.type, given, full, types).outputs;
}

/** `emitAll` for operators with one output. */
export function emit(op: Op, inputs: (Value | null)[], attributes: Attributes = {}, graph?: Graph): Value {
  return emitAll(op, inputs, attributes, graph)[0]!;
}

/** Input `i` of a node, which must be there. */
export function need(view: NodeView, i: number): Value {
  const value = view.inputs[i];
  if (!value) throw shapeError(view, `input ${i} must be given`);
  return value;
}

/** An error that names operator and node: `Conv "stem": input channels 3 must match …`. */
export function shapeError(view: NodeView, what: string): GanletError {
  return new GanletError('SHAPE_MISMATCH', `${view.op} "${view.name}": ${what}`);
}

export function needRank(view: NodeView, i: number, rank: number): readonly Dim[] {
  const { shape } = need(view, i);
  if (shape.length !== rank)
    throw shapeError(view, `input ${i} must have ${rank} axes, got ${showShape(shape)}`);
  return shape;
}

/** Integer attribute list, or the default. */
export function ints(attributes: Attributes, name: string, fallback: readonly number[]): readonly number[] {
  const value = attributes[name];
  return Array.isArray(value) ? (value as readonly number[]) : fallback;
}

export function num(attributes: Attributes, name: string, fallback: number): number {
  const value = attributes[name];
  return typeof value === 'number' ? value : fallback;
}

export function str(attributes: Attributes, name: string, fallback: string): string {
  const value = attributes[name];
  return typeof value === 'string' ? value : fallback;
}

/** A negative axis counts from the end; out of range is an error. */
export function axisOf(view: NodeView, axis: number, rank: number): number {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(a) || a < 0 || a >= rank)
    throw shapeError(view, `axis ${axis} must lie in [-${rank}, ${rank})`);
  return a;
}

/** Output type = type of the first input. */
export function sameAsFirst(view: NodeView): TensorType[] {
  const x = need(view, 0);
  return [{ dtype: x.dtype, shape: x.shape }];
}
