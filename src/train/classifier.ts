import type { Program, State } from '../backend/backend.ts';
import { float32, Graph, type Tensor, type Value } from '../graph/graph.ts';
import { prune } from '../graph/prune.ts';
import { logSoftmax } from '../ops/activation.ts';
import { mul, neg } from '../ops/elementwise.ts';
import { mean, reduceSum } from '../ops/reduce.ts';
import { total } from './losses.ts';
import type { AdamOptions, Schedule } from './optimiser.ts';
import { adamFeeds, adamInputs, emaRate, learningRate } from './optimiser.ts';
import { apply, declareTrained, update } from './trained-network.ts';

export interface ClassifierOptions extends AdamOptions {
  /** Takes `image`; its outputs after the first are logits [batch, classes], by the name of their head. */
  network: Graph;
  batch: number;
  /** Weight of each head's loss. */
  weights: Readonly<Record<string, number>>;
  /** Whether a moving average of the network is kept. */
  ema: boolean;
}

/** Names of the heads of a classifier: of its outputs but the first. */
export function headsOf(network: Graph): string[] {
  return network.outputs.slice(1).map(({ name }) => name);
}

/** Mean over the batch of −Σ truth·ln softmax(logits), both [batch, classes]; each row of `truth` has sum 1. */
export function crossEntropy(logits: Value, truth: Value): Value {
  return neg(mean(reduceSum(mul(truth, logSoftmax(logits)), [1])));
}

/**
 * The program of one training step of a classifier with several heads: forward, weighted sum of cross-entropies, gradient,
 * Adam, moving average. Feeds: `image`, `truth/<head>` [batch, classes], `c/stepSize`, `c/epsilon`, `emaRate`. Returns each
 * head's cross-entropy under its name. State is named as in `update`, with prefix `c`.
 */
export function classifierProgram(options: ClassifierOptions): Program {
  const { network, batch, weights } = options;
  const graph = new Graph('classifier step');
  const input = network.inputs[0]!;
  const image = graph.input('image', 'float32', [batch, ...input.shape.slice(1)]);
  const trained = declareTrained(graph, 'c', network);
  const made = apply(graph, trained, { [input.name]: image }, 'classifier');
  const losses = headsOf(network).map((head, i) => {
    const logits = made.outputs[i + 1]!;
    const truth = graph.input(`truth/${head}`, 'float32', [batch, logits.shape[1]!]);
    return { head, loss: crossEntropy(logits, truth) };
  });
  const loss = total(
    graph,
    losses.map(({ head, loss }) => [weights[head] ?? 1, loss]),
  );
  const inputs = adamInputs(graph, 'c');
  const rate = options.ema ? graph.input('emaRate', 'float32', []) : undefined;
  const state: State[] = update(graph, trained, loss, inputs, options, {
    ...(rate && { rate }),
    statistics: made.statistics,
  });
  for (const { head, loss } of losses) graph.output(loss, head);
  return { graph: prune(graph), state };
}

export interface ClassifierFeedOptions extends AdamOptions {
  steps: number;
  lr: number;
  schedule: Schedule;
  constantFraction: number;
  ema: number;
  /** Share of a row of `truth` that is spread over all classes (Szegedy et al. 2016, §7). */
  smoothing: number;
}

/** What step `step` (0, 1, …) of a `classifierProgram` feeds: pictures, classes by head, and the schedules' scalars. */
export function classifierFeeds(
  graph: Graph,
  image: Float32Array,
  classes: Readonly<Record<string, Int32Array>>,
  step: number,
  options: ClassifierFeedOptions,
): Record<string, Tensor> {
  const lr = learningRate(options.lr, options.schedule, options.constantFraction, step, options.steps);
  const feeds: Record<string, Tensor> = adamFeeds('c', step + 1, lr, options);
  for (const { name, shape } of graph.inputs) {
    const dims = shape as readonly number[];
    if (name === 'image') feeds.image = float32(dims, image);
    else if (name === 'emaRate') feeds.emaRate = float32([], [emaRate(options.ema, step + 1)]);
    else if (name.startsWith('truth/')) {
      const truth = oneHot(classes[name.slice('truth/'.length)]!, dims[1]!, options.smoothing);
      feeds[name] = float32(dims, truth);
    }
  }
  return feeds;
}

function oneHot(classes: Int32Array, count: number, smoothing: number): Float32Array {
  const rows = new Float32Array(classes.length * count).fill(smoothing / count);
  for (const [i, k] of classes.entries()) rows[i * count + k]! += 1 - smoothing;
  return rows;
}
