import type { Node, Value } from '../../graph/graph.ts';
import { fold } from './fold.ts';
import { type Known, knownOf } from './known.ts';

/** The elements of a value: those of a constant, or what nodes were found to come to. */
export function knownIn(computed: ReadonlyMap<Value, Known>, x: Value): Known | undefined {
  return computed.get(x) ?? (x.tensor && knownOf(x.tensor));
}

/**
 * What a node that computes sizes or indices gives, as far as that is known: a network read with run-time sizes spells them
 * as chains of small nodes, which come to numbers where the sizes they ask for are static. Sizes that stay open go through as
 * symbols, so that the others of the same shape are found. `inputs` are those of a copy of the node, `computed` what was found
 * for nodes before it. Weights are left alone.
 */
export function foldSizes(
  node: Node,
  inputs: readonly (Value | null)[],
  computed: ReadonlyMap<Value, Known>,
): Known[] | undefined {
  if (node.op === 'Shape') {
    const { shape } = inputs[0]!;
    const { start = 0, end = shape.length } = node.attributes as { start?: number; end?: number };
    const items = shape.slice(start, end);
    return [{ dtype: 'int64', shape: [items.length], items }];
  }
  const given = inputs.filter((x) => x !== null);
  if (given.length === 0) return undefined;
  if (given.some((x) => x.dtype.startsWith('float')) && !given.some((x) => computed.has(x))) return undefined;
  const items = inputs.map((x) => x && knownIn(computed, x));
  return items.every((k) => k !== undefined) ? fold(node.op, items, node.attributes) : undefined;
}
