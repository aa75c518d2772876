import type { WidthSpace } from '../../compress/width-space.ts';
import { formatWidths, parseWidths, spaceSize, type WidthVector } from '../../compress/width-space.ts';
import type { SearchConfig } from '../../recipe/schema.ts';
import { formatCost } from '../../search/budget.ts';
import type { CostModel } from '../../search/cost.ts';
import { countFeasible } from '../../search/feasible.ts';
import { paretoFront } from '../../search/pareto.ts';
import type { Limit, Problem, Scored } from '../../search/problem.ts';
import { pointOf } from '../../search/problem.ts';
import { chosenSearcher, runSearch } from '../../search/run-search.ts';
import { formatCount } from '../../util/format.ts';
import type { RunContext } from '../context.ts';
import type { Evaluating } from './evaluate.ts';
import { costOf, type SearchResult } from './result.ts';

export interface Searching {
  space: WidthSpace;
  limits: readonly Limit[];
  costs: CostModel;
  /** Milliseconds, where they are asked for. */
  latency?: ((vector: WidthVector) => number) | undefined;
  evaluating: Evaluating;
}

/** Tries vectors within the limits as the recipe says, and the best once more on the finalists' pictures. */
export async function searched(
  { recipe, log }: RunContext,
  { space, limits, costs, latency, evaluating }: Searching,
): Promise<Omit<SearchResult, 'pictures'>> {
  const config = recipe.search!;
  const { macs, params, activationBytes: memory } = costs;
  const objectives = { macs, params, memory, latency: latency ?? (() => 0) };
  const named = config.objectives.filter((name) => name !== 'quality');
  const problem: Problem = {
    space,
    limits,
    seed: recipe.seed,
    objectives: named.map((name) => objectives[name]),
    evaluate: (vectors, generation) => evaluating.evaluate(vectors, 'search', generation),
    onGeneration: (generation, { vector, quality }) =>
      log.debug(`search: best after generation ${generation + 1}: ${formatWidths(vector)} at ${quality}`),
  };
  const searcher = chosenSearcher(config, problem);
  const allowed = limits.map(({ name, most }) => `${name} at most ${formatCost(name, most)}`).join(', ');
  log.info(
    `search: ${searcher} over ${formatCount(spaceSize(space))} width vectors${allowed && `, ${allowed}`}`,
  );
  const { scored, generations, ended } = await runSearch(problem, config);
  const best = scored.slice(0, config.finalists);
  const again = await evaluating.evaluate(
    best.map(({ vector }) => vector),
    'finalists',
    generations,
  );
  const finalists = best
    .map(({ vector, quality }, i) => ({
      vector: formatWidths(vector),
      macs: macs(vector),
      quality: { search: quality, finalists: again[i]! },
    }))
    .sort((a, b) => a.quality.finalists - b.quality.finalists);
  const chosen = finalists[0]!;
  const vector = parseWidths(space, chosen.vector);
  return {
    ...costOf(space, costs, vector),
    ...(latency && { latencyMs: latency(vector) }),
    metric: evaluating.metric(),
    quality: chosen.quality,
    searcher,
    evaluations: evaluating.evaluations(),
    generations,
    ended,
    finalists,
    ...(named.length > 0 && { front: frontOf(problem, scored, named) }),
  };
}

function frontOf(problem: Problem, scored: readonly Scored[], names: readonly string[]) {
  const points = scored.map((each) => pointOf(problem, each));
  return paretoFront(points).map((i) => ({
    vector: formatWidths(scored[i]!.vector),
    ...Object.fromEntries(['quality', ...names].map((name, axis) => [name, points[i]![axis]!])),
  }));
}

/** Vectors that take hours. */
const many = 20_000;

/** Warns of a search that will try more vectors than anybody waits for; told before the networks are trained, too. */
export function warnOfMany(
  log: RunContext['log'],
  { searcher }: Pick<SearchConfig, 'searcher'>,
  space: WidthSpace,
  limits: readonly Limit[],
): void {
  if (searcher === 'exhaustive' && countFeasible(space, limits, many + 1) > many)
    log.warn(
      `search.searcher exhaustive tries all of more than ${many} vectors within the budget: evolution finds a good one with some hundreds`,
    );
}
