import { type Attributes, float32, type Graph, type Node, type Tensor, type Value } from '../graph/graph.ts';
import { conv } from '../ops/conv.ts';
import { convGeometry } from '../ops/conv-geometry.ts';
import { instanceNorm } from '../ops/norm.ts';
import { num } from '../ops/op.ts';
import { copyGraph, copyNode, internConstant } from './copy.ts';
import { rankOne } from './rank-one.ts';
import { layerName } from './weights.ts';

/** What the depthwise half of a layer gives on calibration pictures, one number for each channel. */
export interface DepthwiseStatistics {
  readonly mean: ArrayLike<number>;
  readonly std: ArrayLike<number>;
}

export interface SeparateOptions {
  /**
   * Which convolutions; by default those inside residual blocks, of a network with SPADE modulations those that give their
   * scales and shifts (Li et al. 2020). Only dense k×k ones are taken in any case.
   */
  which?: (node: Node) => boolean;
  /** By layer name, from `depthwiseStatistics`; without them inputs count as uncorrelated, of mean 0 and variance 1. */
  statistics?: ReadonlyMap<string, DepthwiseStatistics>;
}

/**
 * A network whose dense k×k convolutions are replaced by a depthwise one, an instance norm without parameters and a 1×1
 * convolution (GAN Compression, Li et al. 2020, §3.3; named as `models/resnet.ts` names them). Weights start as the nearest
 * product of a kernel for each input channel and a number for each pair of channels. The norm divides each channel by its
 * standard deviation and takes its mean away, so the 1×1 weights are multiplied by the former and the bias takes over the
 * latter: exactly what the statistics say, or 1 and 0, as kernels have length 1.
 */
export function separate(graph: Graph, options: SeparateOptions = {}): Graph {
  const chosen = separableConvolutions(graph, options.which);
  const pads = padsBefore(graph, chosen);
  return copyGraph(graph, {
    node(node, inputs, target) {
      const layer = chosen.get(node) ?? pads.get(node);
      if (layer === undefined) return undefined;
      if (pads.has(node)) {
        const name = node.name.replace(`${layer}/`, `${layer}.depthwise/`);
        return copyNode(target, node, inputs, { name });
      }
      const made = separated(target, node, inputs[0]!, layer, options.statistics?.get(layer));
      const [y] = node.outputs;
      return [y!.name.startsWith(`${node.name}:`) ? made : target.named(made, y!.name)];
    },
  });
}

/** The convolutions `separate` replaces, with the names of their layers. */
export function separableConvolutions(graph: Graph, which?: (node: Node) => boolean): Map<Node, string> {
  const blocks = which ? undefined : defaultConvolutions(graph);
  const chosen = new Map<Node, string>();
  for (const node of graph.nodes) {
    const weight = node.inputs[1];
    if (node.op !== 'Conv' || !weight?.tensor || weight.dtype !== 'float32') continue;
    if (node.inputs[2] && !node.inputs[2].tensor) continue;
    const [outputs, inputs, rows, columns] = weight.tensor.shape as [number, number, number, number];
    const dense = num(node.attributes, 'group', 1) === 1 && outputs > 1 && inputs > 1 && rows * columns > 1;
    if (dense && (which?.(node) ?? blocks!.has(node))) chosen.set(node, layerName(weight.name));
  }
  return chosen;
}

/** Splits a convolution's weights; `kernels` [in, 1, k, k] for the depthwise half, `gains` [out, in] for the other. */
export function splitWeights(node: Node): { kernels: Tensor; gains: Float32Array } {
  const { shape, data } = node.inputs[1]!.tensor!;
  const [outputs, inputs, rows, columns] = shape as [number, number, number, number];
  const { kernels, gains } = rankOne(data as Float32Array, outputs, inputs, rows * columns);
  return { kernels: float32([inputs, 1, rows, columns], kernels), gains };
}

/** Strides, pads and dilations of a convolution, made depthwise for `channels`. */
export function depthwiseAttributes(node: Node, channels: number): Attributes {
  const { strides, pads, dilations } = convGeometry(node);
  return {
    strides,
    pads,
    ...(dilations.some((d) => d !== 1) && { dilations }),
    group: channels,
  };
}

function separated(
  target: Graph,
  node: Node,
  x: Value,
  layer: string,
  statistics: DepthwiseStatistics | undefined,
): Value {
  const { kernels, gains } = splitWeights(node);
  const [outputs, channels] = node.inputs[1]!.tensor!.shape as [number, number];
  const bias = Float32Array.from({ length: outputs }, (_, o) => Number(node.inputs[2]?.tensor?.data[o] ?? 0));
  const scaled = new Float32Array(gains);
  if (statistics) {
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < channels; i++) {
        const at = o * channels + i;
        scaled[at]! *= statistics.std[i]!;
        bias[o]! += gains[at]! * statistics.mean[i]!;
      }
    }
  }
  const parameter = (name: string, tensor: Tensor) => internConstant(target, `${layer}.${name}`, tensor);
  const each = target.scoped(`${layer}.depthwise`, () => {
    const weight = parameter('depthwise.weight', kernels);
    const shift = parameter('depthwise.bias', float32([channels], new Float32Array(channels)));
    const y = conv(x, weight, { ...depthwiseAttributes(node, channels), bias: shift });
    const filled = (name: string, fill: number) =>
      internConstant(
        target,
        `${name}${channels}`,
        float32([channels], new Float32Array(channels).fill(fill)),
      );
    return instanceNorm(y, filled('ones', 1), filled('zeros', 0));
  });
  return target.scoped(`${layer}.pointwise`, () =>
    conv(each, parameter('pointwise.weight', float32([outputs, channels, 1, 1], scaled)), {
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      group: 1,
      bias: parameter('pointwise.bias', float32([outputs], bias)),
    }),
  );
}

/** Pad nodes that belong to a chosen layer alone: they move to its depthwise half, in name too. */
function padsBefore(graph: Graph, chosen: ReadonlyMap<Node, string>): Map<Node, string> {
  const pads = new Map<Node, string>();
  for (const [node, layer] of chosen) {
    const before = node.inputs[0]!.node;
    if (before?.op !== 'Pad' || !before.name.startsWith(`${layer}/`)) continue;
    const readers = graph.nodes.filter((reader) => reader.inputs.includes(before.outputs[0]!));
    if (readers.length === 1) pads.set(before, layer);
  }
  return pads;
}

function defaultConvolutions(graph: Graph): Set<Node> {
  const modulations = modulationConvolutions(graph);
  return modulations.size > 0 ? modulations : residualConvolutions(graph);
}

/** The convolutions behind the scale and the shift of x·(1 + scale) + shift, both as large as x (Park et al. 2019). */
function modulationConvolutions(graph: Graph): Set<Node> {
  const found = new Set<Node>();
  const isMap = (x: Value | null | undefined): x is Value & { node: Node } =>
    x?.node?.op === 'Conv' && x.shape.length === 4;
  for (const { op, inputs } of graph.nodes) {
    const product = op === 'Add' ? inputs.find((x) => x?.node?.op === 'Mul') : undefined;
    const shift = inputs.find((x) => x !== product);
    if (!product?.node || !isMap(shift)) continue;
    for (const factor of product.node.inputs) {
      if (factor?.node?.op !== 'Add') continue;
      const scale = factor.node.inputs.find(isMap);
      const one = factor.node.inputs.find((x) => x !== scale)?.tensor;
      if (scale && one && Array.prototype.every.call(one.data, (x) => x === 1))
        found.add(scale.node).add(shift.node);
    }
  }
  return found;
}

/** The most convolutions on the way from a block's input to its sum; a longer way round is no residual block. */
const longestBlock = 4;

/** Convolutions between a value and an Add that puts their result back onto it. */
function residualConvolutions(graph: Graph): Set<Node> {
  const found = new Set<Node>();
  for (const sum of graph.nodes) {
    const [a, b] = sum.inputs;
    if (sum.op !== 'Add' || !a?.node || !b?.node) continue;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const start = shortcutStart(from) ?? from;
      for (const node of convolutionsBetween(start, to) ?? []) found.add(node);
    }
  }
  return found;
}

/** Where a shortcut begins that is a 1×1 convolution and perhaps a resize: what the block it passes by is given. */
function shortcutStart(end: Value): Value | undefined {
  const resized = ({ node }: Value): Value | undefined =>
    node?.op === 'Resize' || node?.op === 'AveragePool' ? node.inputs[0]! : undefined;
  const { node } = resized(end) ?? end;
  const weight = node?.op === 'Conv' ? node.inputs[1] : undefined;
  if (!weight?.tensor?.shape.slice(2).every((d) => d === 1)) return undefined;
  const x = node!.inputs[0]!;
  return resized(x) ?? x;
}

function convolutionsBetween(from: Value, to: Value): Node[] | undefined {
  const seen = new Set<Value>([from]);
  const open = [to];
  const convolutions: Node[] = [];
  let reached = false;
  while (open.length > 0) {
    const value = open.pop()!;
    if (value === from) reached = true;
    if (seen.has(value) || value.tensor) continue;
    seen.add(value);
    // A vector, of a class or a latent or of means, modulates the block from aside.
    if (value.shape.length <= 2) continue;
    if (!value.node) return undefined;
    if (value.node.op === 'Conv') convolutions.push(value.node);
    if (convolutions.length > longestBlock) return undefined;
    for (const x of value.node.inputs) if (x) open.push(x);
  }
  return reached ? convolutions : undefined;
}
