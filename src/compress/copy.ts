import { Graph, type Node, type Tensor, type TensorType, type Value } from '../graph/graph.ts';
import { findOp } from '../ops/index.ts';
import { isUnknownDim } from '../ops/sizes.ts';

export interface CopyRules {
  /** The value that stands for an input of the network, where that is not one of the same type and name. */
  input?(input: Value, target: Graph): Value;
  /** The tensor that stands for a constant where `user` reads it, and its name; left out, constants are shared. */
  constant?(value: Value, user: Node): { name: string; tensor: Tensor };
  /** The outputs that stand for a node's, or undefined to copy it. */
  node?(node: Node, inputs: (Value | null)[], target: Graph): Value[] | undefined;
}

/**
 * A copy of a network in which rules replace constants and nodes. Types are inferred anew; names of inputs, nodes, values and
 * constants stay. Tensors that no rule replaces are shared with the original.
 */
export function copyGraph(graph: Graph, rules: CopyRules = {}): Graph {
  const target = new Graph(graph.name);
  for (const [key, text] of graph.metadata) target.metadata.set(key, text);
  const values = new Map<Value, Value>();
  for (const input of graph.inputs) {
    values.set(input, rules.input?.(input, target) ?? target.input(input.name, input.dtype, input.shape));
  }

  const resolve = (x: Value | null, user: Node): Value | null => {
    if (!x?.tensor) return x && values.get(x)!;
    const { name, tensor } = rules.constant?.(x, user) ?? { name: x.name, tensor: x.tensor };
    return internConstant(target, name, tensor);
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((x) => resolve(x, node));
    const outputs = rules.node?.(node, inputs, target) ?? copyNode(target, node, inputs);
    for (const [i, y] of node.outputs.entries()) values.set(y, outputs[i]!);
  }
  for (const y of graph.outputs) {
    target.outputs.push(y.tensor ? internConstant(target, y.name, y.tensor) : values.get(y)!);
  }
  return target;
}

/** The node in another graph, with inputs there; `changes` replaces attributes and name. */
export function copyNode(
  target: Graph,
  node: Node,
  inputs: (Value | null)[],
  changes: { attributes?: Node['attributes']; name?: string } = {},
): Value[] {
  const { attributes = node.attributes, name = node.name } = changes;
  const types: readonly TensorType[] =
    findOp(node.op)?.infer({ op: node.op, name, inputs, attributes, outputs: node.outputs }) ?? node.outputs;
  const outputs = node.outputs.map(({ name: output }, i) => {
    const derived = output.startsWith(`${node.name}:`);
    return {
      ...known(types[i]!, node.outputs[i]!),
      name: derived ? name + output.slice(node.name.length) : output,
    };
  });
  return target.add(node.op, inputs, attributes, outputs, name).outputs;
}

/** Sizes that only a run tells, in the shape of the node that was copied where that says more: copies keep sizes. */
function known(type: TensorType, before: Value): TensorType {
  if (type.shape.length !== before.shape.length || !type.shape.some(isUnknownDim)) return type;
  const shape = type.shape.map((d, k) => {
    const own = before.shape[k]!;
    return isUnknownDim(d) && !isUnknownDim(own) ? own : d;
  });
  return { ...type, shape };
}

/** The constant of that name and content; a new one, renamed where the name is taken by another. */
export function internConstant(target: Graph, name: string, tensor: Tensor): Value {
  const there = target.constants.get(name)?.tensor;
  return there && sameTensor(there, tensor) ? target.constants.get(name)! : target.constant(tensor, name);
}

function sameTensor(a: Tensor, b: Tensor): boolean {
  if (a === b || (a.data === b.data && String(a.shape) === String(b.shape))) return true;
  if (a.dtype !== b.dtype || String(a.shape) !== String(b.shape)) return false;
  return Array.prototype.every.call(a.data, (x, i) => x === b.data[i]);
}
