import { join } from 'node:path';
import { formatWidths, parseWidths, type WidthVector } from '../../compress/width-space.ts';
import { formatCost, limitsOf } from '../../search/budget.ts';
import type { CostModel } from '../../search/cost.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';
import type { RunContext } from '../context.ts';
import { cutSupernet, type Supernet } from '../supernet/file.ts';
import { quickLatency } from './latency.ts';
import { costOf, readResult, resultFile, type SearchResult } from './result.ts';
import { type SearchSetup, searchScorer } from './score.ts';

export interface GivenWidths {
  supernet: Supernet;
  setup: SearchSetup;
  costs: CostModel;
  teacherMacs: number;
}

/**
 * Scores the vector of `search.widths`; nothing else is tried. One that costs more than `search.budget` is told, not refused.
 * Throws WIDTHS_INVALID, and RUN_MISMATCH where the result of a search would be overwritten.
 */
export async function scoreGiven(context: RunContext, given: GivenWidths): Promise<SearchResult> {
  const { setup, costs } = given;
  needNoSearch(context);
  const vector = parseWidths(setup.space, context.recipe.search!.widths!);
  await warnOfCost(context, given, vector);
  const score = searchScorer(context, setup);
  const first = await score({ vector, part: 'search' });
  const second = await score({ vector, part: 'finalists' });
  const { search, finalists } = setup.pictures;
  return {
    ...costOf(setup.space, costs, vector),
    metric: first.metric,
    quality: { search: first.quality, finalists: second.quality },
    pictures: { search: search.length, finalists: finalists.length },
    searcher: 'given',
    evaluations: 0,
    generations: 0,
    finalists: [],
  };
}

function needNoSearch({ out, loaded }: RunContext): void {
  if (!exists(resultFile(out))) return;
  const { searcher, vector } = readResult({ out, loaded });
  if (searcher === 'given') return;
  throw new GanletError(
    'RUN_MISMATCH',
    `a vector given by hand must not take the place of one that was searched, ${join(out, 'search')} has the result of a search (${searcher}, ${vector})`,
    { hint: `give another --out: a copy of ${out} without its folder search` },
  );
}

async function warnOfCost(
  context: RunContext,
  { supernet, costs, teacherMacs }: GivenWidths,
  vector: WidthVector,
): Promise<void> {
  const { budget } = context.recipe.search!;
  if (!budget) return;
  const time =
    budget.latency === undefined
      ? undefined
      : await quickLatency(context, cutSupernet(supernet, vector).graph);
  const known = { costs, teacherMacs, ...(time !== undefined && { latency: () => time }) };
  for (const { name, most, cost } of limitsOf(budget, known)) {
    const own = cost(vector);
    if (own <= most) continue;
    context.log.warn(
      `${formatWidths(vector)} costs more than search.budget (${name}) allows: ${formatCost(name, own)} instead of ${formatCost(name, most)}`,
    );
  }
}
