import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { channelGroups } from '../../compress/groups.ts';
import {
  channelsAt,
  formatWidths,
  parseWidths,
  spaceSize,
  type WidthSpace,
  type WidthVector,
} from '../../compress/width-space.ts';
import { encodeOnnx } from '../../graph/onnx.ts';
import { countMacs, inputSymbols } from '../../ops/cost.ts';
import type { SearchConfig } from '../../recipe/schema.ts';
import { checkReachable, formatCost, limitsOf, needFeasible } from '../../search/budget.ts';
import { type CostModel, costModel } from '../../search/cost.ts';
import { pointOf } from '../../search/evolution.ts';
import { countFeasible } from '../../search/feasible.ts';
import { predictLatency } from '../../search/latency.ts';
import { paretoFront } from '../../search/pareto.ts';
import type { Limit, Problem, Scored } from '../../search/problem.ts';
import { chosenSearcher, runSearch } from '../../search/run-search.ts';
import { changedSettings, flatSettings, type Settings, sinceThen } from '../../train/changed-settings.ts';
import { writeFileAtomic, writeJsonAtomic } from '../../util/atomic.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';
import { formatCount } from '../../util/format.ts';
import { sha256File, sha256Json } from '../../util/hash.ts';
import type { RunContext } from '../context.ts';
import { comparesTeacher } from '../measure/score-pictures.ts';
import { markStageDone, stageIsDone } from '../run-directory.ts';
import { cutSupernet, loadSupernet, type Supernet, supernetFile } from '../supernet/file.ts';
import { loadTeacher, type Teacher } from '../teacher.ts';
import { recalibrated } from '../train/recalibrated.ts';
import { type Evaluating, openEvaluation } from './evaluate.ts';
import { searchLatency } from './latency.ts';
import { searchMetric, searchPictures } from './metric.ts';
import { type SearchResult, summaryOf, writeResult } from './result.ts';
import { searchScorer } from './score.ts';

/** A cost a search can have as an objective, or report. */
type Costs = Readonly<Record<'macs' | 'params' | 'memory' | 'latency', (vector: WidthVector) => number>>;

/**
 * Chooses the widths of the student: vectors within the budget are cut out of the supernet and scored on training pictures it
 * has never seen, the best once more on others. Leaves `search/result.json`, the network with them (`network.onnx`), and each score in `search/search.jsonl`, from which
 * an interrupted search goes on. A vector given by hand is only scored. Throws BUDGET_UNREACHABLE, RUN_MISMATCH when the recipe
 * of an earlier search here was another, and what scoring throws.
 */
export async function search(context: RunContext): Promise<void> {
  const { recipe, out, log } = context;
  const config = recipe.search;
  if (!recipe.supernet || !config) return;
  const supernet = loadSupernet(context);
  const { graph, space, architecture } = supernet;
  const sha256 = await sha256File(supernetFile(context));
  const teacher = await loadTeacher(context);
  const source = await context.source();
  const pictures = searchPictures(recipe, source);
  const metric = await searchMetric(context, pictures.search.length);
  const compared = {
    data: source.hash,
    ...(comparesTeacher(metric.kind, source, 'train') && { teacher: teacher.sha256 }),
  };
  const symbols = inputSymbols(graph, { size: source.size });
  const teacherMacs = countMacs(teacher.graph, inputSymbols(teacher.graph, { size: source.size })).true;
  const { workers: _, ...lasting } = config;
  const settings: Settings = {
    seed: recipe.seed,
    'the supernet': sha256,
    'the set of pictures': source.hash,
    'the teacher': teacher.sha256,
    ...flatSettings('search', lasting),
    'the metric': metric.kind,
    'the network of the metric': metric.network,
  };
  const inputs = sha256Json(settings);
  if (await stageIsDone(out, 'search', inputs)) {
    log.info('search: done before, nothing changed');
    return;
  }

  const groups = channelGroups(graph);
  const costs = costModel(graph, groups, space, symbols);
  const setup = {
    recipe,
    out,
    supernet: supernetFile(context),
    teacher: teacher.file,
    space,
    architecture,
    metric,
    pictures,
  };
  const known = { costs, teacherMacs };
  if (config.widths !== undefined) {
    const vector = parseWidths(space, config.widths);
    const score = searchScorer(context, setup);
    const first = await score({ vector, part: 'search' });
    const second = await score({ vector, part: 'finalists' });
    const quality = { search: first.quality, finalists: second.quality };
    await finish(context, inputs, supernet, teacher, {
      ...describe(space, costs, vector),
      metric: first.metric,
      quality,
      pictures: { search: pictures.search.length, finalists: pictures.finalists.length },
      searcher: 'given',
      evaluations: 0,
      generations: 0,
      finalists: [],
    });
    return;
  }

  checkReachable(limitsOf(config.budget ?? {}, known), space);
  await needSameSearch(out, settings);
  const table = needsLatency(config) ? await searchLatency(context, graph, groups, space) : undefined;
  const latency = table && ((vector: WidthVector) => predictLatency(table, vector));
  const limits = limitsOf(config.budget ?? {}, { ...known, latency });
  checkReachable(limits, space);
  needFeasible(limits, space, countFeasible(space, limits, 1));
  const evaluating = openEvaluation(context, { setup, costs, latency, supernet: sha256, compared });
  try {
    const all: Costs = {
      macs: costs.macs,
      params: costs.params,
      memory: costs.activationBytes,
      latency: latency ?? (() => 0),
    };
    const result = await searched(context, { space, limits, costs: all, model: costs, evaluating, config });
    await finish(context, inputs, supernet, teacher, {
      ...result,
      ...(latency && { latencyMs: latency(parseWidths(space, result.vector)) }),
      pictures: { search: pictures.search.length, finalists: pictures.finalists.length },
    });
  } finally {
    await evaluating.close();
  }
}

interface Searching {
  space: WidthSpace;
  limits: readonly Limit[];
  costs: Costs;
  model: CostModel;
  evaluating: Evaluating;
  config: SearchConfig;
}

async function searched(
  { recipe, log }: RunContext,
  { space, limits, costs, model, evaluating, config }: Searching,
): Promise<Omit<SearchResult, 'pictures'>> {
  const named = config.objectives.filter((name) => name !== 'quality');
  const problem: Problem = {
    space,
    limits,
    seed: recipe.seed,
    objectives: named.map((name) => costs[name]),
    evaluate: (vectors, generation) => evaluating.evaluate(vectors, 'search', generation),
    onGeneration: (generation, { vector, quality }) =>
      log.debug(`search: best after generation ${generation + 1}: ${formatWidths(vector)} at ${quality}`),
  };
  const searcher = chosenSearcher(config, problem);
  const allowed = limits.map(({ name, most }) => `${name} at most ${formatCost(name, most)}`).join(', ');
  log.info(
    `search: ${searcher} over ${formatCount(spaceSize(space))} width vectors${allowed && `, ${allowed}`}`,
  );
  if (searcher === 'exhaustive') warnOfMany(log, countFeasible(space, limits, many + 1));
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
      macs: costs.macs(vector),
      quality: { search: quality, finalists: again[i]! },
    }))
    .sort((a, b) => a.quality.finalists - b.quality.finalists);
  const chosen = finalists[0]!;
  return {
    ...describe(space, model, parseWidths(space, chosen.vector)),
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

/** Vectors that take hours. */
const many = 20_000;

function warnOfMany(log: RunContext['log'], count: number): void {
  if (count > many)
    log.warn(
      `more than ${many} vectors are within the budget: evolution finds a good one with some hundreds`,
    );
}

function frontOf(problem: Problem, scored: readonly Scored[], names: readonly string[]) {
  const points = scored.map((each) => pointOf(problem, each));
  return paretoFront(points).map((i) => ({
    vector: formatWidths(scored[i]!.vector),
    ...Object.fromEntries(['quality', ...names].map((name, axis) => [name, points[i]![axis]!])),
  }));
}

function describe(space: WidthSpace, costs: CostModel, vector: WidthVector) {
  const { macs, params, activationBytes } = costs.at(vector);
  return {
    vector: formatWidths(vector),
    widths: Object.fromEntries(channelsAt(space, vector)),
    macs: macs.true,
    params,
    activationBytes,
  };
}

async function finish(
  context: RunContext,
  inputs: string,
  supernet: Supernet,
  teacher: Teacher,
  result: SearchResult,
): Promise<void> {
  const { out, log, recipe } = context;
  const { graph, architecture } = cutSupernet(supernet, parseWidths(supernet.space, result.vector));
  const network = await recalibrated(context, graph);
  await writeFileAtomic(join(out, 'search', 'network.onnx'), encodeOnnx(network));
  await writeJsonAtomic(join(out, 'search', 'network.json'), {
    architecture,
    training: recipe.supernet,
    teacher: { sha256: teacher.sha256, macs: teacher.card?.macs?.true },
    search: summaryOf(result),
  });
  await writeResult(out, result);
  const files = ['result.json', 'network.onnx', 'network.json'].map((name) => `search/${name}`);
  await markStageDone(out, 'search', inputs, files);
  const { vector, macs, metric, quality, evaluations } = result;
  const tried = evaluations > 0 ? ` of ${evaluations} that were tried` : '';
  log.info(
    `search: ${vector}${tried}, ${formatCount(macs)} MACs, ${metric} ${quality.search.toPrecision(4)}, on other pictures ${quality.finalists.toPrecision(4)}`,
  );
}

function needsLatency({ budget, objectives }: SearchConfig): boolean {
  return budget?.latency !== undefined || objectives.includes('latency');
}

/**
 * Notes what a search depends on when it begins. Throws RUN_MISMATCH, naming what changed, where scores of a search with other
 * settings are kept.
 */
async function needSameSearch(out: string, settings: Settings): Promise<void> {
  const directory = join(out, 'search');
  const path = join(directory, 'settings.json');
  if (exists(join(directory, 'search.jsonl'))) {
    const changes = changedSettings(readSettings(path), JSON.parse(JSON.stringify(settings)) as Settings);
    if (changes.length === 0) return;
    throw new GanletError(
      'RUN_MISMATCH',
      `the scores in ${directory} must come from the same settings, ${sinceThen(changes)}`,
      { hint: `change that back, give another --out, or delete ${directory} to search again` },
    );
  }
  await writeJsonAtomic(path, settings);
}

function readSettings(path: string): Settings {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Settings;
  } catch {
    return {};
  }
}
