import type { SearchConfig } from '../recipe/search.ts';
import { widthWeights } from '../train/width-sampling.ts';
import { evolutionSearch } from './evolution.ts';
import { exhaustiveSearch } from './exhaustive.ts';
import { countFeasible } from './feasible.ts';
import type { Outcome, Problem } from './problem.ts';
import { randomSearch } from './random.ts';

/** Where `auto` still tries every vector. */
const exhaustiveUpTo = 512;

/** The searcher of a recipe's `search` section for a problem; `auto` is the exhaustive one where at most 512 vectors fit. */
export function chosenSearcher(
  { searcher }: Pick<SearchConfig, 'searcher'>,
  { space, limits }: Pick<Problem, 'space' | 'limits'>,
): 'exhaustive' | 'evolution' | 'random' {
  if (searcher !== 'auto') return searcher;
  return countFeasible(space, limits, exhaustiveUpTo + 1) <= exhaustiveUpTo ? 'exhaustive' : 'evolution';
}

export async function runSearch(problem: Problem, config: SearchConfig): Promise<Outcome> {
  switch (chosenSearcher(config, problem)) {
    case 'exhaustive':
      return exhaustiveSearch(problem);
    case 'random':
      return randomSearch(problem, config);
    case 'evolution': {
      const { weights, ratio, ...options } = config.evolution;
      return evolutionSearch(problem, {
        ...options,
        weights: (choices) => widthWeights(weights, ratio, choices),
      });
    }
  }
}
