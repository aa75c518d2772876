import { randomState } from '../util/mt19937.ts';
import { type Features, needComparable, selected } from './features.ts';
import { neighbourRadii, squaredDistances } from './neighbours.ts';

/** How far two samples cover each other; all but `density` are shares in 0..1. */
export interface ManifoldScores {
  /** Share of made pictures within the neighbourhood of some real one: how many look real. */
  precision: number;
  /** Share of real pictures within the neighbourhood of some made one: how much of reality is reached. */
  recall: number;
  /** 2PR/max(1e-5, P + R). */
  fScore: number;
  /** Mean number of real neighbourhoods a made picture lies in, over k; 1 for equal distributions, and it may exceed 1. */
  density: number;
  /** Share of real pictures with a made one in their neighbourhood. */
  coverage: number;
  /** What `coverage` is expected to be for two samples of one distribution, of these counts. */
  expectedCoverage: number;
  /** Neighbour that bounds a neighbourhood, for precision and recall and for density and coverage. */
  k: number;
  kDensity: number;
  countReal: number;
  countFake: number;
  dimension: number;
}

/**
 * Improved precision and recall (Kynkäänniemi et al. 2019; borders count as inside) with k = 3, and density and coverage (Naeem
 * et al. 2020; borders count as outside) with kDensity = 5. A neighbourhood is the ball round a picture that reaches to its k-th
 * nearest of the same set. Distances are read block by block in float64: memory does not grow with the counts but for k numbers
 * a picture. None of the numbers is 1 for equal distributions but density: show those of two halves of the real pictures
 * beside them. Throws FEATURES_MISMATCH, and TOO_FEW_PICTURES for not more than k pictures.
 */
export async function manifoldScores(
  real: Features,
  fake: Features,
  { k = 3, kDensity = 5 }: { k?: number; kDensity?: number } = {},
): Promise<ManifoldScores> {
  if (!(k >= 1 && kDensity >= 1)) throw new RangeError(`k must be 1 or more, got ${k} and ${kDensity}`);
  needComparable(real, fake, Math.max(k, kDensity) + 1);
  const [radiiReal, densityRadii] = (await neighbourRadii(real, [k, kDensity])) as [
    Float64Array,
    Float64Array,
  ];
  const [radiiFake] = (await neighbourRadii(fake, [k])) as [Float64Array];
  const reached = new Uint8Array(real.count);
  const covered = new Uint8Array(real.count);
  const precise = new Uint8Array(fake.count);
  let inside = 0;
  for await (const block of squaredDistances(real, fake)) {
    for (let i = 0; i < block.rows; i++) {
      const a = block.firstRow + i;
      const [radius, densityRadius] = [radiiReal[a]!, densityRadii[a]!];
      for (let j = 0; j < block.columns; j++) {
        const distance = block.squared[i * block.columns + j]!;
        const b = block.firstColumn + j;
        if (distance <= radius) precise[b] = 1;
        if (distance <= radiiFake[b]!) reached[a] = 1;
        if (distance < densityRadius) {
          inside++;
          covered[a] = 1;
        }
      }
    }
  }
  const share = (marks: Uint8Array) => marks.reduce((sum, mark) => sum + mark, 0) / marks.length;
  const [precision, recall] = [share(precise), share(reached)];
  return {
    precision,
    recall,
    fScore: (2 * precision * recall) / Math.max(1e-5, precision + recall),
    density: inside / (kDensity * fake.count),
    coverage: share(covered),
    expectedCoverage: expectedCoverage(real.count, fake.count, kDensity),
    k,
    kDensity,
    countReal: real.count,
    countFake: fake.count,
    dimension: real.dimension,
  };
}

/** 1 − Π_{j=1..k} (N − j)/(N + M − j): coverage of N real pictures by M others of the same distribution (Naeem et al. 2020). */
export function expectedCoverage(countReal: number, countFake: number, k: number): number {
  let uncovered = 1;
  for (let j = 1; j <= k; j++) uncovered *= (countReal - j) / (countReal + countFake - j);
  return 1 - uncovered;
}

/**
 * Both sets cut to the size of the smaller one, by numpy's choice for `seed`: unequal counts favour precision or recall. A set
 * that has that size comes back as it is.
 */
export async function equalised(real: Features, fake: Features, seed = 2020): Promise<[Features, Features]> {
  const count = Math.min(real.count, fake.count);
  const cut = async (set: Features) =>
    set.count === count ? set : selected(set, randomState(seed).choice(set.count, count).sort());
  return [await cut(real), await cut(fake)];
}

/**
 * Realism of each made picture (Kynkäänniemi et al. 2019, §5): the largest ratio of a real picture's radius to the distance to
 * it, over the real pictures whose radius is below the median, so that outliers with huge neighbourhoods do not count; 1 and more is
 * inside. Infinity for an exact copy of a real picture. Throws as `manifoldScores`.
 */
export async function realism(real: Features, fake: Features, k = 3): Promise<Float64Array> {
  needComparable(real, fake, 1);
  needComparable(real, real, k + 1);
  const [radii] = (await neighbourRadii(real, [k])) as [Float64Array];
  const sorted = radii.slice().sort();
  const half = sorted.length / 2;
  const median = (Math.sqrt(sorted[Math.ceil(half) - 1]!) + Math.sqrt(sorted[Math.floor(half)]!)) / 2;
  const best = new Float64Array(fake.count);
  for await (const block of squaredDistances(real, fake)) {
    for (let i = 0; i < block.rows; i++) {
      const radius = radii[block.firstRow + i]!;
      if (Math.sqrt(radius) >= median) continue;
      for (let j = 0; j < block.columns; j++) {
        const distance = block.squared[i * block.columns + j]!;
        const ratio = distance === 0 ? Number.POSITIVE_INFINITY : radius / distance;
        const b = block.firstColumn + j;
        best[b] = Math.max(best[b]!, ratio);
      }
    }
  }
  return best.map(Math.sqrt);
}
