import type { Graph, Value } from '../graph/graph.ts';

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
 * shifts. Left out: numbers and index lists, batch statistics, and the all-ones scale with all-zeros shift by which an
 * instance norm without parameters is written.
 */
export function trainableParameters(graph: Graph): Value[] {
  const found = new Set<Value>();
  for (const node of graph.nodes) {
    for (const slot of weightSlots[node.op] ?? []) {
      const value = node.inputs[slot];
      if (!value?.tensor || value.dtype !== 'float32' || value.shape.length === 0) continue;
      if (node.op === 'InstanceNormalization' && isPlain(node.inputs[1], 1) && isPlain(node.inputs[2], 0))
        continue;
      found.add(value);
    }
  }
  return [...found];
}

/**
 * Biases of convolutions that feed nothing but instance norms, which take them away again: their gradient is zero, and Adam
 * would turn its rounding noise into steps.
 */
export function cancelledBiases(graph: Graph): Set<Value> {
  const onlyNormalised = new Map<Value, boolean>();
  for (const node of graph.nodes) {
    for (const [i, x] of node.inputs.entries()) {
      if (x)
        onlyNormalised.set(
          x,
          (onlyNormalised.get(x) ?? true) && node.op === 'InstanceNormalization' && i === 0,
        );
    }
  }
  for (const y of graph.outputs) onlyNormalised.set(y, false);
  const found = new Set<Value>();
  for (const { op, inputs, outputs } of graph.nodes) {
    if ((op === 'Conv' || op === 'ConvTranspose') && inputs[2] && onlyNormalised.get(outputs[0]!))
      found.add(inputs[2]);
  }
  return found;
}

/** Running means and variances of batch normalisation, in order. */
export function batchStatistics(graph: Graph): Value[] {
  return graph.nodes.flatMap((node) =>
    node.op === 'BatchNormalization' ? [node.inputs[3]!, node.inputs[4]!].filter((v) => v.tensor) : [],
  );
}

function isPlain(value: Value | null | undefined, fill: number): boolean {
  return !!value?.tensor && Array.prototype.every.call(value.tensor.data, (v: number) => v === fill);
}
