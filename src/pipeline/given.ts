import type { Feeds } from '../backend/backend.ts';
import { makeBatch } from '../data/batch.ts';
import { drawLatents } from '../data/latents.ts';
import { conditionShape, type Source, type Split } from '../data/source.ts';
import { float32, type Graph, type Tensor } from '../graph/graph.ts';
import { generatorInputs, latentSize } from '../models/generator-inputs.ts';
import { type Given, givenShape } from '../train/generator-feeds.ts';
import type { GivenBatch } from '../train/recalibrate.ts';
import { rng } from '../util/rng.ts';

/** Declares `condition` and `latent` in a graph, as much of them as the network takes; shapes are those of a batch. */
export function declareGiven(graph: Graph, network: Graph, batch: number, size: number): Given {
  const { condition, latent } = generatorInputs(network);
  return {
    ...(condition && { condition: graph.input('condition', 'float32', givenShape(condition, batch, size)) }),
    ...(latent && { latent: graph.input('latent', 'float32', [batch, latentSize(network)]) }),
  };
}

/**
 * The latent vectors [N, Z] of pictures of a split, by their numbers in it; undefined for a network without. They are the same in
 * every run and for every network, so that teacher and students answer the same, as far as their vectors are equally long.
 */
export function pictureLatents(
  network: Graph,
  split: Split,
  indices: ArrayLike<number>,
): Float32Array | undefined {
  const size = latentSize(network);
  if (size === 0) return undefined;
  const latents = new Float32Array(indices.length * size);
  for (const [n, index] of Array.from(indices).entries())
    latents.set(drawLatents(0, `pictures of ${split}`, index, size), n * size);
  return latents;
}

/** What a network is given for pictures of a split, as one batch, without augmentation. */
export async function givenBatch(
  source: Source,
  network: Graph,
  split: Split,
  indices: ArrayLike<number>,
): Promise<GivenBatch> {
  const shape = conditionShape(source, indices.length);
  const latents = pictureLatents(network, split, indices);
  const { condition } = await makeBatch(source, split, indices, {}, rng(0, 'unused'));
  return {
    ...(shape && { condition: float32(shape, condition) }),
    ...(latents && { latent: float32([indices.length, latents.length / indices.length], latents) }),
  };
}

/**
 * Makes pictures one by one with a program that takes `given` for a batch of one, and joins them. Without a latent input
 * `latents` count for nothing. Throws RangeError for latent vectors that are missing or not as many as the conditions.
 */
export async function eachPicture(
  given: Given,
  conditions: Float32Array,
  latents: Float32Array | undefined,
  make: (feeds: Feeds) => Promise<Float32Array>,
): Promise<Float32Array> {
  const parts = (['condition', 'latent'] as const).flatMap((name) => {
    const shape = given[name]?.shape as readonly number[] | undefined;
    if (!shape) return [];
    const data = name === 'condition' ? conditions : (latents ?? new Float32Array(0));
    return [{ name, shape, data, size: shape.reduce((a, b) => a * b, 1) }];
  });
  const counts = parts.map(({ data, size }) => data.length / size);
  const count = counts[0] ?? 0;
  if (!counts.every((n) => n === count && Number.isInteger(n)))
    throw new RangeError(
      `a generator needs as many latent vectors as conditions, got ${counts.join(' and ')}`,
    );
  let made: Float32Array | undefined;
  for (let i = 0; i < count; i++) {
    const one = ({ shape, data, size }: (typeof parts)[number]): Tensor =>
      float32(shape, data.subarray(i * size, (i + 1) * size));
    const picture = await make(Object.fromEntries(parts.map((part) => [part.name, one(part)])));
    made ??= new Float32Array(count * picture.length);
    made.set(picture, i * picture.length);
  }
  return made ?? new Float32Array(0);
}
