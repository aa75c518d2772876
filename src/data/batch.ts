import type { Rng } from '../util/rng.ts';
import { rng } from '../util/rng.ts';
import type { PairedSource, Split } from './source.ts';

export interface Augment {
  /** Mirror left–right with probability ½, condition and image together. */
  flip?: boolean;
  /**
   * Enlarge by this fraction and cut a random window of the original size, condition and image together.
   * 0 is off; 0.117 is pix2pix's 286/256.
   */
  jitter?: number;
}

/** N pairs as networks take them: float32 NCHW in [−1, 1]. */
export interface Batch {
  /** [N, channels.condition, size, size] */
  condition: Float32Array;
  /** [N, channels.image, size, size] */
  image: Float32Array;
  /** Which pairs were flipped: what is cached per pair must be flipped with them. */
  mirrored: boolean[];
}

/**
 * The pairs `indices` of a split as one batch. What is random comes from `random` alone, drawn per pair in
 * order (flip, then the window's x and y), so equal arguments give equal batches. Jitter is that of pix2pix
 * (Isola et al. 2017, §6.2: 256 → 286 → 256) with bilinear enlargement.
 */
export async function makeBatch(
  source: PairedSource,
  split: Split,
  indices: ArrayLike<number>,
  augment: Augment,
  random: Rng,
): Promise<Batch> {
  const { size, channels } = source;
  const count = indices.length;
  const condition = new Float32Array(count * channels.condition * size * size);
  const image = new Float32Array(count * channels.image * size * size);
  const pairs = await Promise.all(Array.from(indices, (index) => source.pair(split, index)));
  const mirrored: boolean[] = [];
  const enlarged = Math.round(size * (1 + (augment.jitter ?? 0)));
  const [columns, rows] = [sampler(size), sampler(size)];
  for (let n = 0; n < count; n++) {
    const flipped = augment.flip === true && random.uniform() < 0.5;
    mirrored.push(flipped);
    const pair = pairs[n]!;
    const conditionAt = n * channels.condition * size * size;
    const imageAt = n * channels.image * size * size;
    if (enlarged > size) {
      place(columns, random.int(0, enlarged - size), enlarged, flipped);
      place(rows, random.int(0, enlarged - size), enlarged, false);
      window(pair.condition, condition, conditionAt, channels.condition, columns, rows);
      window(pair.image, image, imageAt, channels.image, columns, rows);
    } else {
      copy(pair.condition, condition, conditionAt, channels.condition, size, flipped);
      copy(pair.image, image, imageAt, channels.image, size, flipped);
    }
  }
  return { condition, image, mirrored };
}

/** For each output position along one axis: the two source positions and the weight of the second. */
interface Sampler {
  size: number;
  first: Int32Array;
  second: Int32Array;
  weight: Float32Array;
}

function sampler(size: number): Sampler {
  return {
    size,
    first: new Int32Array(size),
    second: new Int32Array(size),
    weight: new Float32Array(size),
  };
}

/** Points the sampler at the window that starts at `offset` in the axis enlarged to `enlarged` samples. */
function place(axis: Sampler, offset: number, enlarged: number, mirrored: boolean): void {
  const { size, first, second, weight } = axis;
  for (let i = 0; i < size; i++) {
    const at = ((offset + i + 0.5) * size) / enlarged - 0.5;
    const low = Math.floor(at);
    const o = mirrored ? size - 1 - i : i;
    first[o] = Math.max(low, 0);
    second[o] = Math.min(low + 1, size - 1);
    weight[o] = at - low;
  }
}

/** Bilinear samples of an 8-bit HWC picture, written as one CHW picture in [−1, 1] from `start` on. */
function window(
  from: Uint8Array,
  to: Float32Array,
  start: number,
  channels: number,
  columns: Sampler,
  rows: Sampler,
): void {
  const { size, first, second, weight } = columns;
  const area = size * size;
  for (let y = 0; y < size; y++) {
    const top = rows.first[y]! * size;
    const bottom = rows.second[y]! * size;
    const down = rows.weight[y]!;
    for (let x = 0; x < size; x++) {
      const left = first[x]!;
      const right = second[x]!;
      const across = weight[x]!;
      const topLeft = (top + left) * channels;
      const topRight = (top + right) * channels;
      const bottomLeft = (bottom + left) * channels;
      const bottomRight = (bottom + right) * channels;
      const o = start + y * size + x;
      for (let c = 0; c < channels; c++) {
        const upper = from[topLeft + c]! + across * (from[topRight + c]! - from[topLeft + c]!);
        const lower = from[bottomLeft + c]! + across * (from[bottomRight + c]! - from[bottomLeft + c]!);
        to[o + c * area] = (upper + down * (lower - upper)) / 127.5 - 1;
      }
    }
  }
}

/** An 8-bit HWC picture as CHW in [−1, 1], written from `start` on. */
function copy(
  from: Uint8Array,
  to: Float32Array,
  start: number,
  channels: number,
  size: number,
  mirrored: boolean,
): void {
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < size; y++) {
      const row = y * size;
      let o = start + (c * size + y) * size;
      for (let x = 0; x < size; x++) {
        const column = mirrored ? size - 1 - x : x;
        to[o++] = from[(row + column) * channels + c]! / 127.5 - 1;
      }
    }
  }
}

/**
 * The pairs that step `step` (0, 1, …) trains on, out of `count`: each epoch is a fresh shuffle keyed by
 * (seed, epoch), and steps cut it into batches without a remainder, so a batch may span two epochs. Any
 * step's indices can be computed without those before it.
 */
export function trainIndices(seed: number, step: number, batch: number, count: number): Int32Array {
  if (!(count >= 1)) throw new RangeError(`trainIndices needs at least one pair, got ${count}`);
  const indices = new Int32Array(batch);
  for (let i = 0; i < batch; i++) {
    const position = step * batch + i;
    indices[i] = epochOrder(seed, Math.floor(position / count), count)[position % count]!;
  }
  return indices;
}

/** The last few shuffles: consecutive steps share an epoch. Forgetting them changes no result. */
const orders = new Map<string, Int32Array>();

function epochOrder(seed: number, epoch: number, count: number): Int32Array {
  const key = `${seed} ${epoch} ${count}`;
  let order = orders.get(key);
  if (!order) {
    order = rng(seed, 'epoch order', epoch).shuffle(Int32Array.from({ length: count }, (_, i) => i));
    if (orders.size >= 4) orders.delete(orders.keys().next().value!);
    orders.set(key, order);
  }
  return order;
}
