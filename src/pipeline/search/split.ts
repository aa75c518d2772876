import type { Recipe } from '../../recipe/schema.ts';
import { rng } from '../../util/rng.ts';

/** The training pictures of a run with a supernet, by what they are for; indices into the training split. */
export interface SearchSplit {
  /** What the supernet is trained on. */
  readonly train: readonly number[];
  /** What candidates of a search are scored on. */
  readonly search: readonly number[];
  /** What finalists are scored on again. */
  readonly finalists: readonly number[];
}

/**
 * Parts of the training split that the supernet never sees, so that a search measures what it has not learned: `holdout` of
 * it, halved between the search and its finalists. Which ones follows from the recipe's seed. Fewer than four pictures
 * cannot be divided: all serve for everything.
 */
export function searchIndices(
  { seed, supernet }: Pick<Recipe, 'seed' | 'supernet'>,
  { train: count }: { train: number },
): SearchSplit {
  const all = Array.from({ length: count }, (_, i) => i);
  if (count < 4) return { train: all, search: all, finalists: all };
  const order = rng(seed, 'search split').shuffle([...all]);
  const held = Math.min(Math.max(Math.round(count * (supernet?.holdout ?? 0.1)), 2), count - 2);
  const half = Math.ceil(held / 2);
  const sorted = (list: number[]) => list.sort((a, b) => a - b);
  return {
    search: sorted(order.slice(0, half)),
    finalists: sorted(order.slice(half, held)),
    train: sorted(order.slice(held)),
  };
}
