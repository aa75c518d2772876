import { rng } from '../util/rng.ts';

/**
 * Standard normal numbers that generators start from: `size` of them for number `index` of a purpose. Keyed by seed, purpose and
 * index, so that teacher and student get the same, whatever else is drawn. Training is keyed by the step, evaluation and samples
 * by the picture.
 */
export function drawLatents(seed: number, purpose: string, index: number, size: number): Float32Array {
  return rng(seed, `latent ${purpose}`, index).fillNormal(new Float32Array(size));
}
