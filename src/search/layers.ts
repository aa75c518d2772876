import { copyNode, internConstant } from '../compress/copy.ts';
import { Graph, type Node, type Value } from '../graph/graph.ts';
import { type Symbols, staticShape } from '../ops/cost.ts';
import { findOp } from '../ops/index.ts';

/**
 * The layers of a network, as indices of nodes: a layer begins with each operator that multiplies weights and holds what
 * follows up to the next ones (its norm, activation, padding), which an engine runs in one go with it.
 */
export function layersOf(graph: Graph): number[][] {
  const layers: number[][] = [];
  const layerOf = new Map<Node, number>();
  for (const [i, node] of graph.nodes.entries()) {
    const before = node.inputs.flatMap((x) => (x?.node ? [layerOf.get(x.node)!] : []));
    const own = findOp(node.op)?.macs || before.length === 0 ? layers.length : Math.max(...before);
    layerOf.set(node, own);
    layers[own] ??= [];
    layers[own].push(i);
  }
  return layers;
}

/** Some nodes of a network as a network of their own, fed with what they take from the others. */
export function extractNodes(graph: Graph, indices: readonly number[], symbols: Symbols): Graph {
  const target = new Graph('layer');
  const values = new Map<Value, Value>();
  const inside = new Set(indices.map((i) => graph.nodes[i]!));
  const fed = (x: Value): Value => {
    const known = values.get(x) ?? target.input(x.name, x.dtype, staticShape(x, symbols));
    values.set(x, known);
    return known;
  };
  for (const node of inside) {
    const inputs = node.inputs.map((x) => {
      if (!x) return null;
      return x.tensor ? internConstant(target, x.name, x.tensor) : fed(x);
    });
    const outputs = copyNode(target, node, inputs);
    for (const [i, y] of node.outputs.entries()) values.set(y, outputs[i]!);
  }
  const wanted = new Set(graph.outputs);
  for (const node of graph.nodes) {
    if (!inside.has(node)) for (const x of node.inputs) if (x?.node) wanted.add(x);
  }
  for (const node of inside) {
    for (const y of node.outputs) if (wanted.has(y)) target.output(values.get(y)!);
  }
  return target;
}

/** Text that is equal for networks that run in the same time: operators, attributes and sizes, but no names or weights. */
export function shapeOf(graph: Graph, symbols: Symbols): string {
  const numbers = new Map<Value, number>();
  const refer = (value: Value) => {
    const size = value.tensor ? value.tensor.shape : staticShape(value, symbols);
    if (value.tensor && value.tensor.data.length <= 8) return `[${size}]=${value.tensor.data}`;
    if (!numbers.has(value)) numbers.set(value, numbers.size);
    return `${numbers.get(value)}[${size}]`;
  };
  return graph.nodes
    .map(({ op, inputs, outputs, attributes }) => {
      const settings = Object.entries(attributes)
        .map(
          ([name, value]) => `${name}=${typeof value === 'object' && 'data' in value ? value.data : value}`,
        )
        .sort();
      return `${op} ${inputs.map((x) => (x ? refer(x) : '-')).join(' ')} > ${outputs.map(refer).join(' ')} ${settings.join(' ')}`;
    })
    .join('\n');
}
