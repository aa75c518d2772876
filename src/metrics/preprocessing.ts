import { GanletError } from '../util/errors.ts';
import type { ResizeMode } from './resize.ts';

/** All that happens to a picture before its features are taken; two measurements compare only when it is the same. */
export interface Preprocessing {
  /** Network and layer, as printed: `inception-pool3-2048`, `emoji-64`. */
  feature: string;
  /** sha256 of the network's file. */
  network: string;
  resize: ResizeMode;
  /** Side of the network's input in pixels. */
  size: number;
  /** How made pictures become 8-bit levels: rounded, truncated, or not at all. */
  quantise: 'round' | 'floor' | 'none';
  /** What is subtracted from levels 0..255, and what the difference is divided by, for each channel. */
  mean: readonly number[];
  std: readonly number[];
}

/** Everything in `Preprocessing` as one line of text, equal exactly when all of it is equal. */
export function preprocessingFingerprint(p: Preprocessing): string {
  return [
    p.feature,
    `net ${p.network.slice(0, 16)}`,
    `resize ${p.resize} ${p.size}`,
    `quantise ${p.quantise}`,
    `mean ${p.mean.join(' ')}`,
    `std ${p.std.join(' ')}`,
  ].join('; ');
}

/** What is known of how statistics came about; null where a foreign file does not say. */
export interface Provenance {
  feature: string | null;
  resize: string | null;
  /** See `preprocessingFingerprint`. */
  preprocessing: string | null;
}

/**
 * Refuses to compare statistics of different preprocessing: throws PREPROCESSING_MIXED naming what differs. Where one side does not
 * say, that is returned as a warning.
 */
export function needSamePreprocessing(real: Provenance, fake: Provenance): string[] {
  const unknown: string[] = [];
  for (const key of ['feature', 'resize', 'preprocessing'] as const) {
    const [a, b] = [real[key], fake[key]];
    if (a === null || b === null) {
      unknown.push(key);
    } else if (a !== b) {
      throw new GanletError(
        'PREPROCESSING_MIXED',
        `real and fake statistics must have the same ${key}, got "${a}" and "${b}"`,
        { hint: 'measure both again with one feature network and one --resize' },
      );
    }
  }
  if (unknown.length === 0) return [];
  return [`the statistics do not say their ${unknown.join(', ')}: nothing shows that they may be compared`];
}
