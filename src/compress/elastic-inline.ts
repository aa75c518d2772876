import { floorDivDim } from '../graph/dims.ts';
import { constantNumbers, type Dim, float32, type Graph, type Node, type Value } from '../graph/graph.ts';
import { Conv, ConvTranspose } from '../ops/conv.ts';
import { spreadDiagonal } from '../ops/depthwise.ts';
import { div } from '../ops/elementwise.ts';
import type { Known } from '../ops/fold/known.ts';
import { type Inlined, type InlineOptions, inline } from '../ops/inline.ts';
import { reshapedDims } from '../ops/layout.ts';
import { emit, num } from '../ops/op.ts';
import { Resize } from '../ops/resize.ts';
import { split } from '../ops/segments.ts';
import { sizesValue } from '../ops/sizes.ts';
import { slice } from '../ops/window.ts';
import { GanletError } from '../util/errors.ts';
import { type Cut, cut, cutsOf, dimOf, gcd, sizeOfAxis, type Widths } from './elastic.ts';
import { type ChannelGroups, channelGroups } from './groups.ts';

/** A parameter as an elastic application reads it. */
export interface Part {
  /** The channels it has at the widths. */
  readonly value: Value;
  readonly cuts: readonly Cut[];
}

export interface ElasticInlined extends Inlined {
  /** The parameters of which only a part is read, by name. */
  parts: Map<string, Part>;
}

/**
 * Copies a network into another graph as `inline` does, at widths that may be read at run time: every constant of the channel
 * groups is cut there to the first channels of each, sizes written down in the network (depthwise groups, shapes to reshape
 * to, parts to split into) follow. It computes what `narrow` with the same prefixes computes. Shapes hold symbols.
 * Throws ELASTIC_UNSUPPORTED, naming the node, for a network that cannot be applied so.
 */
export function inlineElastic(
  target: Graph,
  network: Graph,
  widths: Widths,
  options: InlineOptions,
  groups: ChannelGroups = channelGroups(network),
): ElasticInlined {
  const parts = new Map<string, Part>();
  const whole = new Map<Value, Value>();
  const made = new Map<string, Value>();
  const parameter = (constant: Value, user: Node | undefined): Value | undefined => {
    const given = options.parameter?.(constant, user);
    const cuts = cutsOf(groups, widths, constant, user);
    // What is given at its widths is not cut again.
    if (cuts.length === 0 || given?.shape.some((d, k) => d !== constant.shape[k])) return given;
    const full =
      given ?? whole.get(constant) ?? target.constant(constant.tensor!, `${options.prefix}/${constant.name}`);
    whole.set(constant, full);
    const key = `${full.name} ${cuts.map((c) => `${c.axis} ${c.segments.map((s) => s.group)}`)}`;
    const value = made.get(key) ?? cut(full, cuts, widths);
    made.set(key, value);
    const before = parts.get(constant.name);
    if (given && before && before.value !== value)
      throw unsupported(`"${constant.name}" is read by layers of different channel groups`);
    parts.set(constant.name, { value, cuts });
    return value;
  };
  const context: Lowering = { target, groups, widths };
  const lower: InlineOptions['lower'] = (node, inputs, known) =>
    target.scoped(options.prefix, () => lowered(context, node, inputs, known)) ??
    options.lower?.(node, inputs, known);
  const dropout = options.dropout && {
    dropout: (node: Node, x: Value) => {
      const cuts = cutsOf(groups, widths, node.inputs[0]!, node);
      const shape = x.shape.map((d, k) => (cuts.some((c) => c.axis === k) ? node.inputs[0]!.shape[k]! : d));
      return cut(options.dropout!(node, { ...x, shape }), cuts, widths);
    },
  };
  try {
    return { ...inline(target, network, { ...options, parameter, lower, ...dropout }), parts };
  } catch (error) {
    if (!(error instanceof GanletError) || error.code === 'ELASTIC_UNSUPPORTED') throw error;
    throw unsupported(error.message, error);
  }
}

interface Lowering {
  target: Graph;
  groups: ChannelGroups;
  widths: Widths;
}

function lowered(
  context: Lowering,
  node: Node,
  inputs: readonly (Value | null)[],
  known: (x: Value | null | undefined) => Known | undefined,
): Value[] | undefined {
  const { groups, widths } = context;
  const y = node.outputs[0]!;
  const elastic = (value: Value, axis: number) => {
    const segments = groups.segments(value, axis, node);
    return segments?.some(({ group }) => widths.has(group)) ? segments : undefined;
  };
  switch (node.op) {
    case 'Conv':
    case 'ConvTranspose': {
      const group = num(node.attributes, 'group', 1);
      return group > 1 && elastic(y, 1) ? [depthwise(context, node, inputs)] : undefined;
    }
    case 'Reshape':
    case 'Expand': {
      const [x, read] = inputs as [Value, Value];
      const rank = read.shape[0] as number;
      const sizes = constantNumbers(node.inputs[1]) ?? known(read)?.items ?? y.shape.slice(-rank);
      const first = y.shape.length - sizes.length;
      const open = sizes.map((d, k) => (d === 1 || d === 0 || d === -1 ? undefined : elastic(y, first + k)));
      if (open.every((segments) => !segments)) return undefined;
      const values = sizes.map((d, k) => {
        if (open[k]) return sizeOfAxis(open[k], widths);
        return typeof d === 'number' ? d : slice(read, [0], [k], [k + 1]);
      });
      const dims = sizes.map((d, k): Dim => (open[k] ? dimOf(open[k], widths) : d));
      const shape =
        node.op === 'Reshape'
          ? reshapedDims({ ...node, inputs }, dims)
          : y.shape
              .map((d, k) => (k < first ? d : (dims[k - first] ?? d)))
              .map((d, k) => (d === 1 ? (x.shape[k - (y.shape.length - x.shape.length)] ?? d) : d));
      const inputsNow = [x, sizesValue(x.graph, values)];
      return context.target.add(node.op, inputsNow, {}, [{ dtype: x.dtype, shape }], node.name).outputs;
    }
    case 'Resize': {
      const sizes = constantNumbers(node.inputs[3]) ?? known(inputs[3])?.items;
      return sizes && elastic(y, 1) ? [resized(node, inputs, sizes)] : undefined;
    }
    case 'Split': {
      const raw = num(node.attributes, 'axis', 0);
      const axis = raw < 0 ? raw + y.shape.length : raw;
      if (!node.outputs.some((part) => elastic(part, axis))) return undefined;
      const segments = node.outputs.map((part) => groups.segments(part, axis, node));
      const sizes = node.outputs.map((part, i) =>
        segments[i] ? sizeOfAxis(segments[i], widths) : (part.shape[axis] as number),
      );
      const dims = node.outputs.map((part, i) =>
        segments[i] ? dimOf(segments[i], widths) : part.shape[axis]!,
      );
      return split(inputs[0]!, axis, sizesValue(context.target, sizes), dims);
    }
    default:
      return undefined;
  }
}

/** A depthwise convolution of a number of channels read at run time, see `spreadDiagonal`. */
function depthwise(
  { target, groups, widths }: Lowering,
  node: Node,
  inputs: readonly (Value | null)[],
): Value {
  const [x, w, bias] = inputs;
  const op = node.op === 'Conv' ? Conv : ConvTranspose;
  const segments = groups.segments(node.inputs[0]!, 1, node) ?? [];
  const channels = node.inputs[0]!.shape[1] as number;
  const size = sizeOfAxis(segments, widths);
  const given = bias ? [x!, w!, bias] : [x!, w!];
  if (typeof size === 'number') return emit(op, given, { ...node.attributes, group: size });
  const multiple = segments.map((segment) => {
    const now = widths.get(segment.group) ?? segment.width;
    return (typeof now === 'number' ? now : now.multiple) * segment.factor;
  });
  const group = multiple.reduce(gcd);
  const most = channels / group;
  const identity = target.sharedConstant(`identity${most}`, () => {
    const data = new Float32Array(most * most);
    for (let i = 0; i < most; i++) data[i * most + i] = 1;
    return float32([most, most], data);
  });
  const dim = floorDivDim(dimOf(segments, widths), group);
  const ends = sizesValue(target, [div(size, group), div(size, group)]);
  const cutTo = [identity, target.vector([0, 0]), ends, target.vector([0, 1])];
  const cutIdentity = target.add('Slice', cutTo, {}, [{ dtype: 'float32', shape: [dim, dim] }]).outputs[0]!;
  const filters = (node.inputs[1]!.shape[0] as number) / channels;
  const spread = spreadDiagonal(w!, group, filters, cutIdentity);
  return emit(op, [x!, spread, ...(bias ? [bias] : [])], { ...node.attributes, group });
}

/** Sizes written down for all axes become factors of the image's sides: the channels follow by themselves. */
function resized(node: Node, inputs: readonly (Value | null)[], sizes: readonly Dim[]): Value {
  const x = inputs[0]!;
  const scales = x.shape.map((d, k) => (k < 2 ? 1 : Number(sizes[k]) / Number(d)));
  const fits = scales.every(
    (s, k) => k < 2 || Math.floor((x.shape[k] as number) * Math.fround(s)) === sizes[k],
  );
  if (!fits) throw unsupported(`Resize "${node.name}" must resize by factors that come out even`);
  const factors = x.graph.sharedConstant(`scales${scales.slice(2).join('x')}`, () => float32([4], scales));
  return emit(Resize, [x, null, factors], node.attributes);
}

function unsupported(what: string, cause?: GanletError): GanletError {
  return new GanletError('ELASTIC_UNSUPPORTED', `the network cannot run at widths of its inputs: ${what}`, {
    hint: 'leave the channel groups of that node out of the widths',
    cause,
  });
}
