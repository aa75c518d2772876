import type { Source } from '../../data/source.ts';
import type { Recipe } from '../../recipe/schema.ts';
import { cycleTraining } from './cycle.ts';
import { onlineTraining } from './online.ts';
import { pairsTraining } from './pairs.ts';
import type { Training } from './training.ts';

/** The ways to train a teacher; of those that fit a recipe the first is taken. */
export const trainings: readonly Training[] = [onlineTraining, cycleTraining, pairsTraining];

export function trainingFor(recipe: Recipe, source: Source): Training {
  return trainings.find(({ fits }) => fits(recipe, source)) ?? pairsTraining;
}
