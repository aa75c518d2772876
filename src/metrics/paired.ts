import type { EvaluateConfig } from '../recipe/schema.ts';
import { l1 } from './l1.ts';
import { psnr } from './psnr.ts';
import { type PictureShape, ssim } from './ssim.ts';

export type PairedMetric = EvaluateConfig['metrics'][number];

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
}

export interface Measuring {
  /** Adds a made picture and its reference: 8-bit levels, channels first (see `quantise`). */
  add(made: Uint8Array, reference: Uint8Array): void;
  distances(): Distances;
}

/**
 * Collects distances picture by picture; memory does not grow with their number. `add` throws RangeError for pictures that
 * are not of `shape`, and PICTURE_TOO_SMALL as `ssim` does.
 */
export function measurePairs(metrics: readonly PairedMetric[], shape: PictureShape): Measuring {
  const { channels, height, width } = shape;
  const size = channels * height * width;
  const running = { l1: runningMean(), psnr: runningMean(), ssim: runningMean() };
  let identical = 0;
  return {
    add(made, reference) {
      if (made.length !== size || reference.length !== size) {
        const found = `${made.length} and ${reference.length}`;
        throw new RangeError(`pictures to compare must have ${size} elements, got ${found}`);
      }
      if (metrics.includes('l1')) running.l1.add(l1(made, reference));
      if (metrics.includes('ssim')) running.ssim.add(ssim(made, reference, shape));
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
    }),
  };
}

/** Mean and standard deviation in one pass (Welford 1962). */
function runningMean() {
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
