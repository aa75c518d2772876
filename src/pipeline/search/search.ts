import { join } from 'node:path';
import { channelGroups } from '../../compress/groups.ts';
import { parseWidths, type WidthVector } from '../../compress/width-space.ts';
import { encodeOnnx } from '../../graph/onnx.ts';
import { latentSize } from '../../models/generator-inputs.ts';
import { countMacs, inputSymbols } from '../../ops/cost.ts';
import type { SearchConfig } from '../../recipe/schema.ts';
import { checkReachable, limitsOf, needFeasible } from '../../search/budget.ts';
import { costModel } from '../../search/cost.ts';
import { countFeasible } from '../../search/feasible.ts';
import { predictLatency } from '../../search/latency.ts';
import { flatSettings, type Settings } from '../../train/changed-settings.ts';
import { writeFileAtomic, writeJsonAtomic } from '../../util/atomic.ts';
import { formatCount } from '../../util/format.ts';
import { sha256File, sha256Json } from '../../util/hash.ts';
import type { RunContext } from '../context.ts';
import { comparesTeacher } from '../measure/score-pictures.ts';
import { markStageDone, stageIsDone } from '../run-directory.ts';
import { cutSupernet, loadSupernet, type Supernet, supernetFile } from '../supernet/file.ts';
import { loadTeacher, type Teacher } from '../teacher.ts';
import { recalibrated } from '../train/recalibrated.ts';
import { openEvaluation } from './evaluate.ts';
import { scoreGiven } from './given-widths.ts';
import { searchLatency } from './latency.ts';
import { searchMetric, searchPictures } from './metric.ts';
import { type SearchResult, summaryOf, writeResult } from './result.ts';
import { searched, warnOfMany } from './searched.ts';
import { needSameSearch } from './settings.ts';

/**
 * Chooses the widths of the student: vectors within the budget are cut out of the supernet and scored on training pictures it
 * has never seen, the best once more on others. Leaves `search/result.json`, the network with them (`network.onnx`), and each score in `search/search.jsonl`, from which
 * an interrupted search goes on. A vector given by hand is only scored. Throws BUDGET_UNREACHABLE, RUN_MISMATCH when the recipe
 * of an earlier search here was another or its result would be lost, and what scoring throws.
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
    ...(comparesTeacher(metric.kind, source, 'train', latentSize(teacher.graph)) && {
      teacher: teacher.sha256,
    }),
  };
  const symbols = inputSymbols(graph, { size: source.size });
  const teacherMacs = countMacs(teacher.graph, inputSymbols(teacher.graph, { size: source.size })).true;
  const { workers: _, features: __, ...kept } = config;
  const settings: Settings = {
    seed: recipe.seed,
    'the supernet': sha256,
    'the set of pictures': source.hash,
    'the teacher': teacher.sha256,
    ...flatSettings('search', kept),
    'search.quality': metric.kind,
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
    const result = await scoreGiven(context, { supernet, setup, ...known });
    await finish(context, inputs, supernet, teacher, result);
    return;
  }

  checkReachable(limitsOf(config.budget ?? {}, known), space);
  await needSameSearch(out, settings);
  const table = needsLatency(config) ? await searchLatency(context, graph, groups, space) : undefined;
  const latency = table && ((vector: WidthVector) => predictLatency(table, vector));
  const limits = limitsOf(config.budget ?? {}, { ...known, latency });
  checkReachable(limits, space);
  needFeasible(limits, space, countFeasible(space, limits, 1));
  warnOfMany(log, config, space, limits);
  const evaluating = openEvaluation(context, { setup, costs, latency, supernet: sha256, compared });
  try {
    const result = await searched(context, { space, limits, costs, latency, evaluating });
    await finish(context, inputs, supernet, teacher, {
      ...result,
      pictures: { search: pictures.search.length, finalists: pictures.finalists.length },
    });
  } finally {
    await evaluating.close();
  }
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
