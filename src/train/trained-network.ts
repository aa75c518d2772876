import { gradient } from '../autodiff/gradient.ts';
import type { State } from '../backend/backend.ts';
import { cut, putBack, type Widths } from '../compress/elastic.ts';
import { inlineElastic, type Part } from '../compress/elastic-inline.ts';
import { foldSpectralNorm } from '../compress/fold-spectral-norm.ts';
import type { ChannelGroups } from '../compress/groups.ts';
import type { Graph, Tensor, TensorData, Value } from '../graph/graph.ts';
import { convByColumns } from '../ops/conv-columns.ts';
import { where } from '../ops/elementwise.ts';
import type { Inlined, InlineOptions } from '../ops/inline.ts';
import { inline } from '../ops/inline.ts';
import { cancelledBiases, runningState, trainableParameters } from '../ops/parameters.ts';
import type { AdamInputs, AdamOptions } from './optimiser.ts';
import { adam, ema } from './optimiser.ts';

/** A network whose weights are state of the program that trains it. */
export interface TrainedNetwork {
  readonly name: string;
  readonly network: Graph;
  /** State inputs by the name of the constant they stand for. */
  readonly weights: ReadonlyMap<string, Value>;
  /** Running statistics of batch normalisation and vectors of spectral norms, likewise. */
  readonly statistics: ReadonlyMap<string, Value>;
  /** Values of its applications that its gradients take as constants; `apply` adds to them. */
  readonly held: Value[];
}

/**
 * Declares a network's weights and running statistics as inputs of `graph`, named `name/weight`. Biases that an instance norm
 * takes away stay as they are; so do the statistics with `frozen`.
 */
export function declareTrained(
  graph: Graph,
  name: string,
  network: Graph,
  { frozen = false } = {},
): TrainedNetwork {
  const declare = (values: readonly Value[]) =>
    new Map(values.map((v) => [v.name, graph.input(`${name}/${v.name}`, 'float32', v.shape)]));
  const cancelled = cancelledBiases(network);
  return {
    name,
    network,
    weights: declare(trainableParameters(network).filter((v) => !cancelled.has(v))),
    statistics: declare(frozen ? [] : runningState(network)),
    held: [],
  };
}

/** Masks of dropout layers, fed so that a resumed run repeats them: `dropout/0`, `dropout/1`, … */
export function dropoutInputs(graph: Graph): (x: Value, ratio: number) => Value {
  let count = 0;
  return (x, ratio) => graph.input(`dropout/${count++}/${ratio}`, 'float32', x.shape);
}

/** Widths at which a network is applied, and its channel groups. */
export interface AtWidths {
  readonly widths: Widths;
  readonly groups: ChannelGroups;
}

/** The weights of which an application reads only a part, by name. */
export interface Slices {
  readonly parts: ReadonlyMap<string, Part>;
  readonly widths: Widths;
}

/** One application of a trained network. */
export interface Applied extends Inlined {
  slices?: Slices;
}

/** Applies the network in training form, at the widths given. `use` tells several applications apart in names. */
export function apply(
  graph: Graph,
  trained: TrainedNetwork,
  inputs: Readonly<Record<string, Value>>,
  use: string,
  { dropout, at }: { dropout?: (x: Value, ratio: number) => Value; at?: AtWidths } = {},
): Applied {
  const options: InlineOptions = {
    inputs,
    prefix: use,
    parameter: (constant) => trained.weights.get(constant.name) ?? trained.statistics.get(constant.name),
    batchNorm: 'train',
    lower(node, [x, w, bias]) {
      if (node.op !== 'Conv' || !x || !w) return undefined;
      const product = graph.scoped(use, () => convByColumns(node, x, w, bias ?? null));
      return product && [product];
    },
    ...(dropout && {
      dropout: (node, x) => {
        const ratio = node.inputs[1]?.tensor ? Number(node.inputs[1].tensor.data[0]) : 0.5;
        return dropout(x, ratio);
      },
    }),
  };
  if (!at) {
    const applied = inline(graph, trained.network, options);
    trained.held.push(...applied.held);
    return applied;
  }
  const { parts, ...applied } = inlineElastic(graph, trained.network, at.widths, options, at.groups);
  trained.held.push(...applied.held);
  return { ...applied, slices: { parts, widths: at.widths } };
}

/**
 * Adds the update of a network's weights by the gradient of `loss`, and its moving average where `rate` is given. Returns
 * the state: weights `name/w`, moments `name/m/w` and `name/v/w`, averages `name/ema/w`, statistics `name/s`. In the place of
 * the loss its gradients by the weights may be given, in their order.
 *
 * With `slices`, those of the only application, weights and moments outside of them keep their bits: under Adam a gradient
 * of zero would let them drift on old momentum. Averages go on towards the weights wherever these are. With `when`, a bool,
 * all of the state keeps its bits in steps where it is false.
 */
export function update(
  graph: Graph,
  trained: TrainedNetwork,
  loss: Value | readonly Value[],
  inputs: AdamInputs,
  options: AdamOptions,
  {
    rate,
    statistics,
    slices,
    when,
  }: {
    rate?: Value | undefined;
    statistics?: ReadonlyMap<string, Value>;
    slices?: Slices | undefined;
    when?: Value | undefined;
  } = {},
): State[] {
  const names = [...trained.weights.keys()];
  const weights = [...trained.weights.values()];
  const parts = names.map((name) => slices?.parts.get(name));
  const gradients =
    'graph' in loss
      ? gradient(
          loss,
          weights.map((weight, i) => parts[i]?.value ?? weight),
          trained.held,
        )
      : loss;
  const states: State[] = [];
  const zeros = (like: Tensor): Tensor => ({ ...like, data: new Float32Array(like.data.length) });
  const copy = (like: Tensor): Tensor => ({ ...like, data: like.data.slice() as TensorData });
  const keep = (name: string, input: Value, next: Value, initial: Tensor) => {
    const kept = when ? where(when, next, input) : next;
    states.push({ name, input, output: graph.output(kept, `${name}:next`), initial });
  };
  graph.scoped(`${trained.name}/adam`, () => {
    for (const [i, weight] of weights.entries()) {
      const constant = trained.network.constants.get(names[i]!)!.tensor!;
      const moment = (kind: string) =>
        graph.input(`${trained.name}/${kind}/${names[i]}`, 'float32', weight.shape);
      const [m, v] = [moment('m'), moment('v')];
      const part = parts[i];
      const own = (whole: Value) => (part ? cut(whole, part.cuts, slices!.widths) : whole);
      const back = (whole: Value, value: Value) =>
        part ? putBack(whole, value, part.cuts, slices!.widths) : value;
      const next = adam(part?.value ?? weight, gradients[i]!, own(m), own(v), inputs, options);
      const nextWeight = back(weight, next.weight);
      keep(weight.name, weight, nextWeight, copy(constant));
      keep(m.name, m, back(m, next.m), zeros(constant));
      keep(v.name, v, back(v, next.v), zeros(constant));
      if (rate) {
        const average = moment('ema');
        keep(average.name, average, ema(average, nextWeight, rate), copy(constant));
      }
    }
    for (const [name, input] of trained.statistics) {
      const constant = trained.network.constants.get(name)!.tensor!;
      const next = statistics?.get(name);
      if (next) keep(input.name, input, next, copy(constant));
    }
  });
  return states;
}

/**
 * The network with the weights a program has arrived at: `state` holds them as `name/w`, or their averages when `ema`.
 * Running statistics are taken as they are. The graph given is changed and returned.
 */
export function withWeights(
  network: Graph,
  state: ReadonlyMap<string, Tensor>,
  name: string,
  { ema = false } = {},
): Graph {
  for (const [constant, value] of network.constants) {
    const tensor =
      (ema ? state.get(`${name}/ema/${constant}`) : undefined) ?? state.get(`${name}/${constant}`);
    if (tensor) value.tensor = { ...tensor, shape: value.tensor!.shape };
  }
  return network;
}

/**
 * The network as it is used and written once it is trained: `withWeights`, its spectral norms merged into the weights. Averages
 * are not the weights that the singular vectors were found for, so these are brought near to them first.
 */
export function finishedNetwork(
  network: Graph,
  state: ReadonlyMap<string, Tensor>,
  name: string,
  { ema = false } = {},
): Graph {
  return foldSpectralNorm(withWeights(network, state, name, { ema }), { iterations: ema ? 20 : 0 });
}
