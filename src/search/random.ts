import { formatWidths } from '../compress/width-space.ts';
import { rng } from '../util/rng.ts';
import { drawFeasible } from './feasible.ts';
import { type Outcome, type Problem, ranked } from './problem.ts';

/** Evaluates different random vectors within the limits: the baseline of a search. */
export async function randomSearch(
  problem: Problem,
  { evaluations }: { evaluations: number },
): Promise<Outcome> {
  const { space, limits, seed } = problem;
  const random = rng(seed, 'random search');
  const seen = new Set<string>();
  const vectors = [];
  while (vectors.length < evaluations) {
    const vector = drawFeasible(space, limits, random, seen);
    if (!vector) break;
    seen.add(formatWidths(vector));
    vectors.push(vector);
  }
  const qualities = await problem.evaluate(vectors, 0);
  const scored = ranked(vectors.map((vector, i) => ({ vector, quality: qualities[i]! })));
  if (scored[0]) problem.onGeneration?.(0, scored[0]);
  return { scored, generations: 1, ended: vectors.length < evaluations ? 'complete' : 'limit' };
}
