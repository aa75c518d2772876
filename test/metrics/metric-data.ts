import { readFileSync } from 'node:fs';
import { type Features, features } from '../../src/metrics/features.ts';
import { randomState } from '../../src/util/mt19937.ts';

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8'));

/** Numbers for inputs given by formulas, made with numpy, scipy, scikit-image, scikit-learn and Pillow. */
export const goldens = read('metrics-goldens.json');
/** See test/fixtures/make_metrics.py. */
export const fixtures = read('metrics.json');

export function u(i: number, j: number, s: number): number {
  return ((31 * i * i + 17 * j * j + 7 * i * j + 13 * i + 29 * j + 101 * s) % 997) / 997;
}

export function mat(n: number, d: number, s: number, f = (x: number) => x): Features {
  return features(
    Float64Array.from({ length: n * d }, (_, k) => f(u(Math.floor(k / d), k % d, s))),
    d,
  );
}

export const squared = (x: number) => x * x;

export interface FeatureSet {
  seed: number;
  count: number;
  scales: number[];
  shift: number;
}

export function drawn({ seed, count, scales, shift }: FeatureSet): Features {
  const random = randomState(seed);
  const d = scales.length;
  return features(
    Float64Array.from({ length: count * d }, (_, k) => random.randn() * scales[k % d]! + shift),
    d,
  );
}

/** Standard normal features, shifted and scaled. */
export function normal(seed: number, count: number, dimension: number, scale = 1, shift = 0): Features {
  return drawn({ seed, count, scales: Array.from({ length: dimension }, () => scale), shift });
}
