import { type DType, type Graph, sizeOf, type Value } from '../../graph/graph.ts';
import { type Symbols, staticShape } from '../../ops/cost.ts';

/** Bytes of one element. */
export const bytesOf: Record<DType, number> = {
  float32: 4,
  float64: 8,
  float16: 2,
  int64: 8,
  int32: 4,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** Operators whose output is their input's memory under another shape. */
const views = new Set(['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Dropout']);

/**
 * The most bytes that a run must keep at once besides the weights: nodes run in graph order, a value lives from the node
 * that makes it (inputs: from the start) to its last use, results to the end, and no node works in place. An engine that
 * fuses operators or works in place needs less, padding and scratch space need more. Throws SIZE_UNKNOWN.
 */
export function peakActivationBytes(graph: Graph, symbols: Symbols): number {
  const bytes = new Map<Value, number>();
  const sizeIn = (value: Value) => {
    const known = bytes.get(value) ?? sizeOf(staticShape(value, symbols)) * bytesOf[value.dtype];
    bytes.set(value, known);
    return known;
  };
  const moments = liveValues(graph);
  return Math.max(...moments.map((live) => live.reduce((sum, value) => sum + sizeIn(value), 0)));
}

/** The values kept at once: those fed before the first node, then those while each node runs. */
export function liveValues(graph: Graph): Value[][] {
  const owner = new Map<Value, Value>();
  const own = (value: Value): Value => owner.get(value) ?? value;
  const lastUse = new Map<Value, number>();
  for (const [i, node] of graph.nodes.entries()) {
    for (const x of node.inputs) if (x && !x.tensor) lastUse.set(own(x), i);
    const [x] = node.inputs;
    if (views.has(node.op) && x && !x.tensor) owner.set(node.outputs[0]!, own(x));
  }
  for (const value of graph.outputs) lastUse.set(own(value), Number.POSITIVE_INFINITY);

  const alive = new Set(graph.inputs);
  const moments = [[...alive]];
  for (const [i, node] of graph.nodes.entries()) {
    for (const y of node.outputs) if (!owner.has(y)) alive.add(y);
    moments.push([...alive]);
    for (const value of [...node.inputs, ...node.outputs]) {
      const held = value && own(value);
      if (held && (lastUse.get(held) ?? i) <= i) alive.delete(held);
    }
  }
  return moments;
}
