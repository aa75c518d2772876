import { makeBatch } from '../../data/batch.ts';
import type { Source } from '../../data/source.ts';
import { float32, type Graph } from '../../graph/graph.ts';
import { type GivenBatch, recalibrate, statisticNames } from '../../train/recalibrate.ts';
import { rng } from '../../util/rng.ts';
import type { RunContext } from '../context.ts';
import { givenBatch } from '../given.ts';
import { searchIndices } from '../search/split.ts';

/** Batches and pictures in a batch for statistics taken anew. */
const [mostBatches, mostPictures] = [32, 16];

/**
 * The network with its batch normalisation's statistics taken anew on training pictures: to be done for every network that is
 * cut out of a supernet, and for every one that was trained, whose averaged weights are not those that the statistics kept while
 * training are of. Without batch normalisation nothing changes. A network in `reverse` is given what others make. The graph given is
 * changed and returned.
 */
export async function recalibrated(
  context: RunContext,
  network: Graph,
  { reverse = false } = {},
): Promise<Graph> {
  if (statisticNames(network).length === 0) return network;
  return recalibrate(network, await calibrationBatches(context, network, { reverse }), context.backend);
}

/**
 * What a network is given for training pictures, 16 at a time; fewer batches, and smaller ones, of small data. Of a run with a
 * supernet these are pictures it has seen.
 */
export async function calibrationBatches(
  { recipe, source: open }: RunContext,
  network: Graph,
  { reverse = false } = {},
): Promise<GivenBatch[]> {
  const source = await open();
  const all = Array.from({ length: source.counts.train }, (_, i) => i);
  const pictures = recipe.supernet ? searchIndices(recipe, source.counts).train : all;
  const order = rng(recipe.seed, 'recalibration').shuffle([...pictures]);
  const size = Math.min(mostPictures, order.length);
  const count = Math.min(mostBatches, Math.floor(order.length / size));
  return Promise.all(
    Array.from({ length: count }, (_, i) => {
      const indices = order.slice(i * size, (i + 1) * size);
      return reverse ? imageBatch(source, indices) : givenBatch(source, network, 'train', indices);
    }),
  );
}

/** Images as conditions. */
async function imageBatch(source: Source, indices: readonly number[]): Promise<GivenBatch> {
  const { image } = await makeBatch(source, 'train', indices, {}, rng(0, 'unused'));
  return { condition: float32([indices.length, source.channels.image, source.size, source.size], image) };
}
