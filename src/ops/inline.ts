import type { Dim, Graph, Node, TensorType, Value } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { dropoutWith } from './activation.ts';
import { foldSizes, knownIn } from './fold/fold-sizes.ts';
import { type Known, tensorOf } from './fold/known.ts';
import { findOp } from './index.ts';
import { batchNormTraining } from './norm.ts';
import { isUnknownDim } from './sizes.ts';
import { powerIteration, type SpectralNorm, spectralNorms } from './spectral-norm.ts';

export interface InlineOptions {
  /** What each input of the network is connected to. */
  inputs: Readonly<Record<string, Value>>;
  /** Put before the names of everything added: `student` → `student/block1`. */
  prefix: string;
  /**
   * Stands in for a constant of the network where `user` reads it (undefined: an output of the network): a state input while
   * it is trained. Without it constants stay constants.
   */
  parameter?: (constant: Value, user: Node | undefined) => Value | undefined;
  /**
   * `train` normalises with the statistics of the batch and gives new running averages; spectral norms make a power iteration
   * and give its vectors.
   */
  batchNorm?: 'frozen' | 'train';
  /** The mask (0 or 1/(1−p)) for a Dropout node; without it dropout does nothing. */
  dropout?: (node: Node, x: Value) => Value;
  /**
   * Another form of a node, its outputs, or undefined to keep it: how it runs best depends on the sizes at hand. `known` tells
   * the elements of an input as far as they are known.
   */
  lower?: (
    node: Node,
    inputs: readonly (Value | null)[],
    known: (x: Value | null | undefined) => Known | undefined,
  ) => readonly Value[] | undefined;
}

export interface Inlined {
  outputs: Value[];
  /** Every value of the network by its name there: taps are looked up here. */
  values: Map<string, Value>;
  /** New running statistics by the name of the constant they replace (batchNorm `train`). */
  statistics: Map<string, Value>;
  /** Values that gradients take as constants: the new vectors of spectral norms. */
  held: Value[];
}

/**
 * Copies a network into another graph, connected to values there. Types are inferred anew, so a network with a symbolic
 * batch becomes static when its inputs are. Throws INPUT_MISSING when an input of the network is not connected.
 */
export function inline(target: Graph, network: Graph, options: InlineOptions): Inlined {
  const { prefix } = options;
  const values = new Map<Value, Value>();
  for (const input of network.inputs) {
    const given = options.inputs[input.name];
    if (!given)
      throw new GanletError('INPUT_MISSING', `network "${network.name}" needs its input "${input.name}"`);
    values.set(input, given);
  }
  const statistics = new Map<string, Value>();
  const norms = new Map<Node, SpectralNorm>(
    options.batchNorm === 'train' ? spectralNorms(network).map((norm) => [norm.node, norm]) : [],
  );
  /** What the vectors of spectral norms have become. */
  const vectors = new Map<Value, Value>();
  /** What is known of values that nodes of the network came to; numbers alone have become constants. */
  const computed = new Map<Value, Known>();
  const known = (x: Value | null | undefined) => (x ? knownIn(computed, x) : undefined);
  const resolve = (x: Value | null, user?: Node): Value | null => {
    if (!x) return null;
    const stead = x.tensor && (vectors.get(x) ?? options.parameter?.(x, user));
    if (stead) return stead;
    let copy = values.get(x);
    if (!copy) {
      if (!x.tensor)
        throw new GanletError(
          'GRAPH_INVALID',
          `network "${network.name}" uses "${x.name}" before it is defined`,
        );
      copy = shared(target, x, prefix);
      values.set(x, copy);
    }
    return copy;
  };

  for (const node of network.nodes) {
    const norm = norms.get(node);
    if (norm) {
      const { weight, u, v } = norm;
      const next = target.scoped(`${prefix}/${node.name}`, () =>
        powerIteration(resolve(weight, node)!, resolve(u, node)!),
      );
      vectors.set(u, next.u).set(v, next.v);
      statistics.set(u.name, next.u).set(v.name, next.v);
    }
    const inputs = node.inputs.map((x) => resolve(x, node));
    if (node.op === 'BatchNormalization' && options.batchNorm === 'train') {
      const [x, gamma, beta, mean, variance] = inputs as Value[];
      const { epsilon, momentum } = node.attributes as { epsilon: number; momentum: number };
      const trained = batchNormTraining(x!, gamma!, beta!, mean!, variance!, {
        epsilon,
        momentum: 1 - momentum,
      });
      values.set(node.outputs[0]!, trained.y);
      statistics.set(node.inputs[3]!.name, trained.mean);
      statistics.set(node.inputs[4]!.name, trained.variance);
      continue;
    }
    if (node.op === 'Dropout') {
      const x = inputs[0]!;
      values.set(node.outputs[0]!, options.dropout ? dropoutWith(x, options.dropout(node, x)) : x);
      continue;
    }
    const lowered = options.lower?.(node, inputs, known);
    if (lowered) {
      for (const [i, y] of node.outputs.entries()) values.set(y, lowered[i]!);
      continue;
    }
    const folded = foldSizes(node, inputs, computed);
    const tensors = folded?.map(tensorOf);
    if (tensors?.every((tensor) => tensor !== undefined)) {
      for (const [i, y] of node.outputs.entries()) {
        const value = target.constant(tensors[i]!, `${prefix}/${y.name}`);
        computed.set(value, folded![i]!);
        values.set(y, value);
      }
      continue;
    }
    const copy = target.add(
      node.op,
      inputs,
      node.attributes,
      inferred(node, inputs, prefix),
      `${prefix}/${node.name}`,
    );
    for (const [i, y] of node.outputs.entries()) {
      values.set(y, copy.outputs[i]!);
      if (folded) computed.set(copy.outputs[i]!, folded[i]!);
    }
  }
  return {
    outputs: network.outputs.map((y) => resolve(y)!),
    values: new Map([...values].map(([from, to]) => [from.name, to])),
    statistics,
    held: [...vectors.values()],
  };
}

function inferred(node: Node, inputs: (Value | null)[], prefix: string): (TensorType & { name: string })[] {
  const op = findOp(node.op);
  if (!op)
    throw new GanletError('OP_UNSUPPORTED', `operator ${node.op} (node "${node.name}") is not supported`);
  const types = op.infer({
    op: node.op,
    name: node.name,
    inputs,
    attributes: node.attributes,
    outputs: node.outputs,
  });
  return types.map(({ dtype, shape }, i) => {
    const before = node.outputs[i]!;
    // A size read at run time keeps the symbol by which the network knows it.
    const dims = shape.map((d, k): Dim => (isUnknownDim(d) ? (before.shape[k] ?? d) : d));
    return { dtype, shape: dims, name: `${prefix}/${before.name}` };
  });
}

/** A constant in the target: numbers and short index lists are shared, tensors keep their name under the prefix. */
function shared(target: Graph, x: Value, prefix: string): Value {
  const tensor = x.tensor!;
  if (tensor.dtype === 'int64' && tensor.shape.length === 1 && tensor.data.length <= 16)
    return target.vector(Array.from(tensor.data as BigInt64Array, Number));
  if (tensor.dtype === 'float32' && tensor.shape.length === 0) return target.scalar(tensor.data[0] as number);
  return target.constant(tensor, `${prefix}/${x.name}`);
}
