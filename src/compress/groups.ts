import type { Graph, Node, Value } from '../graph/graph.ts';
import { unusedName } from '../util/unused-name.ts';
import { type Axis, type TiedAxes, tieAxes } from './axes.ts';
import { layerName, layerOf, weightAxes } from './weights.ts';

/** An axis of a parameter or an activation. */
export interface AxisPlace {
  readonly value: Value;
  readonly axis: number;
  /** The node that reads it, for a constant of one repeated number, of which each reader takes as many as it needs. */
  readonly user?: Node;
}

/** Channels that can only be kept or dropped together everywhere they occur. */
export interface ChannelGroup {
  /** The first layer that makes them; the network's input or a parameter where none does. */
  readonly name: string;
  readonly width: number;
  readonly narrowable: boolean;
  /** Why the group cannot be narrowed, naming nodes; empty when it can. */
  readonly reasons: readonly string[];
  /** Constants with an axis of these channels: weights, biases, norm parameters, statistics. */
  readonly parameters: readonly AxisPlace[];
  readonly activations: readonly AxisPlace[];
  /** Weight axes along which filters make the channels. */
  readonly producers: readonly AxisPlace[];
  /** Weight axes along which later layers take them. */
  readonly consumers: readonly AxisPlace[];
}

/** A stretch of an axis that holds a whole group: positions offset … offset + width·factor − 1. */
export interface Segment {
  readonly group: string;
  readonly offset: number;
  /** Channels of the group. */
  readonly width: number;
  /** How many neighbouring positions each channel has: 1, or H·W behind a Flatten. */
  readonly factor: number;
}

export interface ChannelGroups {
  /** Groups with parameters, in the order in which the graph makes them. */
  readonly list: readonly ChannelGroup[];
  find(name: string): ChannelGroup | undefined;
  /**
   * The groups that lie one after the other along an axis; undefined for an axis without groups (a kernel's rows, an image's
   * columns, a run-time size). Constants of one repeated number are read by each node (`user`) for itself.
   */
  segments(value: Value, axis: number, user?: Node): readonly Segment[] | undefined;
}

/**
 * Which channels of a network must be narrowed together: those of a residual trunk, of a norm and its convolution, of a
 * depthwise convolution and its input. An axis behind Concat is several groups one after the other. Works on any graph;
 * what cannot be narrowed says why.
 */
export function channelGroups(graph: Graph): ChannelGroups {
  const tied = tieAxes(graph);
  const { atoms, count } = partition(tied);
  const order = channelOrder(tied, atoms, count);
  const parsed = new Map<Axis, readonly RawSegment[]>();
  const reasons = Array.from({ length: count }, () => new Set<string>());
  const parameters: AxisPlace[][] = reasons.map(() => []);
  const activations: AxisPlace[][] = reasons.map(() => []);

  for (const axis of tied.axes) {
    const positions = tied.positions(axis);
    const segments = parse(positions, atoms, order);
    const inside = segments ?? [...new Set(positions.map((p) => atoms.get(p)!))].map((group) => ({ group }));
    if (segments) parsed.set(axis, segments);
    const { value, user } = axis;
    const place = { value, axis: axis.axis, ...(user && { user }) };
    for (const { group } of new Map(inside.map((s) => [s.group, s])).values()) {
      for (const reason of axis.reasons) reasons[group]!.add(reason);
      if (!segments)
        reasons[group]!.add(`channels are interleaved on axis ${axis.axis} of "${axis.value.name}"`);
      if (!axis.value.tensor) activations[group]!.push(place);
      else if (axis.related) parameters[group]!.push(place);
    }
  }

  const roles = {
    produce: reasons.map(() => [] as AxisPlace[]),
    consume: reasons.map(() => [] as AxisPlace[]),
  };
  const layers = new Map<number, string>();
  for (const node of graph.nodes) {
    for (const { value, axis, role } of weightAxes(node)) {
      const found = tied.find(value, axis, node);
      const inside = new Set((found && parsed.get(found))?.map((s) => s.group));
      const place = { value, axis, ...(found?.user && { user: found.user }) };
      for (const group of inside) {
        roles[role][group]!.push(place);
        if (role === 'produce' && !layers.has(group)) layers.set(group, layerOf(node, value.name));
      }
    }
  }

  const names = groupNames(count, parameters, activations, layers);
  const list: ChannelGroup[] = [];
  for (let group = 0; group < count; group++) {
    const name = names.get(group);
    if (name === undefined) continue;
    const width = order.widths[group]!;
    const why = [...reasons[group]!];
    if (width === 1 && why.length === 0) why.push('one channel cannot be divided');
    const producers = roles.produce[group]!;
    list.push({
      name,
      width,
      narrowable: why.length === 0,
      reasons: why,
      parameters: parameters[group]!,
      activations: activations[group]!,
      producers,
      consumers: roles.consume[group]!,
    });
  }
  const byName = new Map(list.map((group) => [group.name, group]));
  return {
    list,
    find: (name) => byName.get(name),
    segments(value, axis, user) {
      const found = tied.find(value, axis, user);
      const raw = found && parsed.get(found);
      if (!raw?.every(({ group }) => names.has(group))) return undefined;
      return raw.map((s) => ({ ...s, group: names.get(s.group)!, width: order.widths[s.group]! }));
    },
  };
}

interface RawSegment {
  group: number;
  offset: number;
  factor: number;
}

/**
 * Channels belong to one group when the same axes have them: every axis cuts the groups it holds a part of in two. Returns
 * the group of each channel, groups numbered as the graph first mentions them.
 */
function partition(tied: TiedAxes): { atoms: Map<number, number>; count: number } {
  const atoms = new Map<number, number>();
  let next = 0;
  for (const axis of tied.axes) {
    const moved = new Map<number | undefined, number>();
    for (const channel of new Set(tied.positions(axis))) {
      const old = atoms.get(channel);
      const fresh = moved.get(old) ?? next++;
      moved.set(old, fresh);
      atoms.set(channel, fresh);
    }
  }
  const numbers = new Map<number, number>();
  for (const axis of tied.axes) {
    for (const channel of tied.positions(axis)) {
      const group = atoms.get(channel)!;
      if (!numbers.has(group)) numbers.set(group, numbers.size);
    }
  }
  for (const [channel, group] of atoms) atoms.set(channel, numbers.get(group)!);
  return { atoms, count: numbers.size };
}

/** The place of each channel in its group: the order in which the first axis that has the group lists them. */
function channelOrder(tied: TiedAxes, atoms: ReadonlyMap<number, number>, count: number) {
  const widths = new Array<number>(count).fill(0);
  const places = new Map<number, number>();
  for (const axis of tied.axes) {
    for (const channel of tied.positions(axis)) {
      if (places.has(channel)) continue;
      places.set(channel, widths[atoms.get(channel)!]!++);
    }
  }
  return { widths, places };
}

/** The positions of an axis as whole groups in their order; undefined when they do not read so. */
function parse(
  positions: Int32Array,
  atoms: ReadonlyMap<number, number>,
  { widths, places }: { widths: readonly number[]; places: ReadonlyMap<number, number> },
): RawSegment[] | undefined {
  const segments: RawSegment[] = [];
  let at = 0;
  while (at < positions.length) {
    const first = positions[at]!;
    const group = atoms.get(first)!;
    let factor = 1;
    while (positions[at + factor] === first) factor++;
    const width = widths[group]!;
    if (at + width * factor > positions.length) return undefined;
    for (let i = 0; i < width * factor; i++) {
      const channel = positions[at + i]!;
      if (atoms.get(channel) !== group || places.get(channel) !== Math.floor(i / factor)) return undefined;
    }
    segments.push({ group, offset: at, factor });
    at += width * factor;
  }
  return segments;
}

/** Of the groups that have parameters: the layer that makes them, where there is one. Such names come first where two would be equal. */
function groupNames(
  count: number,
  parameters: readonly (readonly AxisPlace[])[],
  activations: readonly (readonly AxisPlace[])[],
  layers: ReadonlyMap<number, string>,
): Map<number, string> {
  const groups = Array.from({ length: count }, (_, group) => group).filter(
    (group) => parameters[group]!.length > 0,
  );
  const isMade = (group: number) => Number(layers.has(group));
  const names = new Map<number, string>();
  for (const group of groups.toSorted((a, b) => isMade(b) - isMade(a) || a - b)) {
    const base = layers.get(group) ?? otherName(activations[group]!, parameters[group]!);
    names.set(group, unusedName(base, new Set(names.values())));
  }
  return names;
}

function otherName(activations: readonly AxisPlace[], parameters: readonly AxisPlace[]): string {
  const fed = activations.find(({ value: { node } }) => node === undefined || node.op === 'Slice');
  return fed ? fed.value.name : layerName(parameters[0]!.value.name);
}
