import { statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { sampleSheet } from '../data/sheet.ts';
import { hasTruth } from '../data/source.ts';
import type { Graph } from '../graph/graph.ts';
import { measureLatency } from '../metrics/profile/latency.ts';
import { countMacs, countParameters, inputSymbols } from '../ops/cost.ts';
import { GanletError } from '../util/errors.ts';
import { sha256Json, stableJson } from '../util/hash.ts';
import { type Card, describeModel, readCard, writeCard } from './card.ts';
import type { RunContext } from './context.ts';
import { type MeasuredModel, type MetricsFile, readMetrics, writeMetrics } from './measure/metrics-file.ts';
import { measureNetworks } from './measure/networks.ts';
import { measurePictures } from './measure/pictures.ts';
import { measureVariety } from './measure/variety.ts';
import { markStageDone, stageIsDone } from './run-directory.ts';
import { findModels, openGenerator, type RunModel } from './run-models.ts';

/**
 * Measures every generator of a run on a split of the data (see `measurePictures`): distance from the truth, where the
 * data has one, and from the teacher, multiply-adds, parameters, size, and time for one picture. Writes `metrics.json` and `comparison.png`, and the
 * measurements into the card of each model. Throws DATA_SPLIT_EMPTY, MODEL_MISSING, MODEL_MISMATCH, PICTURE_INVALID.
 */
export async function evaluate(context: RunContext): Promise<void> {
  const { recipe, out, log } = context;
  const { split } = recipe.evaluate;
  const models = await findModels(context);
  const source = await context.source();
  const { size, counts } = source;
  if (counts[split] === 0) {
    const has = Object.entries(counts).flatMap(([name, n]) => (n > 0 ? [`${name} (${n})`] : []));
    const found = has.join(', ') || 'nothing';
    throw new GanletError(
      'DATA_SPLIT_EMPTY',
      `the ${split} split must hold pictures to measure on, found ${found}`,
      {
        hint: 'add pictures to it, or choose another with evaluate.split',
      },
    );
  }
  const backend = { ...context.backend.description, cpu: cpus()[0]?.model.trim() || 'unknown' };
  const networks = await measureNetworks(context);
  const inputs = sha256Json({
    networks: Object.values(networks).map(({ sha256 }) => sha256),
    models: models.map(({ role, sha256 }) => ({ role, sha256 })),
    data: source.hash,
    evaluate: recipe.evaluate,
    backend,
  });
  if (await stageIsDone(out, 'evaluate', inputs)) {
    await updateCards(context, readMetrics(out));
    log.info('evaluate: done before, nothing changed');
    return;
  }
  const opened = models.map((model) => ({ ...model, graph: openGenerator(model, source) }));
  const costs = [];
  // Timed before the pictures are made, with nothing else loaded.
  for (const model of opened) costs.push(await costOf(context, model, size));
  const { distances, columns, features, segmentation } = await measurePictures(
    context,
    source,
    opened,
    networks,
  );
  const varieties = await measureVariety(context, source, opened, networks);
  const metrics: MetricsFile = {
    models: costs.map((cost, i) => {
      const variety = varieties[i];
      return { ...cost, ...distances[i]!, ...(variety && { variety }), samples: counts[split] };
    }),
    split,
    count: counts[split],
    size,
    data: { source: source.name, hash: source.hash },
    ...(!hasTruth(source, split) && { paired: false }),
    sheet: columns.map(({ title }) => title),
    ...(segmentation && { segmentation }),
    ...(features && { features }),
    backend,
  };
  await sampleSheet(columns, size, join(out, 'comparison.png'));
  await writeMetrics(out, metrics);
  await updateCards(context, metrics);
  await markStageDone(out, 'evaluate', inputs, ['metrics.json', 'comparison.png']);
  for (const model of metrics.models) log.info(`evaluate: ${summaryLine(model)}`);
}

async function costOf({ backend }: RunContext, model: RunModel & { graph: Graph }, size: number) {
  const { role, path, file, sha256, graph } = model;
  const symbols = inputSymbols(graph, { size });
  const macs = countMacs(graph, symbols);
  const { median, p5, p95 } = await measureLatency(graph, backend, { symbols });
  return {
    role,
    file,
    sha256,
    params: countParameters(graph),
    macs: { true: macs.true, paper: macs.paper },
    bytes: statSync(path).size,
    latencyMs: median,
    latencySpreadMs: [p5, p95] as [number, number],
  };
}

/**
 * Puts the measurements into the cards beside the run's own models. `metrics.json` is where they are kept: a card that was
 * written anew by another stage gets them back.
 */
async function updateCards(
  context: RunContext,
  { models, split, count, backend }: MetricsFile,
): Promise<void> {
  for (const { role, file, sha256, latencyMs, latencySpreadMs, ...measured } of models) {
    if (file !== `${role}.onnx`) continue;
    const path = join(context.out, file);
    const before = readCard(path);
    const card = before?.sha256 === sha256 ? before : await newCard(context, role, path);
    const { truth, teacher, distributions, variety, segmentation } = measured;
    const metrics = {
      ...{ split, count, truth, ...(teacher && { teacher }), ...(distributions && { distributions }) },
      ...(variety && { variety }),
      ...(segmentation && { segmentation }),
      ...{ latencyMs, latencySpreadMs, backend },
    };
    if (stableJson(card.metrics) !== stableJson(metrics)) await writeCard(path, { ...card, metrics });
  }
}

async function newCard(context: RunContext, role: Card['role'], path: string): Promise<Card> {
  const network = openGenerator({ path }, await context.source());
  return { ...(await describeModel(context, network, path)), role };
}

function summaryLine({
  role,
  latencyMs,
  truth,
  teacher,
  segmentation,
  distributions = [],
}: MeasuredModel): string {
  const { l1, psnr, ssim, lpips } = truth;
  const frechet = distributions.find(({ metric }) => metric === 'frechet');
  const decibels = psnr?.mean ?? Number.POSITIVE_INFINITY;
  return [
    role.padEnd(7),
    l1 && `L1 ${l1.mean?.toFixed(2)}`,
    !l1 && teacher?.l1 && `L1 to teacher ${teacher.l1.mean?.toFixed(2)}`,
    psnr && `PSNR ${Number.isFinite(decibels) ? decibels.toFixed(2) : '∞'} dB`,
    ssim && `SSIM ${ssim.mean?.toFixed(4)}`,
    lpips && `${lpips.label} ${lpips.mean?.toFixed(4)}`,
    segmentation?.miou !== undefined && `mIoU ${segmentation.miou.toFixed(3)}`,
    frechet && `${frechet.label} ${frechet.value.toPrecision(4)}`,
    `${latencyMs.toPrecision(3)} ms`,
  ]
    .filter(Boolean)
    .join('  ');
}
