import type { Graph, Value } from '../graph/graph.ts';
import { prune } from '../graph/prune.ts';
import { type Symbols, staticShape } from '../ops/cost.ts';
import { foldSizes } from '../ops/fold/fold-sizes.ts';
import { type Known, tensorOf } from '../ops/fold/known.ts';
import { copyGraph } from './copy.ts';

/**
 * The network for inputs of one size: `symbols` become numbers, and so do sizes that it computes from them while it runs, whose
 * nodes go. Names of what is left stay. Throws SIZE_UNKNOWN for an input with a symbol that is not among `symbols`.
 */
export function fixSizes(graph: Graph, symbols: Symbols): Graph {
  const computed = new Map<Value, Known>();
  const fixed = copyGraph(graph, {
    input: (given, target) => target.input(given.name, given.dtype, staticShape(given, symbols)),
    node(node, inputs, target) {
      const folded = foldSizes(node, inputs, computed);
      const tensors = folded?.map(tensorOf);
      if (!tensors?.every((tensor) => tensor !== undefined)) return undefined;
      return node.outputs.map((y, i) => {
        const value = target.constant(tensors[i]!, y.name);
        computed.set(value, folded![i]!);
        return value;
      });
    },
  });
  return prune(fixed);
}
