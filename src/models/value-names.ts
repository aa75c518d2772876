import type { Graph } from '../graph/graph.ts';

/** The names of the values that a network's nodes give. */
export interface ValueNames {
  has(name: string): boolean;
  /** How many of `stem`1, `stem`2, … there are, without a gap. */
  count(stem: string): number;
}

export function valueNames(graph: Graph): ValueNames {
  const names = new Set(graph.nodes.flatMap((node) => node.outputs.map(({ name }) => name)));
  return {
    has: (name) => names.has(name),
    count(stem) {
      let n = 0;
      while (names.has(`${stem}${n + 1}`)) n++;
      return n;
    },
  };
}
