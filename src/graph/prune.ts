import type { Graph, Node } from './graph.ts';

/** Removes, in place, the nodes and constants on which no output depends. Inputs stay. Returns the graph. */
export function prune(graph: Graph): Graph {
  const used = new Set(graph.outputs);
  const kept: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((y) => used.has(y))) continue;
    kept.push(node);
    for (const x of node.inputs) if (x) used.add(x);
  }
  graph.nodes.splice(0, graph.nodes.length, ...kept.reverse());
  for (const [name, value] of graph.constants) if (!used.has(value)) graph.constants.delete(name);
  return graph;
}
