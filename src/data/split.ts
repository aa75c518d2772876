import { hash } from 'node:crypto';
import { type Split, splits } from './source.ts';

export interface SplitFractions {
  /** Part of all concepts that goes to `test`, 0..1. */
  test: number;
  /** Part of the other concepts that goes to `val`, 0..1. */
  val: number;
}

/**
 * The split of a concept: its SHA-256, read as a number in [0, 1), against the fractions. It depends on the
 * name alone, so a concept keeps its split when pictures are added, dropped or rendered at another size, and
 * everything that shares a concept shares a split.
 */
export function splitOf(concept: string, fractions: SplitFractions): Split {
  const position = hash('sha256', concept, 'buffer').readUIntBE(0, 6) / 2 ** 48;
  if (position < fractions.test) return 'test';
  return position < fractions.test + (1 - fractions.test) * fractions.val ? 'val' : 'train';
}

/** Sorts items into splits by concept, keeping their order. */
export function splitByConcept<T>(
  items: readonly T[],
  conceptOf: (item: T) => string,
  fractions: SplitFractions,
): Record<Split, T[]> {
  const result = Object.fromEntries(splits.map((split) => [split, [] as T[]])) as Record<Split, T[]>;
  for (const item of items) result[splitOf(conceptOf(item), fractions)].push(item);
  return result;
}
