import {
  type Attributes,
  constantNumbers,
  type Graph,
  int64,
  type Node,
  type Tensor,
  type TensorData,
  type Value,
} from '../graph/graph.ts';
import { where } from '../ops/elementwise.ts';
import { num } from '../ops/op.ts';
import { GanletError } from '../util/errors.ts';
import { copyGraph, copyNode, internConstant } from './copy.ts';
import { type ChannelGroups, channelGroups } from './groups.ts';

/** Channels to keep of each group, by their index there; their order is that of the narrowed network. */
export type Keep = ReadonlyMap<string, readonly number[]>;

/**
 * A static network with only the channels to keep: every constant of the groups is cut to them, in the order given, sizes
 * written down in the graph (depthwise groups, shapes to reshape to, parts to split into) follow, and types are inferred
 * anew. Groups left out keep all channels. Names stay as they are. What is kept computes what it computed before as far as
 * it did not depend on dropped channels; keeping all in another order changes nothing but rounding.
 * Throws GROUP_UNKNOWN, GROUP_FIXED and CHANNELS_INVALID.
 */
export function narrow(graph: Graph, keep: Keep, groups: ChannelGroups = channelGroups(graph)): Graph {
  checkKeep(groups, keep);
  const kept = (value: Value, axis: number, user: Node) => keptPositions(groups, keep, value, axis, user);
  const size = (value: Value, axis: number, user: Node) =>
    kept(value, axis, user)?.length ?? (value.shape[axis] as number);

  return copyGraph(graph, {
    constant(value, user) {
      let tensor = value.tensor!;
      for (const axis of tensor.shape.keys()) {
        const positions = kept(value, axis, user);
        if (positions) tensor = takeAlong(tensor, axis, positions);
      }
      return { name: sizedName(value, tensor), tensor };
    },
    node(node, inputs, target) {
      const outputs = copyNode(target, node, fittedInputs(node, inputs, target), fittedAttributes(node));
      for (const [i, y] of node.outputs.entries()) {
        const shape = y.shape.map((_, k) => (kept(y, k, node) ? size(y, k, node) : outputs[i]!.shape[k]!));
        if (String(shape) !== String(y.shape)) outputs[i]!.shape = shape;
      }
      return outputs;
    },
  });

  function fittedAttributes(node: Node): { attributes?: Attributes } {
    const depthwise = /^Conv(Transpose)?$/.test(node.op) && num(node.attributes, 'group', 1) > 1;
    return depthwise ? { attributes: { ...node.attributes, group: size(node.inputs[0]!, 1, node) } } : {};
  }

  /** Sizes among the inputs, of shapes to reshape to and of parts to split into, follow the channels. */
  function fittedInputs(node: Node, inputs: (Value | null)[], target: Graph): (Value | null)[] {
    const slot = sizeSlots[node.op];
    const sizes = slot === undefined ? undefined : inputs[slot];
    if (!sizes) return inputs;
    const now = node.op === 'Split' ? partSizes(node) : shapeSizes(node, constantNumbers(sizes));
    if (!now) return inputs;
    const fitted = [...inputs];
    fitted[slot!] = sizes.tensor
      ? internConstant(target, `i${now.join('_')}`, int64(now as number[]))
      : replaced(sizes, now, `${node.name}:narrowed`);
    return fitted;
  }

  function partSizes(node: Node): number[] | undefined {
    const rank = node.inputs[0]!.shape.length;
    const axis = (num(node.attributes, 'axis', 0) + rank) % rank;
    const narrowed = node.outputs.some((part) => kept(part, axis, node));
    return narrowed ? node.outputs.map((part) => size(part, axis, node)) : undefined;
  }

  /** The sizes a node's output gets, null for those that stay as they are computed; undefined when all stay. */
  function shapeSizes(node: Node, written: readonly number[] | undefined): (number | null)[] | undefined {
    const y = node.outputs[0]!;
    const first = y.shape.length - (written?.length ?? y.shape.length);
    const now = y.shape.slice(first).map((_, k) => {
      const own = written?.[k] ?? null;
      return (own ?? 2) > 1 && kept(y, first + k, node) ? size(y, first + k, node) : own;
    });
    return now.some((d, k) => d !== (written?.[k] ?? null)) ? now : undefined;
  }
}

/** The network with the first channels of each group, as many as `widths` says, as `narrow` makes it and with its errors. */
export function narrowPrefix(
  graph: Graph,
  widths: ReadonlyMap<string, number>,
  groups: ChannelGroups = channelGroups(graph),
): Graph {
  const first = (count: number) => Array.from({ length: count }, (_, i) => i);
  return narrow(graph, new Map([...widths].map(([name, width]) => [name, first(width)])), groups);
}

/** Where operators are told the sizes of what they make. */
const sizeSlots: Record<string, number> = { Reshape: 1, Expand: 1, Split: 1, Resize: 3 };

/** Sizes computed when the network runs, with numbers in the place of some. */
function replaced(sizes: Value, now: readonly (number | null)[], name: string): Value {
  const { graph } = sizes;
  const mask = Uint8Array.from(now, (d) => Number(d !== null));
  const given = graph.constant({ dtype: 'bool', shape: [now.length], data: mask }, name);
  return where(given, graph.vector(now.map((d) => d ?? 0)), sizes);
}

/** Positions of an axis that stay, in their new order; undefined when all stay where they are. */
function keptPositions(
  groups: ChannelGroups,
  keep: Keep,
  value: Value,
  axis: number,
  user: Node,
): number[] | undefined {
  const segments = groups.segments(value, axis, user);
  if (!segments?.some(({ group }) => keep.has(group))) return undefined;
  return segments.flatMap(({ group, offset, width, factor }) => {
    const channels = keep.get(group) ?? Array.from({ length: width }, (_, i) => i);
    return channels.flatMap((c) => Array.from({ length: factor }, (_, i) => offset + c * factor + i));
  });
}

/** The slices of a tensor at the positions of one axis, in their order. */
export function takeAlong(tensor: Tensor, axis: number, positions: readonly number[]): Tensor {
  const shape = tensor.shape.map((d, k) => (k === axis ? positions.length : d));
  const before = tensor.shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const after = tensor.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const whole = tensor.shape[axis]!;
  const Data = tensor.data.constructor as new (length: number) => Float32Array;
  const data = new Data(before * positions.length * after);
  const from = tensor.data as Float32Array;
  let at = 0;
  for (let row = 0; row < before; row++) {
    for (const p of positions) {
      const start = (row * whole + p) * after;
      data.set(from.subarray(start, start + after), at);
      at += after;
    }
  }
  return { dtype: tensor.dtype, shape, data: data as TensorData };
}

/** Vectors named by their length (`ones64`, of an instance norm without parameters) keep to it. */
function sizedName({ name, tensor }: Value, now: Tensor): string {
  const [length] = tensor!.shape;
  if (tensor!.shape.length !== 1 || length === now.shape[0]) return name;
  return name === `ones${length}` || name === `zeros${length}`
    ? name.replace(/\d+$/, `${now.shape[0]}`)
    : name;
}

function checkKeep(groups: ChannelGroups, keep: Keep): void {
  for (const [name, channels] of keep) {
    const group = groups.find(name);
    if (!group) {
      const names = groups.list.map((g) => g.name).join(', ');
      throw new GanletError('GROUP_UNKNOWN', `channel group "${name}" must be one of ${names}`);
    }
    if (!group.narrowable) {
      throw new GanletError(
        'GROUP_FIXED',
        `channel group "${name}" cannot be narrowed: ${group.reasons.slice(0, 3).join('; ')}`,
        { hint: 'leave it out' },
      );
    }
    const wrong = channels.find((c) => !Number.isInteger(c) || c < 0 || c >= group.width);
    const twice = channels.find((c, i) => channels.indexOf(c) !== i);
    if (channels.length === 0 || wrong !== undefined || twice !== undefined) {
      const found =
        channels.length === 0 ? 'none' : wrong !== undefined ? `channel ${wrong}` : `channel ${twice} twice`;
      throw new GanletError(
        'CHANNELS_INVALID',
        `channels kept of group "${name}" must be different whole numbers from 0 to ${group.width - 1}, at least one, got ${found}`,
      );
    }
  }
}
