import type { RunContext } from '../context.ts';
import { trainingFor } from './trainings.ts';

/** Trains the teacher a recipe describes, in the way that fits recipe and data (see `trainings`); a given teacher is left as it is. */
export async function teach(context: RunContext): Promise<void> {
  const { teacher } = context.recipe;
  if (!('generator' in teacher)) return;
  await trainingFor(context.recipe, await context.source()).teach(context, teacher);
}
