import { l1 } from './l1.ts';
import { msSsim } from './ms-ssim.ts';
import { psnr } from './psnr.ts';
import { type PictureShape, ssim } from './ssim.ts';

/** Measures of a picture and the one it should equal that need no network. */
export const pairedMetrics = ['l1', 'psnr', 'ssim', 'ms-ssim'] as const;
export type PairedMetric = (typeof pairedMetrics)[number];

/** A metric over many pictures. */
export interface Summary {
  /** null when there was no picture to take the mean of. */
  mean: number | null;
  /** Standard deviation over the pictures (divisor n − 1); null for fewer than two. */
  sd: number | null;
  /** Pictures in the mean. */
  count: number;
}

/** How far made pictures are from those they should equal; only the metrics that were asked for. */
export interface Distances {
  /** Mean absolute difference in 8-bit levels, 0 to 255. */
  l1?: Summary;
  /**
   * dB, peak 255, the mean of the pictures' values. A picture equal to its reference has an infinite PSNR: such pictures are
   * counted in `identical` and left out of the mean, which is null when there are no others.
   */
  psnr?: Summary & { identical: number };
  /** See `ssim`. */
  ssim?: Summary;
  /** See `msSsim`. */
  msSsim?: Summary;
}

export interface Measuring {
  /** Adds a made picture and its reference: 8-bit levels, channels first (see `quantise`); `shape` is theirs if not that of all. */
  add(made: Uint8Array, reference: Uint8Array, shape?: PictureShape): void;
  distances(): Distances;
}

/**
 * Collects distances picture by picture; memory does not grow with their number. `add` throws RangeError for pictures that
 * are not of their shape, and PICTURE_TOO_SMALL as `ssim` and `msSsim` do. Other names among `metrics` are left to others.
 */
export function measurePairs(metrics: readonly string[], shape: PictureShape): Measuring {
  const running = { l1: runningMean(), psnr: runningMean(), ssim: runningMean(), msSsim: runningMean() };
  let identical = 0;
  return {
    add(made, reference, own = shape) {
      const size = own.channels * own.height * own.width;
      if (made.length !== size || reference.length !== size) {
        const found = `${made.length} and ${reference.length}`;
        throw new RangeError(`pictures to compare must have ${size} elements, got ${found}`);
      }
      if (metrics.includes('l1')) running.l1.add(l1(made, reference));
      if (metrics.includes('ssim')) running.ssim.add(ssim(made, reference, own));
      if (metrics.includes('ms-ssim')) running.msSsim.add(msSsim(made, reference, own));
      if (metrics.includes('psnr')) {
        const decibels = psnr(made, reference);
        if (decibels === Number.POSITIVE_INFINITY) identical++;
        else running.psnr.add(decibels);
      }
    },
    distances: () => ({
      ...(metrics.includes('l1') && { l1: running.l1.summary() }),
      ...(metrics.includes('psnr') && { psnr: { ...running.psnr.summary(), identical } }),
      ...(metrics.includes('ssim') && { ssim: running.ssim.summary() }),
      ...(metrics.includes('ms-ssim') && { msSsim: running.msSsim.summary() }),
    }),
  };
}

/** Mean and standard deviation in one pass (Welford 1962). */
export function runningMean() {
  let [count, mean, squares] = [0, 0, 0];
  return {
    add(value: number): void {
      const difference = value - mean;
      mean += difference / ++count;
      squares += difference * (value - mean);
    },
    summary: (): Summary => ({
      mean: count > 0 ? mean : null,
      sd: count > 1 ? Math.sqrt(squares / (count - 1)) : null,
      count,
    }),
  };
}
