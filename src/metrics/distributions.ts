import { GanletError } from '../util/errors.ts';
import { type Features, halves } from './features.ts';
import { countWarnings, frechetFromFeatures, frechetFromMoments } from './frechet.ts';
import { frechetInfinite } from './frechet-infinite.ts';
import type { InceptionScore } from './inception-score.ts';
import { type KernelDistance, kid } from './kid.ts';
import { equalised, manifoldScores } from './manifold.ts';
import type { DistributionMetric } from './metric-names.ts';
import { type Moments, momentsOf } from './moments.ts';
import type { FeatureNetwork } from './networks/network.ts';
import { noiseFloor, noiseFloorOfFeatures } from './noise-floor.ts';

/** One number about made pictures as a set, with all that must be said beside it. */
export interface DistributionScore {
  metric: DistributionMetric;
  /** `FID` with the network of that name only, else `FD-emoji-64`, `precision emoji-64`, …: never two networks under one label. */
  label: string;
  /** Network, layer and dimension. */
  feature: string;
  dimension: number;
  value: number;
  /** Of `kid` over its subsets, of `is` over its splits; null where there is none. */
  sd: number | null;
  /** Null for `is`, which knows no real pictures, and for statistics that do not say. */
  countReal: number | null;
  countMade: number;
  /** What a Fréchet distance would be for two samples of one distribution; null where that is not known. */
  floor: number | null;
  /** The same number for two random halves of the real pictures, and how many are in each; null where there are none. */
  realVsReal: { value: number; count: number } | null;
  /** Settings and parts, by name. */
  details: Record<string, number | string | null>;
}

/** The real side: features, or, for a Fréchet distance alone, only their moments. */
export interface RealSide {
  features: Features | null;
  moments: Moments | null;
}

export interface DistributionOptions {
  /** Of subsets and halves, default 2020 as torch-fidelity has it. */
  seed?: number;
  /** Of `kid`: default 100 subsets of 1000. */
  subsets?: number;
  subsetSize?: number;
}

/** Measures made pictures against one real side; what only depends on that is measured once. */
export interface DistributionMeter {
  measure(made: Features): Promise<DistributionScore[]>;
}

/**
 * Scores of made pictures by features of one network. `is` is not among them: it needs class scores (see `inceptionScoreOf`).
 * Throws REAL_PICTURES_NEEDED for a metric that needs features where there are only moments.
 */
export function distributionMeter(
  network: FeatureNetwork,
  metrics: readonly DistributionMetric[],
  real: RealSide,
  options: DistributionOptions = {},
): DistributionMeter {
  const { seed = 2020 } = options;
  for (const metric of metrics) {
    if (metric === 'frechet' || metric === 'is' || real.features) continue;
    throw new GanletError(
      'REAL_PICTURES_NEEDED',
      `${metric} needs the real pictures themselves, got their statistics only`,
      { hint: 'name the folder of real pictures too, or measure fid alone' },
    );
  }
  const baselines = new Map<DistributionMetric, Promise<Map<string, { value: number; count: number }>>>();
  const baseline = async (metric: DistributionMetric, name: string) => {
    const all = real.features;
    if (!all || all.count < 2 * fewest[metric]) return null;
    let found = baselines.get(metric);
    if (!found) {
      found = selfScores(metric, all, { ...options, seed });
      baselines.set(metric, found);
    }
    return (await found).get(name) ?? null;
  };
  const moments = once(async () => real.moments ?? (await momentsOf(real.features!)));
  return {
    async measure(made) {
      const scores: DistributionScore[] = [];
      for (const metric of metrics) {
        if (metric === 'is') continue;
        const parts =
          metric === 'frechet'
            ? [await frechet(real, moments, made)]
            : await fromFeatures(metric, real.features!, made, { ...options, seed });
        for (const {
          name,
          floor = null,
          sd = null,
          countReal = real.features?.count ?? null,
          ...part
        } of parts) {
          scores.push({
            metric,
            label: labelOf(network, metric, name),
            feature: network.feature,
            dimension: network.output.dimension,
            countMade: made.count,
            ...part,
            sd,
            countReal,
            floor,
            realVsReal: await baseline(metric, name),
          });
        }
      }
      return scores;
    },
  };
}

/** Pictures on each side without which a metric says nothing at all. */
const fewest: Record<DistributionMetric, number> = {
  frechet: 2,
  'frechet-inf': Number.POSITIVE_INFINITY,
  kid: 2,
  is: Number.POSITIVE_INFINITY,
  pr: 6,
  dc: 6,
};

/** What a score is called. */
export function labelOf(network: FeatureNetwork, metric: DistributionMetric, name: string): string {
  if (metric === 'frechet') return network.frechet;
  if (metric === 'frechet-inf') return `${network.frechet}∞`;
  if (metric === 'kid') return network.kernel;
  if (metric === 'is') return network.frechet === 'FID' ? 'IS' : `IS-${network.feature}`;
  return `${name} ${network.feature}`;
}

/** A score before it has its label. */
interface Part {
  name: string;
  value: number;
  sd?: number | null;
  countReal?: number | null;
  floor?: number | null;
  details: DistributionScore['details'];
}

async function frechet(real: RealSide, moments: () => Promise<Moments>, made: Features): Promise<Part> {
  const { dimension } = made;
  const { features } = real;
  const few = Math.min(made.count, features?.count ?? 0) <= dimension;
  const exact = !real.moments && features && few;
  const made2 = exact ? null : await momentsOf(made, (await moments()).ddof);
  const distance = exact
    ? await frechetFromFeatures(features, made)
    : await frechetFromMoments(await moments(), made2!);
  const floor = exact ? await noiseFloorOfFeatures(features, made) : noiseFloor(await moments(), made2!);
  const { value, meanTerm, traceReal, traceFake, traceRoot, method, countReal, clamped } = distance;
  return {
    name: 'frechet',
    value,
    countReal,
    floor: floor?.value ?? null,
    details: {
      meanTerm,
      traceReal,
      traceMade: traceFake,
      traceRoot,
      method,
      ddof: exact ? 1 : (await moments()).ddof,
      ...(clamped !== null && { clamped }),
      ...(floor && { debiased: (clamped ?? value) - floor.value }),
    },
  };
}

async function fromFeatures(
  metric: Exclude<DistributionMetric, 'frechet' | 'is'>,
  real: Features,
  made: Features,
  options: DistributionOptions & { seed: number },
): Promise<Part[]> {
  const { seed } = options;
  if (metric === 'kid') return [kernelPart(await kernelDistance(real, made, options))];
  if (metric === 'frechet-inf') {
    const { value, slope, r2, points } = await frechetInfinite(real, made, { seed });
    const sizes = points.map(({ count }) => count);
    const details = { slope, r2, sizes: sizes.length, smallest: sizes[0]!, seed };
    return [{ name: metric, value, details }];
  }
  const [a, b] = await equalised(real, made, seed);
  const found = await manifoldScores(a, b);
  const compared = { compared: a.count, ...(real.count !== made.count && { seed }) };
  if (metric === 'pr') {
    const details = { k: found.k, fScore: found.fScore, ...compared };
    return (['precision', 'recall'] as const).map((name) => ({ name, value: found[name], details }));
  }
  const details = { k: found.kDensity, ...compared };
  return [
    { name: 'density', value: found.density, details },
    {
      name: 'coverage',
      value: found.coverage,
      details: { ...details, expected: found.expectedCoverage },
    },
  ];
}

/** `kid`; where a subset is all pictures of both sides, one is all there is. */
async function kernelDistance(
  real: Features,
  made: Features,
  { seed, subsets = 100, subsetSize = 1000 }: DistributionOptions & { seed: number },
): Promise<KernelDistance> {
  const whole = Math.max(real.count, made.count) <= subsetSize && real.count === made.count;
  return kid(real, made, { seed, subsetSize, subsets: whole ? 1 : subsets });
}

function kernelPart({ value, sd, subsets, subsetSize, seed }: KernelDistance): Part {
  return { name: 'kid', value, sd: subsets > 1 ? sd : null, details: { subsets, subsetSize, seed } };
}

/** A metric of two random halves of the real pictures, by the names of its parts. */
async function selfScores(
  metric: DistributionMetric,
  all: Features,
  options: DistributionOptions & { seed: number },
): Promise<Map<string, { value: number; count: number }>> {
  const [a, b] = halves(all, options.seed);
  const side = { features: a, moments: null };
  const scores =
    metric === 'frechet'
      ? [
          await frechet(
            side,
            once(() => momentsOf(a)),
            b,
          ),
        ]
      : await fromFeatures(metric as 'kid', a, b, options);
  return new Map(scores.map(({ name, value }) => [name, { value, count: a.count }]));
}

/** An Inception Score as a score among others; real pictures have no part in it. */
export function inceptionScoreOf(network: FeatureNetwork, score: InceptionScore): DistributionScore {
  const { value, sd, splits, count, classes, seed } = score;
  return {
    metric: 'is',
    label: labelOf(network, 'is', 'is'),
    feature: network.feature,
    dimension: network.output.dimension,
    value,
    sd: splits > 1 ? sd : null,
    countReal: null,
    countMade: count,
    floor: null,
    realVsReal: null,
    details: { splits, classes, seed },
  };
}

/** What must be said of scores because of the numbers of pictures; one sentence each. */
export function scoreWarnings(scores: readonly DistributionScore[]): string[] {
  const warnings = scores.flatMap(({ metric, label, countReal, countMade, dimension, details }) => {
    if (metric === 'frechet') {
      return countWarnings(countReal, countMade, dimension).map((text) => `${label}: ${text}`);
    }
    if (metric === 'kid' && Number(details.subsetSize) < 1000) {
      return [`${label}: subsets hold ${details.subsetSize} pictures instead of 1000: there are no more`];
    }
    if (metric === 'is' && countMade < 5000) {
      return [`${label}: a score of ${countMade} pictures is too low; 5,000 to 50,000 are usual`];
    }
    return [];
  });
  return [...new Set(warnings)];
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
