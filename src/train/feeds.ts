import type { Batch } from '../data/batch.ts';
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
  beta1: number;
  beta2: number;
  schedule: Schedule;
  constantFraction: number;
  ema: number;
  diffaugment: readonly Policy[];
}

/**
 * What step `step` (0, 1, …) feeds besides the teacher's activations. Every random number comes from a stream keyed by seed,
 * purpose and step, so the feeds of a step do not depend on how the run got there.
 */
export function stepFeeds(
  graph: Graph,
  batch: Batch,
  step: number,
  options: FeedOptions,
): Record<string, Tensor> {
  const { seed, diffaugment } = options;
  const update = step + 1;
  const lr = learningRate(options.lr, options.schedule, options.constantFraction, step, options.steps);
  const feeds: Record<string, Tensor> = {};
  const wanted = new Map(graph.inputs.map((v) => [v.name, v]));
  const shapeOf = (name: string) => wanted.get(name)!.shape as readonly number[];
  feeds.condition = float32(shapeOf('condition'), batch.condition);
  if (wanted.has('image')) feeds.image = float32(shapeOf('image'), batch.image);
  for (const prefix of ['g', 'd'])
    if (wanted.has(`${prefix}/stepSize`)) Object.assign(feeds, adamFeeds(prefix, update, lr, options));
  if (wanted.has('emaRate')) feeds.emaRate = float32([], [emaRate(options.ema, update)]);
  const [count, , size] = shapeOf('condition') as [number, number, number];
  if (diffaugment.length > 0) {
    for (const prefix of ['augmentD', 'augmentG'])
      Object.assign(
        feeds,
        augmentFeeds(prefix, drawAugment(rng(seed, prefix, step), count, size), diffaugment, size),
      );
  }
  if (wanted.has('mix'))
    feeds.mix = float32(shapeOf('mix'), rng(seed, 'mix', step).fillUniform(new Float32Array(count)));
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
