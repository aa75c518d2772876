import { symmetricEigenvalues } from './algebra/linalg.ts';
import { product } from './algebra/matrix.ts';
import { type Features, inMemory } from './features.ts';
import type { FrechetDistance } from './frechet.ts';
import { square } from './frechet.ts';
import { centre, type Moments, momentsOf } from './moments.ts';

/** What a Fréchet distance would be if both samples came from one distribution. */
export interface NoiseFloor {
  /** (1/N_real + 1/N_fake)·C. */
  value: number;
  /** C = 1.25·tr Σ + ½·Σ_ij λi·λj/(λi + λj): the floor for one picture in each sample, were the formula valid there. */
  constant: number;
  /** False where a sample has no more pictures than dimensions: there the formula is some 10 to 15 % too high. */
  reliable: boolean;
  countReal: number;
  countFake: number;
}

/**
 * The expected Fréchet distance of two independent samples of one Gaussian with these eigenvalues, to first order in 1/N: the
 * difference of means contributes tr Σ, that of the covariances tr Σ/4 + ½·Σ_ij λi·λj/(λi + λj) in each sample. Within 1–3 % of
 * simulations from N = dimension on.
 */
export function floorConstant(eigenvalues: ArrayLike<number>): number {
  const values = Array.from(eigenvalues).filter((x) => x > 0);
  let trace = 0;
  let pairs = 0;
  for (let i = 0; i < values.length; i++) {
    const a = values[i]!;
    trace += a;
    pairs += a / 2;
    for (let j = 0; j < i; j++) pairs += (2 * a * values[j]!) / (a + values[j]!);
  }
  return 1.25 * trace + pairs / 2;
}

/**
 * The noise floor for two samples, from the eigenvalues of their covariances pooled in proportion to the counts. Null when a
 * count is unknown (foreign statistics files): then there is no telling.
 */
export function noiseFloor(real: Moments, fake: Moments): NoiseFloor | null {
  if (real.count === null || fake.count === null) return null;
  const [a, b] = [real.count - real.ddof, fake.count - fake.ddof];
  const pooled = real.covariance.map((x, i) => (a * x + b * fake.covariance[i]!) / (a + b));
  const constant = floorConstant(symmetricEigenvalues(square(pooled, real.dimension)));
  return {
    value: (1 / real.count + 1 / fake.count) * constant,
    constant,
    reliable: Math.min(real.count, fake.count) > real.dimension,
    countReal: real.count,
    countFake: fake.count,
  };
}

/**
 * The same from features. Of fewer pictures than dimensions in all, the eigenvalues are taken of the small matrix of products
 * between pictures, which has the same ones but for zeros.
 */
export async function noiseFloorOfFeatures(real: Features, fake: Features): Promise<NoiseFloor> {
  const rows = real.count + fake.count;
  if (rows > real.dimension) return noiseFloor(await momentsOf(real), await momentsOf(fake))!;
  const stacked = new Float64Array(rows * real.dimension);
  let at = 0;
  for (const set of [real, fake]) {
    const matrix = await inMemory(set);
    centre(matrix);
    stacked.set(matrix.data, at);
    at += matrix.data.length;
  }
  const matrix = { rows, columns: real.dimension, data: stacked };
  const products = await product(matrix, matrix, 'right');
  const eigenvalues = symmetricEigenvalues(products).map((x) => x / (rows - 2));
  const constant = floorConstant(eigenvalues);
  return {
    value: (1 / real.count + 1 / fake.count) * constant,
    constant,
    reliable: false,
    countReal: real.count,
    countFake: fake.count,
  };
}

/** The distance less its floor: a diagnostic near 0 for equal distributions, and negative half of the time; not an FID. */
export function debiased({ value, clamped }: FrechetDistance, floor: NoiseFloor): number {
  return (clamped ?? value) - floor.value;
}
