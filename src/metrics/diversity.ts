import { GanletError } from '../util/errors.ts';
import { rng } from '../util/rng.ts';

/**
 * Which pictures made for one condition are compared. `all`: every pair (StarGAN v2: 10 pictures, 45 pairs). `consecutive`: each
 * with the next (BicycleGAN: 20 pictures, 19 pairs). `random`: that many pairs of two different ones, drawn with repeats (MSGAN).
 */
export type PairChoice = 'all' | 'consecutive' | { random: number; seed: number };

/** Mean distance between pictures made for the same condition; higher is more diverse, but so is noise. */
export interface Diversity {
  /** Mean over conditions of the mean over pairs. */
  value: number;
  /** Standard deviation over conditions, divisor n − 1; null for one. */
  sd: number | null;
  conditions: number;
  pairs: number;
  warnings: string[];
}

export interface DiversitySum<P> {
  /** Adds all pictures made for one condition. Throws TOO_FEW_PICTURES for fewer than two. */
  add(pictures: readonly P[]): Promise<void>;
  /** Throws TOO_FEW_PICTURES when no condition was added. */
  result(): Diversity;
}

/**
 * Collects diversity condition by condition; the distance is LPIPS in the published numbers. For a generator without a random
 * input it is 0 by construction, and a warning says that it does not apply.
 */
export function diversitySum<P>(
  distance: (a: P, b: P) => number | Promise<number>,
  choice: PairChoice = 'all',
): DiversitySum<P> {
  const means: number[] = [];
  let pairs = 0;
  return {
    async add(pictures) {
      if (pictures.length < 2) {
        throw new GanletError(
          'TOO_FEW_PICTURES',
          `diversity needs at least 2 pictures for a condition, got ${pictures.length}`,
          { hint: 'make several pictures for each condition, with different latents' },
        );
      }
      let sum = 0;
      const chosen = choosePairs(pictures.length, choice, means.length);
      for (const [i, j] of chosen) sum += await distance(pictures[i]!, pictures[j]!);
      if (!Number.isFinite(sum)) {
        throw new GanletError(
          'METRIC_NUMERICS',
          `distances must be finite, those of condition ${means.length} are not`,
        );
      }
      means.push(sum / chosen.length);
      pairs += chosen.length;
    },
    result() {
      const conditions = means.length;
      if (conditions === 0)
        throw new GanletError('TOO_FEW_PICTURES', 'diversity needs at least 1 condition, got none');
      const value = means.reduce((sum, x) => sum + x, 0) / conditions;
      const squares = means.reduce((sum, x) => sum + (x - value) ** 2, 0);
      return {
        value,
        sd: conditions > 1 ? Math.sqrt(squares / (conditions - 1)) : null,
        conditions,
        pairs,
        warnings:
          value === 0
            ? ['all pictures of a condition are equal: diversity does not apply to this generator']
            : [],
      };
    },
  };
}

function choosePairs(count: number, choice: PairChoice, condition: number): [number, number][] {
  if (choice === 'consecutive') return Array.from({ length: count - 1 }, (_, i) => [i, i + 1]);
  if (choice === 'all') {
    return Array.from({ length: count }, (_, i) => i).flatMap((i) =>
      Array.from({ length: count - 1 - i }, (_, j): [number, number] => [i, i + 1 + j]),
    );
  }
  const stream = rng(choice.seed, 'diversity pairs', condition);
  return Array.from({ length: choice.random }, () => {
    const i = stream.int(0, count - 1);
    const j = stream.int(0, count - 2);
    return [i, j < i ? j : j + 1];
  });
}
