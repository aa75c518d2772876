import { constantNumbers, type Graph, type Node, type Value } from '../../graph/graph.ts';
import { axisIn } from '../fold/index-space.ts';
import { readingOf } from '../slice-bounds.ts';

/**
 * Replaces, in place, the Slices that cut one axis of a value into parts without gaps by a Split, which is what exporters
 * made them of (`chunk`, `split`). A Split can be narrowed, a Slice reads fixed positions. Values keep their names.
 */
export function joinSlices(graph: Graph): Graph {
  const cuts = new Map<Value, Map<number, Cut[]>>();
  for (const node of graph.nodes) {
    const cut = node.op === 'Slice' ? cutOf(node) : undefined;
    if (!cut) continue;
    const x = node.inputs[0]!;
    const axes = cuts.get(x) ?? new Map<number, Cut[]>();
    cuts.set(x, axes.set(cut.axis, [...(axes.get(cut.axis) ?? []), cut]));
  }
  for (const [x, axes] of cuts) {
    for (const [axis, list] of axes) {
      const parts = list.sort((a, b) => a.first - b.first);
      if (parts.length > 1 && tile(parts, x.shape[axis] as number)) replace(graph, x, axis, parts);
    }
  }
  return graph;
}

interface Cut {
  readonly node: Node;
  readonly axis: number;
  readonly first: number;
  readonly count: number;
}

/** What a Slice reads where it cuts a single axis of known size and leaves nothing out between. */
function cutOf(node: Node): Cut | undefined {
  const x = node.inputs[0]!;
  const [starts, ends, axes, steps] = node.inputs.slice(1).map((v) => constantNumbers(v));
  if (starts?.length !== 1 || ends?.length !== 1 || (node.inputs[3] && !axes)) return undefined;
  if (node.inputs[4] && steps?.[0] !== 1) return undefined;
  const axis = axisIn(axes?.[0] ?? 0, x.shape.length);
  const size = x.shape[axis];
  if (typeof size !== 'number') return undefined;
  const { first, count } = readingOf(size, starts[0]!, ends[0]!, 1);
  return { node, axis, first, count };
}

function tile(parts: readonly Cut[], size: number): boolean {
  let at = 0;
  for (const { first, count } of parts) {
    if (first !== at || count === 0) return false;
    at += count;
  }
  return at === size;
}

function replace(graph: Graph, x: Value, axis: number, parts: readonly Cut[]): void {
  const sizes = graph.vector(parts.map(({ count }) => count));
  const outputs = parts.map(({ node }) => node.outputs[0]!);
  const place = Math.min(...parts.map(({ node }) => graph.nodes.indexOf(node)));
  const { name } = graph.nodes[place]!;
  for (const { node } of parts) graph.nodes.splice(graph.nodes.indexOf(node), 1);
  const split = graph.add('Split', [x, sizes], { axis }, outputs, `${name}/Split`);
  graph.nodes.splice(place, 0, graph.nodes.pop()!);
  for (const [i, y] of outputs.entries()) {
    split.outputs[i] = y;
    y.node = split;
  }
}
