import type { Batch } from '../data/batch.ts';
import { drawLatents } from '../data/latents.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import { float32 } from '../graph/graph.ts';
import { rng } from '../util/rng.ts';
import type { Policy } from './diffaugment.ts';
import { augmentFeeds, drawAugment } from './diffaugment.ts';
import type { Schedule } from './optimiser.ts';
import { adamFeeds, emaRate, learningRate } from './optimiser.ts';

export interface FeedOptions {
  seed: number;
  steps: number;
  lr: number;
  /** The discriminator's, where it has one of its own (two time-scale update rule, Heusel et al. 2017). */
  lrDiscriminator?: number | undefined;
  beta1: number;
  beta2: number;
  schedule: Schedule;
  constantFraction: number;
  ema: number;
  diffaugment: readonly Policy[];
}

/**
 * What step `step` (0, 1, …) feeds besides the teacher's activations: of the batch, and of latent vectors, what the graph takes.
 * Every random number comes from a stream keyed by seed, purpose and step, so the feeds of a step do not depend on how the run
 * got there.
 */
export function stepFeeds(
  graph: Graph,
  batch: Batch,
  step: number,
  options: FeedOptions,
): Record<string, Tensor> {
  const { seed, diffaugment } = options;
  const update = step + 1;
  const rate = (lr: number) =>
    learningRate(lr, options.schedule, options.constantFraction, step, options.steps);
  const rates = { g: rate(options.lr), d: rate(options.lrDiscriminator ?? options.lr) };
  const feeds: Record<string, Tensor> = {};
  const wanted = new Map(graph.inputs.map((v) => [v.name, v]));
  const shapeOf = (name: string) => wanted.get(name)!.shape as readonly number[];
  if (wanted.has('condition')) feeds.condition = float32(shapeOf('condition'), batch.condition);
  feeds.image = float32(shapeOf('image'), batch.image);
  if (wanted.has('latent')) {
    const [count, size] = shapeOf('latent') as [number, number];
    feeds.latent = float32([count, size], drawLatents(seed, 'train', step, count * size));
  }
  for (const prefix of ['g', 'd'] as const)
    if (wanted.has(`${prefix}/stepSize`))
      Object.assign(feeds, adamFeeds(prefix, update, rates[prefix], options));
  if (wanted.has('emaRate')) feeds.emaRate = float32([], [emaRate(options.ema, update)]);
  const [count, , size] = shapeOf('image') as [number, number, number];
  const names = graph.inputs.map(({ name }) => name);
  // A program with several discriminators has a draw of each kind for each of them.
  for (const prefix of new Set(names.flatMap((name) => /^(augment[DG]\w*)\//.exec(name)?.[1] ?? []))) {
    const draw = drawAugment(rng(seed, prefix, step), count, size);
    Object.assign(feeds, augmentFeeds(prefix, draw, diffaugment, size));
  }
  for (const name of names.filter((name) => /^mix\w*$/.test(name)))
    feeds[name] = float32(shapeOf(name), rng(seed, name, step).fillUniform(new Float32Array(count)));
  for (const { name } of graph.inputs) {
    const ratio = /^dropout\/\d+\/(.+)$/.exec(name)?.[1];
    if (ratio !== undefined) feeds[name] = dropoutMask(shapeOf(name), Number(ratio), seed, name, step);
  }
  return feeds;
}

function dropoutMask(
  shape: readonly number[],
  ratio: number,
  seed: number,
  name: string,
  step: number,
): Tensor {
  const random = rng(seed, name, step);
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i++) data[i] = random.uniform() < ratio ? 0 : 1 / (1 - ratio);
  return float32(shape, data);
}
