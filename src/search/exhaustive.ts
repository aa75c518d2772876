import type { WidthVector } from '../compress/width-space.ts';
import { feasibleVectors } from './feasible.ts';
import { type Outcome, type Problem, ranked, type Scored } from './problem.ts';

/** Vectors that are evaluated between two reports. */
const chunk = 64;

/** Evaluates every vector within the limits. */
export async function exhaustiveSearch(problem: Problem): Promise<Outcome> {
  const scored: Scored[] = [];
  let waiting: WidthVector[] = [];
  let generation = 0;
  const flush = async () => {
    if (waiting.length === 0) return;
    const qualities = await problem.evaluate(waiting, generation);
    scored.push(...waiting.map((vector, i) => ({ vector, quality: qualities[i]! })));
    problem.onGeneration?.(generation++, ranked(scored)[0]!);
    waiting = [];
  };
  for (const vector of feasibleVectors(problem.space, problem.limits)) {
    waiting.push(vector);
    if (waiting.length === chunk) await flush();
  }
  await flush();
  return { scored: ranked(scored), generations: generation, ended: 'complete' };
}
