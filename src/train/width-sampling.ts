import type { WidthSpace, WidthVector } from '../compress/width-space.ts';
import { type Rng, rng } from '../util/rng.ts';

/** How often a narrow width is drawn, against a wide one. */
export type WidthWeighting = 'uniform' | 'arithmetic' | 'geometric';

/**
 * Weights of `count` widths, widest first (Li et al. 2020): arithmetic (count − 1)/(ratio − 1) + i, so that the narrowest is
 * drawn `ratio` times as often as the widest; geometric ratioⁱ. With ratio 1 all are equal.
 */
export function widthWeights(weighting: WidthWeighting, ratio: number, count: number): number[] {
  const each = Array.from({ length: count }, (_, i) => i);
  if (weighting === 'uniform' || ratio === 1 || count === 1) return each.map(() => 1);
  return each.map((i) => (weighting === 'geometric' ? ratio ** i : (count - 1) / (ratio - 1) + i));
}

export interface WidthDraw {
  weighting: WidthWeighting;
  ratio: number;
  seed: number;
  /** Stream of random numbers, `widths` when left out. */
  purpose?: string;
}

/** The widths of step `step`: each entry by itself, from a stream of (seed, purpose, step). */
export function drawWidths(
  space: WidthSpace,
  { weighting, ratio, seed, purpose = 'widths' }: WidthDraw,
  step: number,
): WidthVector {
  const random = rng(seed, purpose, step);
  return space.map(
    ({ choices }) => choices[weightedIndex(random, widthWeights(weighting, ratio, choices.length))]!,
  );
}

/** An index, each as likely as its weight says; −1 where there are none. */
export function weightedIndex(random: Rng, weights: readonly number[]): number {
  let left = random.uniform() * weights.reduce((a, b) => a + b, 0);
  const index = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return index < 0 ? weights.length - 1 : index;
}
