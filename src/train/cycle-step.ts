import { gradient } from '../autodiff/gradient.ts';
import type { Program } from '../backend/backend.ts';
import type { Batch } from '../data/batch.ts';
import { Graph, type Tensor, type Value } from '../graph/graph.ts';
import { prune } from '../graph/prune.ts';
import { add } from '../ops/elementwise.ts';
import { rng } from '../util/rng.ts';
import { adversarialTerms } from './adversary.ts';
import type { Policy } from './diffaugment.ts';
import { type FeedOptions, stepFeeds } from './feeds.ts';
import { imagePool, poolFeeds } from './image-pool.ts';
import type { GanMode } from './losses.ts';
import { reconstructionLoss, total } from './losses.ts';
import { adamInputs } from './optimiser.ts';
import type { TrainedNetwork } from './trained-network.ts';
import { apply, declareTrained, dropoutInputs, update } from './trained-network.ts';

/** A generator and the discriminator of what it makes. */
export interface Direction {
  generator: Graph;
  discriminator: Graph;
}

/** Everything that shapes the program of one step of CycleGAN. */
export interface CycleOptions {
  /** From A to B; its networks are named `g` and `d` in the state. */
  forward: Direction;
  /** From B to A; `gReverse` and `dReverse`. */
  reverse: Direction;
  batch: number;
  size: number;
  beta1: number;
  beta2: number;
  ganMode: GanMode;
  lambdaGan: number;
  /** Weight of the cycle loss of each direction. */
  lambdaCycle: number;
  /** Weight of the identity loss as a part of `lambdaCycle`; above 0 only where A and B have equally many channels. */
  lambdaIdentity: number;
  /** Made pictures that are kept of each direction for the discriminators; 0 shows them those of the step. */
  pool: number;
  diffaugment: readonly Policy[];
  /** Whether moving averages of both generators are kept. */
  ema: boolean;
}

const kinds = ['gan', 'cycle', 'identity', 'dReal', 'dFake', 'penalty'] as const;

/** Scalars a step returns: of A to B, and with `Reverse` of B to A. `cycle` is A → B → A, `identity` B by the generator of B. */
export const cycleLossNames = [...kinds, ...kinds.map((kind) => `${kind}Reverse` as const)];

/**
 * The program of one complete step of CycleGAN (Zhu et al. 2017, §3–4) on `condition`, pictures of A, and `image`, pictures of
 * B that do not belong to them, both [batch, C, size, size] in [−1, 1].
 *
 * Both generators take one step of Adam by Σ λ_gan·GAN + λ_cycle·L1 cycle + λ_cycle·λ_identity·L1 identity, both discriminators
 * one by ½(real + fake) on real pictures and on those that their pools show for the made ones. As there, the discriminators see
 * the pictures made before the generators' update, so both gradients are taken at the weights before the step.
 *
 * Returned scalars are unweighted losses by `cycleLossNames`. Feeds besides the pictures: see `cycleFeeds`.
 */
export function cycleProgram(options: CycleOptions): Program {
  const { batch, size, forward, reverse, lambdaCycle, lambdaIdentity } = options;
  const graph = new Graph('cycle-step');
  const channels = (network: Graph) => network.inputs[0]!.shape[1]!;
  const a = graph.input('condition', 'float32', [batch, channels(forward.generator), size, size]);
  const b = graph.input('image', 'float32', [batch, channels(reverse.generator), size, size]);
  const [inputsG, inputsD] = [adamInputs(graph, 'g'), adamInputs(graph, 'd')];
  const rate = options.ema ? graph.input('emaRate', 'float32', []) : undefined;

  const g = declareTrained(graph, 'g', forward.generator);
  const gReverse = declareTrained(graph, 'gReverse', reverse.generator);
  const make = generating(graph);
  const made = make(g, a, 'made');
  const madeReverse = make(gReverse, b, 'madeReverse');

  const same = (generator: TrainedNetwork, x: Value, use: string) =>
    lambdaIdentity > 0 ? reconstructionLoss('l1', make(generator, x, use).picture, x) : undefined;

  const directions = [
    {
      suffix: '' as const,
      d: declareTrained(graph, 'd', forward.discriminator),
      ...{ real: b, fake: made.picture },
      cycle: reconstructionLoss('l1', make(gReverse, made.picture, 'again').picture, a),
      identity: same(g, b, 'same'),
    },
    {
      suffix: 'Reverse' as const,
      d: declareTrained(graph, 'dReverse', reverse.discriminator),
      ...{ real: a, fake: madeReverse.picture },
      cycle: reconstructionLoss('l1', make(g, madeReverse.picture, 'againReverse').picture, b),
      identity: same(gReverse, a, 'sameReverse'),
    },
  ];
  const losses = new Map<string, Value>();
  const judged = directions.map(({ suffix, d, real, fake, cycle, identity }) => {
    const pool = imagePool(graph, `pool${suffix}`, fake, options.pool);
    const { ganMode, diffaugment } = options;
    const judging = { ganMode, diffaugment, batch, size, suffix, seen: [pool.seen] };
    const terms = adversarialTerms(graph, judging, d, undefined, real, [fake]);
    const { dReal, dFake, penalty } = terms.parts;
    const own = { gan: terms.generator, cycle, identity, dReal, dFake, penalty };
    for (const [kind, value] of Object.entries(own)) if (value) losses.set(`${kind}${suffix}`, value);
    const generator = total(graph, [
      [options.lambdaGan, terms.generator],
      [lambdaCycle, cycle],
      [lambdaCycle * lambdaIdentity, identity],
    ]);
    return { ...terms, d, generator, pool };
  });
  const [one, other] = judged as [(typeof judged)[0], (typeof judged)[0]];

  const adam = { beta1: options.beta1, beta2: options.beta2 };
  const both = [g, gReverse];
  // One pass backwards serves both generators: what one makes is the other's input.
  const gradients = gradient(
    add(one.generator, other.generator),
    both.flatMap(({ weights }) => [...weights.values()]),
  );
  const state = [
    ...update(graph, g, gradients.slice(0, g.weights.size), inputsG, adam, {
      rate,
      statistics: made.statistics,
    }),
    ...update(graph, gReverse, gradients.slice(g.weights.size), inputsG, adam, {
      rate,
      statistics: madeReverse.statistics,
    }),
    ...judged.flatMap(({ d, discriminator, statistics }) =>
      update(graph, d, discriminator, inputsD, adam, { statistics }),
    ),
    ...judged.flatMap((direction) => direction.pool.state),
  ];
  for (const name of cycleLossNames) {
    const value = losses.get(name);
    if (value) graph.output(value, name);
  }
  return { graph: prune(graph), state };
}

/** Applies generators in training form. */
function generating(graph: Graph) {
  const dropout = dropoutInputs(graph);
  return (trained: TrainedNetwork, x: Value, use: string) => {
    const inputs = { [trained.network.inputs[0]!.name]: x };
    const { outputs, statistics } = apply(graph, trained, inputs, use, { dropout });
    return { picture: outputs[0]!, statistics };
  };
}

/**
 * What step `step` (0, 1, …) feeds: what `stepFeeds` does, and the moves of both pools. Every random number comes from a stream
 * keyed by seed, purpose and step.
 */
export function cycleFeeds(
  graph: Graph,
  batch: Batch,
  step: number,
  options: FeedOptions & { pool: number },
): Record<string, Tensor> {
  const { seed, pool } = options;
  const feeds = stepFeeds(graph, batch, step, options);
  const [count] = feeds.image!.shape as [number];
  for (const name of pool > 0 ? ['pool', 'poolReverse'] : [])
    Object.assign(feeds, poolFeeds(name, rng(seed, name, step), step, count, pool));
  return feeds;
}
