import type { Attributes } from '../../graph/graph.ts';
import { elementwiseFolds } from './elementwise.ts';
import { elementsOf } from './index-space.ts';
import type { Fold, Known } from './known.ts';
import { layoutFolds } from './layout.ts';

const folds: ReadonlyMap<string, Fold> = new Map(Object.entries({ ...elementwiseFolds, ...layoutFolds }));

/**
 * The results of a node all of whose inputs are known, computed now: shapes, indices and scales, which exporters compute by
 * long chains of small nodes. Undefined when they depend on a symbol, are large, or the node is not well formed, which is
 * for inference to tell.
 */
export function fold(
  op: string,
  inputs: readonly (Known | null)[],
  attributes: Attributes,
): Known[] | undefined {
  let found: ReturnType<Fold>;
  try {
    found = folds.get(op)?.(inputs, attributes);
  } catch {
    return undefined;
  }
  if (found === undefined) return undefined;
  const results = 'items' in found ? [found] : found;
  return results.every(isWhole) ? results : undefined;
}

function isWhole(known: Known): boolean {
  if (!known.shape.every((d) => Number.isInteger(d) && d >= 0)) return false;
  return known.items.length === elementsOf(known.shape) && known.items.every((d) => d !== undefined);
}
