import type { Source, Split } from '../../data/source.ts';
import {
  type DistributionScore,
  distributionMeter,
  inceptionScoreOf,
  scoreWarnings,
} from '../../metrics/distributions.ts';
import { cachedFeatures, type FeatureSource, keepFeatures } from '../../metrics/feature-cache.ts';
import { type FeatureStore, featureStore } from '../../metrics/feature-store.ts';
import type { Features } from '../../metrics/features.ts';
import { inceptionScoreSum, type ScoreSum } from '../../metrics/inception-score.ts';
import type { Levels } from '../../metrics/levels.ts';
import { type DistributionMetric, distributionMetrics } from '../../metrics/metric-names.ts';
import { type FeatureExtractor, openFeatures } from '../../metrics/networks/extract.ts';
import type { FeatureNetwork } from '../../metrics/networks/network.ts';
import { preprocessingFingerprint } from '../../metrics/preprocessing.ts';
import { pairedFrechet } from '../../metrics/resampling.ts';
import { GanletError } from '../../util/errors.ts';
import { sha256Json } from '../../util/hash.ts';
import type { RunContext } from '../context.ts';
import type { MeasuredDistribution, MetricsFile, Role } from './metrics-file.ts';

/** Measures the pictures of a run's networks as sets, while they are made one by one. */
export interface SetMeasuring {
  /** Adds a picture of the truth, or of the network of that role. */
  add(whose: Role | 'truth', picture: Levels): Promise<void>;
  /** Whether the truth's pictures are known already: then none have to be added. */
  readonly knowsTruth: boolean;
  /** After all pictures: the scores of each role, and what was used for them. */
  results(): Promise<{
    scores: Map<Role, MeasuredDistribution[]>;
    features: NonNullable<MetricsFile['features']>;
  }>;
  dispose(): Promise<void>;
}

/** Those of `metrics` that compare sets by features. */
export function setMetrics(metrics: readonly string[]): DistributionMetric[] {
  return distributionMetrics.filter((name) => metrics.includes(name));
}

/** Pictures whose features are being collected. */
interface Collected {
  store: FeatureStore;
  waiting: Levels[];
  classes: ScoreSum | undefined;
}

/** Fréchet distances of a resample beyond this size take so long that the interval is left out. */
const resampledDimensions = 400;

/**
 * Opens the feature network of a recipe's `evaluate.features` for the metrics that need one. The truth's features are kept in the
 * cache folder by the hash of the data. Throws TOO_FEW_PICTURES for a split of too few.
 */
export async function measureSets(
  { recipe, backend, log }: RunContext,
  source: Source,
  network: FeatureNetwork,
): Promise<SetMeasuring> {
  const metrics = setMetrics(recipe.evaluate.metrics);
  const { split } = recipe.evaluate;
  const count = source.counts[split];
  needPossible(metrics, split, Math.min(count, (source.unpaired ?? source).counts[split]));
  const provider = recipe.provider;
  const extractor = await openFeatures(network, { provider, threads: backend.description.threads });
  const { preprocessing } = extractor;
  const { dimension } = network.output;
  const content = sha256Json([source.hash, split]);
  const kept: FeatureSource = { content, preprocessing, provider, dimension };
  const cached = await cachedFeatures(kept);
  const collected = new Map<Role | 'truth', Collected>();
  const collect = (whose: Role | 'truth') => {
    const classes =
      metrics.includes('is') && whose !== 'truth'
        ? inceptionScoreSum(count, network.logits!.classes, splitsOf(count))
        : undefined;
    const made = { store: featureStore(dimension), waiting: [], classes };
    collected.set(whose, made);
    return made;
  };
  const truth = async (): Promise<Features> => {
    if (cached) return cached;
    const found = await finished(collected.get('truth')!, extractor);
    await keepFeatures(kept, found).catch((error) => {
      log.warn(`the features of the true pictures are not kept for the next time: ${error.message}`);
    });
    return found;
  };
  return {
    knowsTruth: !!cached,
    async add(whose, picture) {
      if (whose === 'truth' && cached) return;
      const to = collected.get(whose) ?? collect(whose);
      to.waiting.push(picture);
      if (to.waiting.length >= extractor.batch) await flush(to, extractor);
    },
    async results() {
      const real = await truth();
      const meter = distributionMeter(network, metrics, { features: real, moments: null });
      const scores = new Map<Role, MeasuredDistribution[]>();
      const warnings: string[] = [];
      const teacher = collected.get('teacher');
      const teachers = teacher && (await finished(teacher, extractor));
      for (const [whose, each] of collected) {
        if (whose === 'truth') continue;
        const made = await finished(each, extractor);
        const found: DistributionScore[] = await meter.measure(made);
        if (each.classes) found.push(inceptionScoreOf(network, each.classes.result()));
        warnings.push(...scoreWarnings(found));
        const measured: MeasuredDistribution[] = found;
        if (teachers && whose !== 'teacher') await addInterval(measured, real, teachers, made);
        scores.set(whose, measured);
      }
      for (const warning of new Set(warnings)) log.warn(warning);
      const features = {
        feature: network.feature,
        network: network.sha256,
        preprocessing: preprocessingFingerprint(preprocessing),
      };
      return { scores, features };
    },
    async dispose() {
      await cached?.[Symbol.asyncDispose]();
      for (const { store } of collected.values()) await store.dispose();
      await extractor.dispose();
    },
  };
}

async function flush(to: Collected, extractor: FeatureExtractor): Promise<void> {
  if (to.waiting.length === 0) return;
  const { features, logits } = await extractor.extract(to.waiting);
  to.waiting = [];
  await to.store.add(features);
  if (logits) to.classes?.add(logits);
}

async function finished(collected: Collected, extractor: FeatureExtractor): Promise<Features> {
  await flush(collected, extractor);
  return collected.store.features();
}

/** Beside a Fréchet distance: by how much it exceeds the teacher's, and how sure that is. */
async function addInterval(
  scores: MeasuredDistribution[],
  real: Features,
  teacher: Features,
  made: Features,
): Promise<void> {
  const frechet = scores.find(({ metric }) => metric === 'frechet');
  if (!frechet || Math.min(made.count, made.dimension) > resampledDimensions) return;
  const { value, low, high, level } = await pairedFrechet(real, teacher, made);
  frechet.overTeacher = { value, low, high, level };
}

/** Ten splits as published, fewer where a split would hold less than ten pictures. */
function splitsOf(count: number): { splits: number } {
  return { splits: Math.max(1, Math.min(10, Math.floor(count / 10))) };
}

function needPossible(metrics: readonly DistributionMetric[], split: Split, count: number): void {
  const least = metrics.includes('dc') ? 6 : metrics.includes('pr') ? 4 : 2;
  if (count < least) {
    throw new GanletError(
      'TOO_FEW_PICTURES',
      `${metrics.join(', ')} need at least ${least} pictures, the ${split} split has ${count}`,
      { hint: 'add pictures, choose another split, or leave these out of evaluate.metrics' },
    );
  }
}
