import type { WidthSpace, WidthVector } from '../compress/width-space.ts';
import { rng } from '../util/rng.ts';
import { drawWidths } from './width-sampling.ts';

/** A cost, and the most it may be. */
interface Limit {
  readonly most: number;
  cost(vector: WidthVector): number;
}

/** The least part of a budget that a draw uses, where the widths can. */
const least = 0.75;

/**
 * The widths of step `step`, at a cost a search within `limits` would look at: 75 to 100 % of the tightest of them. All entries are
 * drawn evenly, then entries taken by chance go one choice narrower until the vector fits, or wider while it costs too little
 * and still fits. A space that cannot get within the limits gives its narrowest vector.
 */
export function drawNearBudget(
  space: WidthSpace,
  limits: readonly Limit[],
  seed: number,
  step: number,
): WidthVector {
  const used = (vector: WidthVector) => Math.max(...limits.map(({ cost, most }) => cost(vector) / most));
  const random = rng(seed, 'walk to the budget', step);
  let vector = drawWidths(space, { weighting: 'uniform', ratio: 1, seed }, step);
  const moves = (by: 1 | -1) =>
    space.flatMap(({ choices }, entry) => {
      const width = choices[choices.indexOf(vector[entry]!) + by];
      return width === undefined ? [] : [vector.map((own, i) => (i === entry ? width : own))];
    });
  while (used(vector) > 1) {
    const narrower = moves(1);
    if (narrower.length === 0) return vector;
    vector = random.choice(narrower);
  }
  while (used(vector) < least) {
    const wider = moves(-1).filter((next) => used(next) <= 1);
    if (wider.length === 0) return vector;
    vector = random.choice(wider);
  }
  return vector;
}
