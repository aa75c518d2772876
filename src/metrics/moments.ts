import { GanletError } from '../util/errors.ts';
import { type Matrix, product } from './algebra/matrix.ts';
import { blocks, type Features } from './features.ts';

/** Mean and covariance of features. */
export interface Moments {
  /** Pictures; null for statistics read from a file that does not say. */
  readonly count: number | null;
  readonly dimension: number;
  readonly mean: Float64Array;
  /** dimension × dimension, row-major. */
  readonly covariance: Float64Array;
  /** The covariance's divisor is count − ddof: 1 in nearly every tool, 0 in StyleGAN2-ADA. */
  readonly ddof: 0 | 1;
}

/** Features are summed up in blocks of this many rows whatever the batches they come in, so results do not depend on those. */
const blockRows = 512;

export interface MomentSum {
  /** Adds rows, row-major. Throws FEATURES_INVALID when they are no whole rows or not finite. */
  add(rows: Float32Array | Float64Array): Promise<void>;
  /** The moments of all rows so far. Throws TOO_FEW_PICTURES for not more than `ddof` of them. */
  moments(ddof?: 0 | 1): Promise<Moments>;
}

/**
 * Mean and covariance in one pass, in float64 and in memory that does not grow with the number of rows. Each block is centred
 * on its own mean before products are taken, then merged (Chan, Golub and LeVeque 1979), which loses nothing to cancellation
 * where a sum of squares minus the square of the mean would.
 */
export function momentSum(dimension: number): MomentSum {
  const pending = new Float64Array(blockRows * dimension);
  let filled = 0;
  let sum: Centred = {
    count: 0,
    mean: new Float64Array(dimension),
    scatter: new Float64Array(dimension ** 2),
  };
  return {
    async add(rows) {
      if (rows.length % dimension !== 0) {
        throw new GanletError(
          'FEATURES_INVALID',
          `features must have ${dimension} numbers a picture, got ${rows.length} numbers`,
        );
      }
      for (let i = 0; i < rows.length; i++) {
        if (!Number.isFinite(rows[i]!)) {
          throw new GanletError('FEATURES_INVALID', `features must be finite numbers, got ${rows[i]}`, {
            hint: 'check the feature network and its preprocessing',
          });
        }
      }
      for (let from = 0; from < rows.length; ) {
        const part = rows.subarray(from, from + pending.length - filled);
        pending.set(part, filled);
        filled += part.length;
        from += part.length;
        if (filled === pending.length) {
          sum = merge(sum, await centred(pending.slice(), dimension));
          filled = 0;
        }
      }
    },
    async moments(ddof = 1) {
      const all = filled > 0 ? merge(copy(sum), await centred(pending.slice(0, filled), dimension)) : sum;
      const { count, mean, scatter } = all;
      if (count <= ddof) {
        throw new GanletError(
          'TOO_FEW_PICTURES',
          `a covariance needs at least ${ddof + 1} pictures, got ${count}`,
          { hint: 'add pictures' },
        );
      }
      const covariance = scatter.map((x) => x / (count - ddof));
      return { count, dimension, mean: mean.slice(), covariance, ddof };
    },
  };
}

/** Mean and covariance of all features. Throws TOO_FEW_PICTURES. */
export async function momentsOf(all: Features, ddof: 0 | 1 = 1): Promise<Moments> {
  const sum = momentSum(all.dimension);
  for await (const block of blocks(all, blockRows)) await sum.add(block.data);
  return sum.moments(ddof);
}

/**
 * The moments of two samples together, as if their rows had been added to one sum (for parts measured by several workers).
 * Throws FEATURES_MISMATCH when dimensions or divisors differ or a count is unknown.
 */
export function mergeMoments(a: Moments, b: Moments): Moments {
  if (a.dimension !== b.dimension || a.ddof !== b.ddof || a.count === null || b.count === null) {
    throw new GanletError(
      'FEATURES_MISMATCH',
      'statistics to merge must have known counts, one dimension and one divisor',
    );
  }
  const scatter = ({ covariance, ddof }: Moments, count: number) => covariance.map((x) => x * (count - ddof));
  const all = merge(
    { count: a.count, mean: a.mean.slice(), scatter: scatter(a, a.count) },
    { count: b.count, mean: b.mean, scatter: scatter(b, b.count) },
  );
  const covariance = all.scatter.map((x) => x / (all.count - a.ddof));
  return { count: all.count, dimension: a.dimension, mean: all.mean, covariance, ddof: a.ddof };
}

/** Sums about the mean: `scatter` is Σ (x − mean)(x − mean)ᵀ. */
interface Centred {
  count: number;
  mean: Float64Array;
  scatter: Float64Array;
}

function copy({ count, mean, scatter }: Centred): Centred {
  return { count, mean: mean.slice(), scatter: scatter.slice() };
}

/** The sums of one block, which is used up. */
async function centred(data: Float64Array, dimension: number): Promise<Centred> {
  const matrix: Matrix = { rows: data.length / dimension, columns: dimension, data };
  const mean = centre(matrix);
  const scatter = (await product(matrix, matrix, 'left')).data;
  return { count: matrix.rows, mean, scatter };
}

/** Subtracts the mean row from all rows in place and returns it. */
export function centre({ rows, columns, data }: Matrix): Float64Array {
  const mean = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) mean[j]! += data[i * columns + j]!;
  for (let j = 0; j < columns; j++) mean[j]! /= rows;
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) data[i * columns + j]! -= mean[j]!;
  return mean;
}

/** Adds b to a in place: scatter += scatter_b + δδᵀ·n_a·n_b/(n_a + n_b), δ the difference of the means. */
function merge(a: Centred, b: Centred): Centred {
  const d = a.mean.length;
  const count = a.count + b.count;
  const weight = (a.count * b.count) / count;
  const shift = b.mean.map((x, j) => x - a.mean[j]!);
  for (let i = 0; i < d; i++) {
    const scaled = weight * shift[i]!;
    const row = i * d;
    for (let j = 0; j < d; j++) a.scatter[row + j]! += b.scatter[row + j]! + scaled * shift[j]!;
  }
  for (let j = 0; j < d; j++) a.mean[j]! += (shift[j]! * b.count) / count;
  return { ...a, count };
}
