import { GanletError } from '../util/errors.ts';
import { randomState } from '../util/mt19937.ts';
import { blocks, type Features } from './features.ts';

/** Inception Score. It is at most the size of a split, so compare only equal counts and splits. */
export interface InceptionScore {
  /** Mean over the splits. */
  value: number;
  /** Standard deviation over the splits (divisor splits − ddof); null where that is 0. */
  sd: number | null;
  scores: Float64Array;
  splits: number;
  count: number;
  classes: number;
  /** Of the shuffle, null for none. */
  seed: number | null;
  warnings: string[];
}

export interface InceptionScoreOptions {
  /** Default 10. */
  splits?: number;
  /** Pictures are dealt to splits in numpy's `RandomState(seed).permutation(count)`; null keeps their order. Default 2020. */
  seed?: number | null;
  /** Default 0. */
  ddof?: 0 | 1;
}

export interface ScoreSum {
  /** Adds rows of logits (class scores before softmax), row-major. Throws FEATURES_INVALID. */
  add(logits: Float32Array | Float64Array): void;
  /** Throws TOO_FEW_PICTURES unless exactly `count` rows were added. */
  result(): InceptionScore;
}

/**
 * Inception Score (Salimans et al. 2016) of `count` pictures as their logits arrive: exp of the mean Kullback–Leibler divergence
 * of a picture's class probabilities from its split's mean, split i holding the places ⌊i·N/S⌋..⌊(i+1)·N/S⌋ − 1. In float64
 * from log-softmax. Memory is splits × classes. For the published numbers the logits are the 1008 of the FID network without
 * their bias. Throws TOO_FEW_PICTURES for fewer pictures than splits.
 */
export function inceptionScoreSum(
  count: number,
  classes: number,
  { splits = 10, seed = 2020, ddof = 0 }: InceptionScoreOptions = {},
): ScoreSum {
  if (!(splits >= 1) || count < splits) {
    throw new GanletError(
      'TOO_FEW_PICTURES',
      `an Inception Score with ${splits} splits needs at least ${splits} pictures, got ${count}`,
      { hint: 'use fewer splits or more pictures' },
    );
  }
  const place = placesOf(count, seed);
  const starts = Array.from({ length: splits + 1 }, (_, i) => Math.floor((i * count) / splits));
  const probabilities = Array.from({ length: splits }, () => new Float64Array(classes));
  const negentropies = new Float64Array(splits);
  const row = new Float64Array(classes);
  let added = 0;
  return {
    add(logits) {
      const rows = logits.length / classes;
      if (!Number.isInteger(rows) || added + rows > count) {
        throw new GanletError(
          'FEATURES_INVALID',
          `logits must be ${count} rows of ${classes}, got ${logits.length} more numbers after ${added} rows`,
        );
      }
      for (let i = 0; i < rows; i++) {
        const at = place[added++]!;
        const split = starts.findLastIndex((start) => start <= at);
        const entropy = addSoftmax(logits, i * classes, row, probabilities[split]!);
        if (!Number.isFinite(entropy)) {
          throw new GanletError('FEATURES_INVALID', `logits must be finite, picture ${added - 1} has others`);
        }
        negentropies[split]! += entropy;
      }
    },
    result() {
      if (added !== count) {
        throw new GanletError('TOO_FEW_PICTURES', `an Inception Score of ${count} pictures got ${added}`);
      }
      const scores = Float64Array.from({ length: splits }, (_, s) => {
        const size = starts[s + 1]! - starts[s]!;
        const mean = probabilities[s]!.map((p) => p / size);
        const entropyOfMean = mean.reduce((sum, p) => (p > 0 ? sum + p * Math.log(p) : sum), 0);
        return Math.exp(negentropies[s]! / size - entropyOfMean);
      });
      const value = scores.reduce((sum, x) => sum + x, 0) / splits;
      const squares = scores.reduce((sum, x) => sum + (x - value) ** 2, 0);
      const sd = splits > ddof ? Math.sqrt(squares / (splits - ddof)) : null;
      const warnings =
        count < 5000 ? [`an Inception Score of ${count} pictures is too low; 5,000 to 50,000 are usual`] : [];
      return { value, sd, scores, splits, count, classes, seed, warnings };
    },
  };
}

/** `inceptionScoreSum` of logits that are all there. */
export async function inceptionScore(
  logits: Features,
  options: InceptionScoreOptions = {},
): Promise<InceptionScore> {
  const sum = inceptionScoreSum(logits.count, logits.dimension, options);
  for await (const block of blocks(logits, 512)) sum.add(block.data);
  return sum.result();
}

/** Where each picture stands after the shuffle, which puts picture order[i] at place i. */
function placesOf(count: number, seed: number | null): Uint32Array {
  if (seed === null) return Uint32Array.from({ length: count }, (_, i) => i);
  const places = new Uint32Array(count);
  for (const [place, picture] of randomState(seed).permutation(count).entries()) places[picture] = place;
  return places;
}

/** Adds the probabilities to `sums` and returns Σ p·log p; NaN, adding nothing, for logits that give none. */
function addSoftmax(
  logits: Float32Array | Float64Array,
  offset: number,
  row: Float64Array,
  sums: Float64Array,
): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < row.length; c++) largest = Math.max(largest, logits[offset + c]!);
  let total = 0;
  for (let c = 0; c < row.length; c++) total += Math.exp(logits[offset + c]! - largest);
  const log = largest + Math.log(total);
  if (!Number.isFinite(log)) return Number.NaN;
  let negentropy = 0;
  for (let c = 0; c < row.length; c++) {
    const logP = logits[offset + c]! - log;
    const p = Math.exp(logP);
    sums[c]! += p;
    if (p > 0) negentropy += p * logP;
  }
  return negentropy;
}
