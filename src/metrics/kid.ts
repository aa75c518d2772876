import { randomState } from '../util/mt19937.ts';
import { type Matrix, product } from './algebra/matrix.ts';
import { blocks, type Features, gather, needComparable } from './features.ts';

/** The kernel (γ·x·y + c)^degree. */
export interface Kernel {
  /** Default 3. */
  degree?: number;
  /** γ, default 1/dimension. */
  gamma?: number;
  /** c, default 1. */
  coef0?: number;
}

/** Kernel distance (KID with Inception features, KD-… with others), over subsets. */
export interface KernelDistance {
  /** Mean over the subsets; unbiased at any count, so it can be slightly negative. */
  value: number;
  /** Standard deviation over the subsets, which overlap: no standard error of `value`. */
  sd: number;
  values: Float64Array;
  subsets: number;
  subsetSize: number;
  seed: number;
  countReal: number;
  countFake: number;
  dimension: number;
  warnings: string[];
}

/**
 * Kernel Inception Distance (Bińkowski et al. 2018): the unbiased squared maximum mean discrepancy with a cubic kernel, averaged
 * over random subsets. Subsets are drawn like torch-fidelity does, made pictures first, from numpy's generator, so with its
 * seed 2020 and defaults (100 subsets of 1000) the numbers agree. A subset never exceeds the smaller sample, and a warning
 * says so. Throws FEATURES_MISMATCH, TOO_FEW_PICTURES.
 */
export async function kid(
  real: Features,
  fake: Features,
  {
    subsets = 100,
    subsetSize = 1000,
    seed = 2020,
    ...kernel
  }: Kernel & { subsets?: number; subsetSize?: number; seed?: number } = {},
): Promise<KernelDistance> {
  needComparable(real, fake, 2);
  if (!(subsets >= 1) || !(subsetSize >= 2)) {
    throw new RangeError(`KID needs at least 1 subset of at least 2, got ${subsets} of ${subsetSize}`);
  }
  const size = Math.min(subsetSize, real.count, fake.count);
  const random = randomState(seed);
  const values = new Float64Array(subsets);
  for (let s = 0; s < subsets; s++) {
    const x = await gather(fake, random.choice(fake.count, size));
    const y = await gather(real, random.choice(real.count, size));
    const between = (await kernelSums(x, y, kernel)).all;
    const [within, withinReal] = [await kernelSums(x, x, kernel), await kernelSums(y, y, kernel)];
    const offDiagonal = within.all - within.diagonal + (withinReal.all - withinReal.diagonal);
    values[s] = offDiagonal / (size * (size - 1)) - (2 * between) / (size * size);
  }
  const value = values.reduce((sum, v) => sum + v, 0) / subsets;
  const variance = values.reduce((sum, v) => sum + (v - value) ** 2, 0) / subsets;
  return {
    value,
    sd: Math.sqrt(variance),
    values,
    subsets,
    subsetSize: size,
    seed,
    countReal: real.count,
    countFake: fake.count,
    dimension: real.dimension,
    warnings:
      size < subsetSize ? [`subsets hold ${size} pictures instead of ${subsetSize}: there are no more`] : [],
  };
}

/**
 * The same discrepancy of all pictures at once: nothing is drawn, so there is no seed and no spread. `unbiased` false keeps the
 * diagonals (0 for a set against itself, but positive for two samples of one distribution). Memory does not grow with the
 * counts; time does with their product. Throws FEATURES_MISMATCH, TOO_FEW_PICTURES.
 */
export async function kernelDiscrepancy(
  real: Features,
  fake: Features,
  { unbiased = true, ...kernel }: Kernel & { unbiased?: boolean } = {},
): Promise<number> {
  needComparable(real, fake, 2);
  const within = async (set: Features) => {
    const { all, diagonal } = await streamedSums(set, set, kernel);
    return unbiased ? (all - diagonal) / (set.count * (set.count - 1)) : all / set.count ** 2;
  };
  const between = await streamedSums(real, fake, kernel);
  return (await within(real)) + (await within(fake)) - (2 * between.all) / (real.count * fake.count);
}

interface KernelSums {
  all: number;
  /** Of the elements (i, i), for a set against itself. */
  diagonal: number;
}

const blockRows = 1024;

async function streamedSums(a: Features, b: Features, kernel: Kernel): Promise<KernelSums> {
  const sums = { all: 0, diagonal: 0 };
  for await (const x of blocks(a, blockRows)) {
    for await (const y of blocks(b, blockRows)) {
      const { all, diagonal } = await kernelSums(x, y, kernel);
      sums.all += all;
      if (x.first === y.first) sums.diagonal += diagonal;
    }
  }
  return sums;
}

async function kernelSums(
  x: Matrix,
  y: Matrix,
  { degree = 3, gamma, coef0 = 1 }: Kernel,
): Promise<KernelSums> {
  const { data } = await product(x, y, 'right');
  const factor = gamma ?? 1 / x.columns;
  const step = y.rows + 1;
  let [all, diagonal] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    const base = factor * data[i]! + coef0;
    const value = degree === 3 ? base * base * base : base ** degree;
    all += value;
    if (i % step === 0) diagonal += value;
  }
  return { all, diagonal };
}
