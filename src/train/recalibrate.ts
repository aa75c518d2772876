import type { Backend, Feeds } from '../backend/backend.ts';
import { copyGraph, copyNode } from '../compress/copy.ts';
import { Graph, type Tensor } from '../graph/graph.ts';
import { inline } from '../ops/inline.ts';
import { batchStatistics } from '../ops/parameters.ts';
import { generatorFeeds } from './generator-feeds.ts';

/** What a generator is given for a batch: as much of it as it takes. */
export interface GivenBatch {
  /** [N, C, height, width], or of classes [N, K]. */
  condition?: Tensor;
  /** [N, Z] */
  latent?: Tensor;
}

export function batchSize({ condition, latent }: GivenBatch): number {
  return (condition ?? latent)?.shape[0] ?? 0;
}

/** The feeds `condition` and `latent`. */
export function givenFeeds({ condition, latent }: GivenBatch): Feeds {
  return { ...(condition && { condition }), ...(latent && { latent }) };
}

/**
 * Takes the running statistics of batch normalisation anew, as a narrowed network needs them: the mean over batches of each
 * batch's own mean and variance (a cumulative average; the momentum of training plays no part). `batches` are all of
 * one shape. A network without batch normalisation stays as it is. The graph given
 * is changed and returned.
 */
export async function recalibrate(
  network: Graph,
  batches: Iterable<GivenBatch> | AsyncIterable<GivenBatch>,
  backend: Backend,
): Promise<Graph> {
  const names = statisticNames(network);
  if (names.length === 0) return network;
  let compiled: Awaited<ReturnType<Backend['compile']>> | undefined;
  const average = cumulative();
  try {
    for await (const batch of batches) {
      compiled ??= await backend.compile({ graph: statisticsGraph(network, batch), state: [] });
      average.add(await compiled.run(givenFeeds(batch)));
    }
  } finally {
    await compiled?.dispose();
  }
  for (const [name, data] of average.means()) {
    const constant = network.constants.get(name)!;
    constant.tensor = { ...constant.tensor!, data };
  }
  return network;
}

/** Names of a network's running statistics. */
export function statisticNames(network: Graph): string[] {
  return [...new Set(batchStatistics(network).map((v) => v.name))];
}

function statisticsGraph(network: Graph, { condition, latent }: GivenBatch): Graph {
  const graph = new Graph('statistics');
  const given = {
    ...(condition && { condition: graph.input('condition', 'float32', condition.shape) }),
    ...(latent && { latent: graph.input('latent', 'float32', latent.shape) }),
  };
  const { statistics } = inline(graph, withoutMemory(network), {
    inputs: generatorFeeds(network, given),
    prefix: 'g',
    batchNorm: 'train',
  });
  for (const name of statisticNames(network)) graph.output(statistics.get(name)!, name);
  return graph;
}

/** The network with norms whose new average is this batch alone. */
export function withoutMemory(network: Graph): Graph {
  return copyGraph(network, {
    node: (node, inputs, target) =>
      node.op === 'BatchNormalization'
        ? copyNode(target, node, inputs, { attributes: { ...node.attributes, momentum: 0 } })
        : undefined,
  });
}

/** Averages tensors by name over any number of batches. */
function cumulative() {
  const sums = new Map<string, Float64Array>();
  let count = 0;
  return {
    add(batch: Readonly<Record<string, Tensor>>): void {
      count++;
      for (const [name, { data }] of Object.entries(batch)) {
        const sum = sums.get(name) ?? new Float64Array(data.length);
        for (let i = 0; i < data.length; i++) sum[i]! += data[i] as number;
        sums.set(name, sum);
      }
    },
    means: () => new Map([...sums].map(([name, sum]) => [name, Float32Array.from(sum, (x) => x / count)])),
  };
}
