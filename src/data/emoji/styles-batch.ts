import type { Rng } from '../../util/rng.ts';
import type { Split } from '../source.ts';
import type { EmojiStyles } from './styles.ts';
import { damage, damages } from './styles-damage.ts';

/** How far pictures are changed without changing what they are. All zero and false: not at all. */
export interface EmojiAugment {
  /** Mirror left–right with probability ½. */
  flip: boolean;
  /** Largest move, as a fraction of the side. */
  shift: number;
  /** Largest change of size, as a fraction. */
  scale: number;
  /** Largest turn in degrees. */
  rotate: number;
  /** Largest change of ink (distance from white), as a fraction; channels differ by a third of it. */
  ink: number;
  /** Largest standard deviation of noise that is still no damage, in levels of 255. */
  grain: number;
  /** Part of the pictures that is damaged. */
  damaged: number;
}

export const unchanged: EmojiAugment = {
  flip: false,
  shift: 0,
  scale: 0,
  rotate: 0,
  ink: 0,
  grain: 0,
  damaged: 0,
};

/** Pictures and their classes. */
export interface EmojiBatch {
  /** [N, 3, size, size] RGB in [−1, 1]. */
  image: Float32Array;
  /** Classes, N of each. */
  subgroup: Int32Array;
  style: Int32Array;
  /** Place in `damages`. */
  damage: Int32Array;
}

/**
 * The pictures `indices` of a split as one batch. What is random comes from `random` alone, drawn per picture in order, so
 * equal arguments give equal batches. Pictures are sampled from twice their size: one that is not moved is the mean of 2 × 2.
 */
export function emojiBatch(
  source: EmojiStyles,
  split: Split,
  indices: ArrayLike<number>,
  augment: EmojiAugment,
  random: Rng,
): EmojiBatch {
  const { size } = source;
  const count = indices.length;
  const each = 3 * size * size;
  const batch: EmojiBatch = {
    image: new Float32Array(count * each),
    subgroup: new Int32Array(count),
    style: new Int32Array(count),
    damage: new Int32Array(count),
  };
  // One field of noise for the batch, turned round by another number of places for each picture: drawing it costs much.
  const grain = augment.grain > 0 ? random.fillNormal(new Float32Array(each)) : undefined;
  for (let n = 0; n < count; n++) {
    const { pixels, subgroup, style } = source.picture(split, indices[n]!);
    const image = batch.image.subarray(n * each, (n + 1) * each);
    sample(pixels, image, size, drawPlacement(augment, size, random), drawInk(augment, random));
    if (grain) addGrain(image, grain, random.uniform(0, augment.grain) / 127.5, random.int(0, each - 1));
    const kind = random.uniform() < augment.damaged ? random.int(1, damages.length - 1) : 0;
    damage(damages[kind]!, image, size, random.uniform(), random);
    batch.subgroup[n] = subgroup;
    batch.style[n] = style;
    batch.damage[n] = kind;
  }
  return batch;
}

function addGrain(image: Float32Array, grain: Float32Array, sigma: number, start: number): void {
  for (let i = 0, j = start; i < image.length; i++, j++) {
    if (j === grain.length) j = 0;
    image[i] = Math.min(Math.max(image[i]! + sigma * grain[j]!, -1), 1);
  }
}

/** From a place in the result, relative to its centre, to one in the picture relative to its: both in pixels of the result. */
interface Placement {
  xx: number;
  xy: number;
  yx: number;
  yy: number;
  dx: number;
  dy: number;
}

function drawPlacement({ flip, shift, scale, rotate }: EmojiAugment, size: number, random: Rng): Placement {
  const mirror = flip && random.uniform() < 0.5 ? -1 : 1;
  const angle = (random.uniform(-rotate, rotate) * Math.PI) / 180;
  const zoom = (1 + scale) ** random.uniform(-1, 1);
  const [cos, sin] = [Math.cos(angle) / zoom, Math.sin(angle) / zoom];
  const [dx, dy] = [random.uniform(-shift, shift) * size, random.uniform(-shift, shift) * size];
  return { xx: mirror * cos, xy: mirror * sin, yx: -sin, yy: cos, dx, dy };
}

function drawInk({ ink }: EmojiAugment, random: Rng): [number, number, number] {
  const all = 1 + random.uniform(-ink, ink);
  const own = () => all * (1 + random.uniform(-ink / 3, ink / 3));
  return [own(), own(), own()];
}

/** Bilinear samples of an 8-bit HWC picture of side 2·size, white around it, as CHW in [−1, 1]. */
function sample(
  from: Uint8Array,
  to: Float32Array,
  size: number,
  { xx, xy, yx, yy, dx, dy }: Placement,
  ink: readonly [number, number, number],
): void {
  const side = 2 * size;
  const middle = (size - 1) / 2;
  const area = size * size;
  for (let y = 0, o = 0; y < size; y++) {
    for (let x = 0; x < size; x++, o++) {
      const [u, v] = [x - middle - dx, y - middle - dy];
      const sx = 2 * (xx * u + xy * v) + size - 0.5;
      const sy = 2 * (yx * u + yy * v) + size - 0.5;
      const [left, top] = [Math.floor(sx), Math.floor(sy)];
      const [across, down] = [sx - left, sy - top];
      if (left < 0 || top < 0 || left > side - 2 || top > side - 2) {
        for (let c = 0; c < 3; c++) to[o + c * area] = 1;
        continue;
      }
      const i = (top * side + left) * 3;
      const j = i + side * 3;
      for (let c = 0; c < 3; c++) {
        const upper = from[i + c]! + across * (from[i + c + 3]! - from[i + c]!);
        const lower = from[j + c]! + across * (from[j + c + 3]! - from[j + c]!);
        const level = upper + down * (lower - upper);
        to[o + c * area] = Math.max(1 - ((255 - level) / 127.5) * ink[c]!, -1);
      }
    }
  }
}
