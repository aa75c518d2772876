import { hash } from 'node:crypto';
import { type Split, splits } from './source.ts';

export interface SplitFractions {
  /** Part of all concepts that goes to `test`, 0..1. */
  test: number;
  /** Part of the other concepts that goes to `val`, 0..1. */
  val: number;
}

/**
 * The split of a concept: where its hash falls among the fractions. It depends on the
 * name alone, so a concept keeps its split when pictures are added, dropped or rendered at another size, and
 * everything that shares a concept shares a split.
 */
export function splitOf(concept: string, fractions: SplitFractions): Split {
  const position = positionOf(concept);
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

/**
 * Splits names in two, `held` being round(fraction × count) of them but at least one when there are two or
 * more. Which ones depends on the names alone; both parts keep the order.
 */
export function holdOut(names: readonly string[], fraction: number): { rest: string[]; held: string[] } {
  const count = Math.min(Math.max(Math.round(names.length * fraction), 1), Math.max(names.length - 1, 0));
  const byPosition = [...names].sort((a, b) => positionOf(a) - positionOf(b));
  const chosen = new Set(byPosition.slice(0, count));
  return { rest: names.filter((name) => !chosen.has(name)), held: names.filter((name) => chosen.has(name)) };
}

/** A name's SHA-256 as a number in [0, 1): the first 48 bits. */
function positionOf(name: string): number {
  return hash('sha256', name, 'buffer').readUIntBE(0, 6) / 2 ** 48;
}
