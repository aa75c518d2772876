import type { State } from '../backend/backend.ts';
import { float32, type Graph, sizeOf, type Tensor, type Value } from '../graph/graph.ts';
import { gather } from '../ops/gather.ts';
import { concat } from '../ops/segments.ts';
import type { Rng } from '../util/rng.ts';

/**
 * What a pool does in one step, by place: 0 … capacity − 1 are the pictures it holds, capacity + i is picture i of the step.
 */
export interface PoolMoves {
  /** For each picture of the step the one that is seen in its place. */
  seen: Int32Array;
  /** For each place of the pool the picture it holds from then on. */
  kept: Int32Array;
}

/**
 * The moves of an image pool (Shrivastava et al. 2017, §2.3, in the form of CycleGAN): until it is full each picture is kept
 * and seen; then it is seen itself, or, where `swap`, takes the place `slot` of a picture that is seen once more. Pictures come
 * one after the other, so one of this step may be swapped out again by the next. `held` pictures are in the pool before.
 */
export function poolMoves(
  held: number,
  capacity: number,
  draws: readonly { swap: boolean; slot: number }[],
): PoolMoves {
  const kept = Int32Array.from({ length: capacity }, (_, place) => place);
  let count = held;
  const seen = draws.map(({ swap, slot }, i) => {
    const own = capacity + i;
    if (count < capacity) {
      kept[count++] = own;
      return own;
    }
    if (!swap) return own;
    const old = kept[slot]!;
    kept[slot] = own;
    return old;
  });
  return { seen: Int32Array.from(seen), kept };
}

/**
 * A pool of `capacity` pictures as state `name/images` of a program, so that checkpoints hold it; what it does is fed as
 * `name/seen` and `name/kept` (see `poolFeeds`). `pictures` [batch, C, H, W] are those of the step; returned are those seen in
 * their place. With a capacity of 0 they are seen as they are.
 */
export function imagePool(
  graph: Graph,
  name: string,
  pictures: Value,
  capacity: number,
): { seen: Value; state: State[] } {
  if (capacity === 0) return { seen: pictures, state: [] };
  const [batch, ...picture] = pictures.shape as readonly number[];
  const shape = [capacity, ...picture];
  const images = graph.input(`${name}/images`, 'float32', shape);
  const all = concat([images, pictures], 0);
  const seen = gather(all, graph.input(`${name}/seen`, 'int32', [batch!]));
  const next = gather(all, graph.input(`${name}/kept`, 'int32', [capacity]));
  const output = graph.output(next, `${images.name}:next`);
  const initial = float32(shape, new Float32Array(sizeOf(shape)));
  return { seen, state: [{ name: images.name, input: images, output, initial }] };
}

/** What step `step` (0, 1, …) feeds to a pool; how many pictures it holds by then follows from the step. */
export function poolFeeds(
  name: string,
  random: Rng,
  step: number,
  batch: number,
  capacity: number,
): Record<string, Tensor> {
  const draws = Array.from({ length: batch }, () => ({
    swap: random.uniform() < 0.5,
    slot: random.int(0, capacity - 1),
  }));
  const { seen, kept } = poolMoves(Math.min(capacity, step * batch), capacity, draws);
  return {
    [`${name}/seen`]: { dtype: 'int32', shape: [batch], data: seen },
    [`${name}/kept`]: { dtype: 'int32', shape: [capacity], data: kept },
  };
}
