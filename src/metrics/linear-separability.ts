import { GanletError } from '../util/errors.ts';
import { linearSvm, sidesOf } from './algebra/linear-svm.ts';
import { type Features, selected } from './features.ts';

/** How well planes in a latent space tell attributes of the pictures apart. */
export interface LinearSeparability {
  /** 2^(sum of the entropies): 1 when planes know everything, 2^attributes when they know nothing. */
  value: number;
  /** H(attribute | side of its plane) in bits, one for each attribute. */
  entropies: Float64Array;
  attributes: number;
  count: number;
  /** Pictures kept for each attribute. */
  kept: number;
}

/**
 * Linear separability (Karras et al. 2019, §4.2) of latents (z or w), one row a picture, by the attributes a classifier found in
 * the pictures: `logits` has one column for each binary attribute, l with probabilities softmax(l, −l). For each attribute the
 * `keep` pictures it is surest of (default half; published: 100,000 of 200,000) are split by a linear SVM, tested on the same
 * pictures. An attribute all of them share counts 0 bits. Throws FEATURES_MISMATCH for unequal counts.
 */
export async function linearSeparability(
  latents: Features,
  logits: Features,
  { keep = Math.floor(latents.count / 2), c = 1 }: { keep?: number; c?: number } = {},
): Promise<LinearSeparability> {
  if (latents.count !== logits.count) {
    throw new GanletError(
      'FEATURES_MISMATCH',
      `each latent must have one row of attributes, got ${latents.count} and ${logits.count}`,
    );
  }
  if (!(keep >= 1 && keep <= latents.count)) {
    throw new RangeError(`keep must be in 1..${latents.count}, got ${keep}`);
  }
  const attributes = logits.dimension;
  const table = await logits.rows(0, logits.count);
  const entropies = new Float64Array(attributes);
  for (let a = 0; a < attributes; a++) {
    const logit = (i: number) => table[i * attributes + a]!;
    const surest = Uint32Array.from(
      Array.from({ length: latents.count }, (_, i) => i)
        .sort((i, j) => Math.abs(logit(j)) - Math.abs(logit(i)))
        .slice(0, keep),
    );
    const targets = Uint8Array.from(surest, (i) => (logit(i) < 0 ? 1 : 0));
    if (targets.every((t) => t === targets[0])) continue;
    const points = selected(latents, surest);
    const sides = await sidesOf(points, await linearSvm(points, targets, c));
    entropies[a] = conditionalEntropy(jointDistribution(sides, targets));
  }
  const value = separabilityScore(entropies);
  return { value, entropies, attributes, count: latents.count, kept: keep };
}

/** 2 to the sum of entropies in bits. */
export function separabilityScore(entropies: ArrayLike<number>): number {
  return 2 ** Array.from(entropies).reduce((sum, h) => sum + h, 0);
}

/** Shares of the four cases: p[side][target]. */
export function jointDistribution(
  sides: Uint8Array,
  targets: Uint8Array,
): [[number, number], [number, number]] {
  const p: [[number, number], [number, number]] = [
    [0, 0],
    [0, 0],
  ];
  for (let i = 0; i < sides.length; i++) p[sides[i] as 0 | 1][targets[i] as 0 | 1] += 1 / sides.length;
  return p;
}

/** H(target | side) in bits, not below 0. */
export function conditionalEntropy(joint: readonly (readonly number[])[]): number {
  let bits = 0;
  for (const row of joint) {
    const total = row.reduce((sum, p) => sum + p, 0);
    for (const p of row) if (p > 0) bits -= p * Math.log2(p / total);
  }
  return Math.max(0, bits);
}
