import type { Graph, Node, Value } from '../graph/graph.ts';
import { ints } from './op.ts';
import { isPlainNorm } from './plain-norm.ts';
import { isSpectralVector, spectralNorms } from './spectral-norm.ts';

/** Which inputs of an operator hold weights. Running statistics of batch normalisation are state, not weights. */
const weightSlots: Record<string, readonly number[]> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [1, 2],
  MatMul: [0, 1],
  PRelu: [1],
  BatchNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  LayerNormalization: [1, 2],
  Add: [0, 1],
  Mul: [0, 1],
};

/**
 * The constants of a network that training changes, in the order in which they are used: weights, biases, norm scales and
 * shifts. Left out: numbers and index lists, batch statistics, the vectors of spectral norms, and the all-ones scale with
 * all-zeros shift by which a norm without parameters is written.
 */
export function trainableParameters(graph: Graph): Value[] {
  const found = new Set<Value>();
  for (const node of graph.nodes) {
    for (const slot of weightSlots[node.op] ?? []) {
      const value = node.inputs[slot];
      if (!value?.tensor || value.dtype !== 'float32' || value.shape.length === 0) continue;
      if ((slot < 3 && isPlainNorm(node)) || isSpectralVector(value)) continue;
      found.add(value);
    }
  }
  return [...found];
}

/**
 * Biases of convolutions that reach nothing but instance norms, or batch norms with the statistics of their batch, which take
 * them away again: their gradient is zero, and Adam would turn its rounding noise into steps. Sums, resized images and 1×1
 * convolutions pass on what is the same at all places.
 */
export function cancelledBiases(graph: Graph): Set<Value> {
  const readers = new Map<Value, [Node, number][]>();
  for (const node of graph.nodes) {
    for (const [i, x] of node.inputs.entries()) {
      if (x) readers.set(x, [...(readers.get(x) ?? []), [node, i]]);
    }
  }
  const lost = new Map<Value, boolean>();
  const isLost = (value: Value): boolean => {
    const known = lost.get(value);
    if (known !== undefined) return known;
    const found = (readers.get(value) ?? []).every(([node, i]) => {
      if (node.op === 'InstanceNormalization' || node.op === 'BatchNormalization') return i === 0;
      return (node.op === 'Add' || (i === 0 && keepsFlat(node))) && isLost(node.outputs[0]!);
    });
    lost.set(value, found && readers.has(value) && !graph.outputs.includes(value));
    return lost.get(value)!;
  };
  return new Set(
    graph.nodes.flatMap(({ op, inputs: [, , bias], outputs }) =>
      (op === 'Conv' || op === 'ConvTranspose') && bias && isLost(outputs[0]!) ? [bias] : [],
    ),
  );
}

/** Whether an image of one colour, given first, comes out as one. */
function keepsFlat({ op, inputs, attributes }: Node): boolean {
  if (op === 'Resize') return true;
  const kernel = inputs[1]?.shape.slice(2) ?? [];
  return op === 'Conv' && kernel.every((d) => d === 1) && ints(attributes, 'pads', []).every((p) => p === 0);
}

/** Running means and variances of batch normalisation, in order. */
export function batchStatistics(graph: Graph): Value[] {
  return graph.nodes.flatMap((node) =>
    node.op === 'BatchNormalization' ? [node.inputs[3]!, node.inputs[4]!].filter((v) => v.tensor) : [],
  );
}

/** All state of training that is not learnt: batch statistics, then the vectors of spectral norms. */
export function runningState(graph: Graph): Value[] {
  return [...batchStatistics(graph), ...spectralNorms(graph).flatMap(({ u, v }) => [u, v])];
}
