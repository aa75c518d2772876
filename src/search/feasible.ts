import { formatWidths, smallest, type WidthSpace, type WidthVector } from '../compress/width-space.ts';
import { weightedIndex, widthWeights } from '../train/width-sampling.ts';
import type { Rng } from '../util/rng.ts';
import type { Limit } from './problem.ts';

/** How likely each choice of an entry is, widest first. */
export type Weights = (choices: number) => readonly number[];

export const uniformly: Weights = (choices) => widthWeights('uniform', 1, choices);

export function fits(limits: readonly Limit[], vector: WidthVector): boolean {
  return limits.every(({ cost, most }) => cost(vector) <= most);
}

/** All vectors within the limits, in the order of the space's choices; branches whose narrowest end is too costly are skipped. */
export function* feasibleVectors(space: WidthSpace, limits: readonly Limit[]): Generator<WidthVector> {
  const monotone = limits.filter((limit) => limit.monotone);
  const others = limits.filter((limit) => !limit.monotone);
  const vector = [...smallest(space)];
  if (!fits(monotone, vector)) return;
  function* from(entry: number): Generator<WidthVector> {
    if (entry === space.length) {
      if (fits(others, vector)) yield [...vector];
      return;
    }
    const { choices } = space[entry]!;
    for (const width of choices) {
      vector[entry] = width;
      if (fits(monotone, vector)) yield* from(entry + 1);
    }
    vector[entry] = choices.at(-1)!;
  }
  yield* from(0);
}

/** How many vectors are within the limits, counted up to `most`. */
export function countFeasible(space: WidthSpace, limits: readonly Limit[], most: number): number {
  let count = 0;
  for (const _ of feasibleVectors(space, limits)) if (++count >= most) break;
  return count;
}

/** Draws that may miss before others are made to hit. */
const attempts = 1000;

/**
 * A vector within the limits that is not among `seen`, each entry drawn by `weights`; where that misses a thousand times, the
 * entries are drawn one after the other in random order, each from the choices that leave room for the others; where that
 * misses too, the first in order. Undefined when there is none left.
 */
export function drawFeasible(
  space: WidthSpace,
  limits: readonly Limit[],
  random: Rng,
  seen: ReadonlySet<string>,
  weights: Weights = uniformly,
): WidthVector | undefined {
  const tables = space.map(({ choices }) => weights(choices.length));
  const isNew = (vector: WidthVector) => !seen.has(formatWidths(vector)) && fits(limits, vector);
  for (let i = 0; i < attempts; i++) {
    const vector = space.map(({ choices }, e) => choices[weightedIndex(random, tables[e]!)]!);
    if (isNew(vector)) return vector;
  }
  for (let i = 0; i < attempts; i++) {
    const vector = [...smallest(space)];
    for (const e of random.shuffle(space.map((_, index) => index))) {
      const { choices } = space[e]!;
      const possible = choices.flatMap((width, k) => {
        vector[e] = width;
        return fits(limits, vector) ? [k] : [];
      });
      const chosen =
        possible[
          weightedIndex(
            random,
            possible.map((k) => tables[e]![k]!),
          )
        ];
      vector[e] = chosen === undefined ? choices.at(-1)! : choices[chosen]!;
    }
    if (isNew(vector)) return vector;
  }
  for (const vector of feasibleVectors(space, limits)) if (isNew(vector)) return vector;
  return undefined;
}
