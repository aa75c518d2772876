import type { Attributes, Dim, Graph, Tensor, Value } from '../../graph/graph.ts';
import { GanletError } from '../../util/errors.ts';
import { type Known, knownOf, numbersOf, tensorOf } from '../fold/known.ts';
import { type OpType, ops } from '../index.ts';

/** What a name of the file stands for. It becomes a value of the graph when a node needs it there. */
export interface Slot {
  /** Name in the file; empty for something the import made up. */
  readonly name: string;
  /** The elements, when they can be computed while reading. */
  readonly known?: Known | undefined;
  readonly tensor?: Tensor | undefined;
  value?: Value | undefined;
  /** Whether it is an initialiser of the file. */
  readonly given?: boolean | undefined;
  /** Adds the node that computes it. */
  readonly make?: (() => Value) | undefined;
}

/** A node of the file with what its inputs stand for. */
export interface Call {
  readonly graph: Graph;
  readonly opset: number;
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly (Slot | null)[];
  readonly attributes: Attributes;
  /** Names of the outputs; empty for one that is left out. */
  readonly outputs: readonly string[];
  /** Values that have their name in the file. */
  readonly named: Set<Value>;
}

/** An input as a value of the graph; null when it is left out. */
export function optional(call: Call, i: number): Value | null {
  const slot = call.inputs[i];
  return slot ? materialise(call.graph, slot) : null;
}

/** An input as a value of the graph. Throws SHAPE_MISMATCH when it is left out. */
export function required(call: Call, i: number): Value {
  return optional(call, i) ?? refuse(call, 'SHAPE_MISMATCH', `input ${i} must be given`);
}

/** The value of a name, added to the graph if it is not there yet. */
export function materialise(graph: Graph, slot: Slot): Value {
  slot.value ??= slot.make ? slot.make() : constantOf(graph, slot);
  return slot.value;
}

function constantOf(graph: Graph, { name, known, tensor }: Slot): Value {
  const contents = tensor ?? (known && tensorOf(known));
  if (!contents) throw new GanletError('ONNX_INVALID', `"${name}" is used before it is computed`);
  return rename(graph, graph.constant(contents), name);
}

/** Gives a value the name it has in the file, which was set aside for it. */
export function rename(graph: Graph, value: Value, name: string): Value {
  if (name === '' || name === value.name) return value;
  if (value.tensor) {
    graph.constants.delete(value.name);
    graph.constants.set(name, value);
  }
  value.name = name;
  return value;
}

/** The elements of an input, symbols among them. */
export function dimsOf(call: Call, i: number): Known | undefined {
  const slot = call.inputs[i];
  return slot?.known ?? (slot?.tensor && knownOf(slot.tensor));
}

/** The numbers of an input; undefined when it is left out or not known yet. */
export function numbers(call: Call, i: number): number[] | undefined {
  return numbersOf(dimsOf(call, i));
}

/** The numbers of an input that must be known. Throws OP_UNSUPPORTED. */
export function constantInput(call: Call, i: number, what: string): number[] {
  return (
    numbers(call, i) ??
    refuse(call, 'OP_UNSUPPORTED', `${what} must be constant`, 'export the model with constant folding')
  );
}

export function refuse(call: Call, code: string, what: string, hint?: string): never {
  throw new GanletError(code, `${call.op} "${call.name}": ${what}`, hint === undefined ? {} : { hint });
}

/**
 * Adds a node of one of our operators, called as in the file. Types are inferred, unless `shape` says better what the first
 * output's is.
 */
export function addNode(
  call: Call,
  type: OpType,
  inputs: (Value | null)[],
  attributes: Attributes = {},
  shape?: readonly Dim[],
): Value[] {
  const op = ops[type] as (typeof ops)[OpType] & { defaults?: Attributes };
  while (inputs.at(-1) === null) inputs.pop();
  const placeholder = { dtype: 'float32', shape: [] } as const;
  const count = Math.max(1, call.outputs.length);
  const full = op.defaults ? { ...op.defaults, ...attributes } : attributes;
  const node = call.graph.add(type, inputs, full, new Array(count).fill(placeholder), call.name);
  const types = op.infer({ ...node, name: call.name });
  for (const [i, output] of node.outputs.entries()) {
    const inferred = types[i];
    if (!inferred) refuse(call, 'OP_UNSUPPORTED', `output ${i} is not supported`);
    output.dtype = inferred.dtype;
    output.shape = i === 0 && shape ? shape : inferred.shape;
  }
  return node.outputs;
}

/** Attributes but for those named. */
export function without(attributes: Attributes, ...names: string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

/** Builds what a node of the file stands for in opset 17: its outputs, one or a list. */
export type Converter = (call: Call) => Value | readonly Value[];
