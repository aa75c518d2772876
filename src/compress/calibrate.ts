import type { Backend, Feeds } from '../backend/backend.ts';
import { runGraph } from '../backend/onnxruntime.ts';
import type { Graph, Node, Tensor, Value } from '../graph/graph.ts';
import { conv } from '../ops/conv.ts';
import { abs, square, sub } from '../ops/elementwise.ts';
import { reduceMean } from '../ops/reduce.ts';
import { copyGraph, copyNode } from './copy.ts';
import { type ChannelGroups, channelGroups } from './groups.ts';
import {
  type DepthwiseStatistics,
  depthwiseAttributes,
  separableConvolutions,
  splitWeights,
} from './separable.ts';

/**
 * Mean and standard deviation that the depthwise halves of `separate` would give where the dense network runs on `feeds`, per
 * image (as an instance norm takes them) and averaged over the batch, by layer name.
 */
export async function depthwiseStatistics(
  graph: Graph,
  feeds: Feeds,
  { which, backend }: { which?: (node: Node) => boolean; backend?: Backend } = {},
): Promise<Map<string, DepthwiseStatistics>> {
  const chosen = separableConvolutions(graph, which);
  const results = await probe(graph, feeds, backend, (node, [x], target) => {
    const layer = chosen.get(node);
    if (layer === undefined) return {};
    const { kernels } = splitWeights(node);
    const each = conv(
      x!,
      target.constant(kernels, `${layer}.kernels`),
      depthwiseAttributes(node, kernels.shape[0]!),
    );
    const mean = reduceMean(each, [2, 3]);
    return { [`mean:${layer}`]: mean, [`variance:${layer}`]: reduceMean(square(sub(each, mean)), [2, 3]) };
  });
  return new Map(
    [...chosen.values()].map((layer) => [
      layer,
      {
        mean: averaged(results[`mean:${layer}`]!, (x) => x),
        std: averaged(results[`variance:${layer}`]!, Math.sqrt),
      },
    ]),
  );
}

/**
 * Mean |activation| of each channel of each group where its consumers read it (behind norm and activation function), averaged
 * over `feeds`, positions and consumers. Groups that no convolution reads are left out.
 */
export async function meanActivations(
  graph: Graph,
  feeds: Feeds,
  { groups = channelGroups(graph), backend }: { groups?: ChannelGroups; backend?: Backend } = {},
): Promise<Map<string, Float64Array>> {
  const read = new Map<string, Value>();
  const results = await probe(graph, feeds, backend, (node, [x]) => {
    if ((node.op !== 'Conv' && node.op !== 'ConvTranspose') || !node.inputs[1]?.tensor) return {};
    const name = `activation:${node.name}`;
    read.set(name, node.inputs[0]!);
    return { [name]: reduceMean(abs(x!), [0, 2, 3], false) };
  });
  const sums = new Map<string, { total: Float64Array; count: number }>();
  for (const [name, value] of read) {
    for (const { group, offset, width, factor } of groups.segments(value, 1) ?? []) {
      if (factor !== 1) continue;
      const sum = sums.get(group) ?? { total: new Float64Array(width), count: 0 };
      for (let i = 0; i < width; i++) sum.total[i]! += results[name]!.data[offset + i] as number;
      sum.count++;
      sums.set(group, sum);
    }
  }
  return new Map([...sums].map(([group, { total, count }]) => [group, total.map((x) => x / count)]));
}

/** Runs the network with other outputs: what `measure` adds before each node, by name. */
async function probe(
  graph: Graph,
  feeds: Feeds,
  backend: Backend | undefined,
  measure: (node: Node, inputs: (Value | null)[], target: Graph) => Record<string, Value>,
): Promise<Record<string, Tensor>> {
  const outputs: [string, Value][] = [];
  const probed = copyGraph(graph, {
    node(node, inputs, target) {
      const y = copyNode(target, node, inputs);
      outputs.push(...Object.entries(measure(node, inputs, target)));
      return y;
    },
  });
  if (outputs.length === 0) return {};
  probed.outputs.length = 0;
  for (const [name, value] of outputs) probed.output(value, name);
  return runGraph(probed, feeds, backend);
}

/** [images, channels, 1, 1] → the mean over images of `f` of each number. */
function averaged({ shape, data }: Tensor, f: (x: number) => number): Float64Array {
  const [images, channels] = shape as [number, number];
  const means = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) means[i % channels]! += f(data[i] as number) / images;
  return means;
}
