import { type ChannelGroup, type ChannelGroups, channelGroups } from '../compress/groups.ts';
import { proposeTaps } from '../compress/taps.ts';
import { layerOf, weightAxes } from '../compress/weights.ts';
import type { WidthSpace } from '../compress/width-space.ts';
import type { Dim, Graph, Value } from '../graph/graph.ts';
import { countMacs, countParameters, inputSymbols, type Macs } from '../ops/cost.ts';
import { num } from '../ops/op.ts';
import { costModel } from '../search/cost.ts';
import { GanletError } from '../util/errors.ts';

/** Channels that are narrowed together, as `ganlet inspect` tells of them. */
export interface GroupReport {
  name: string;
  channels: number;
  narrowable: boolean;
  /** Why it cannot be narrowed, naming nodes. */
  reasons: readonly string[];
  /** Part of the network's multiply-adds that would go if all its channels went; parts of several groups overlap. */
  share: number;
  /** Layers that make the channels, those that keep them apart (depthwise), and those that read them. */
  makers: string[];
  followers: string[];
  readers: string[];
}

/** A network at a part of the channels of each of its groups. */
export interface Shrunk {
  part: number;
  /** `Macs.true`. */
  macs: number;
}

export interface Inspection {
  name: string;
  /** As in the file, symbols for what stays open. */
  inputs: { name: string; shape: readonly Dim[] }[];
  outputs: { name: string; shape: readonly Dim[] }[];
  /** Side in pixels for which costs are counted where the network leaves it open. */
  size: number;
  params: number;
  macs: Macs;
  groups: GroupReport[];
  /** At half and a quarter of the channels of each group, rounded to multiples of 4. */
  shrunk: Shrunk[];
  /** Values at which a student may be compared with the network; empty where it has none that are images. */
  taps: string[];
}

/**
 * What of a network can be narrowed, at what gain, and why the rest cannot. `size` is the side of the image in pixels where
 * the network leaves it open. Throws SIZE_UNKNOWN as `layerCosts` does.
 */
export function inspectGraph(
  graph: Graph,
  { size = 256, name = graph.name }: { size?: number; name?: string } = {},
): Inspection {
  const symbols = inputSymbols(graph, { size });
  const groups = channelGroups(graph);
  const space = everyGroup(groups);
  const cost = costModel(graph, groups, space, symbols);
  const full = space.map((entry) => entry.full);
  const total = cost.macs(full);
  const layers = layersOf(graph, groups);
  const ports = (values: readonly Value[]) => values.map((v) => ({ name: v.name, shape: v.shape }));
  return {
    name,
    inputs: ports(graph.inputs),
    outputs: ports(graph.outputs),
    size,
    params: countParameters(graph),
    macs: countMacs(graph, symbols),
    groups: groups.list.map((group, i) => ({
      name: group.name,
      channels: group.width,
      narrowable: group.narrowable,
      reasons: group.reasons,
      share: total > 0 ? 1 - cost.macs(full.map((width, k) => (k === i ? 0 : width))) / total : 0,
      ...layers.get(group.name)!,
    })),
    shrunk: [0.5, 0.25].map((part) => ({
      part,
      macs: cost.macs(groups.list.map((group) => narrowedWidth(group, part))),
    })),
    taps: tapsOf(graph, symbols),
  };
}

function narrowedWidth({ width, narrowable }: ChannelGroup, part: number): number {
  return narrowable ? Math.min(width, Math.max(4, 4 * Math.round((width * part) / 4))) : width;
}

/** All groups of a network, those that cannot be narrowed too, each by itself. */
function everyGroup(groups: ChannelGroups): WidthSpace {
  return groups.list.map(({ name, width }) => ({
    name,
    groups: [name],
    unit: 1,
    full: width,
    choices: [width],
  }));
}

type Layers = Pick<GroupReport, 'makers' | 'followers' | 'readers'>;

function layersOf(graph: Graph, groups: ChannelGroups): Map<string, Layers> {
  const layers = new Map<string, Layers>(
    groups.list.map(({ name }) => [name, { makers: [], followers: [], readers: [] }]),
  );
  const note = (value: Value, axis: number, user: GraphNode, role: keyof Layers) => {
    for (const { group } of groups.segments(value, axis, user) ?? []) {
      const list = layers.get(group)![role];
      const layer = layerOf(user, value.name);
      if (!list.includes(layer)) list.push(layer);
    }
  };
  for (const node of graph.nodes) {
    for (const { value, axis, role } of weightAxes(node))
      note(value, axis, node, role === 'produce' ? 'makers' : 'readers');
    const weight = node.inputs[1];
    if (/^Conv(Transpose)?$/.test(node.op) && weight?.tensor && num(node.attributes, 'group', 1) > 1)
      note(weight, 0, node, 'followers');
  }
  return layers;
}

type GraphNode = Graph['nodes'][number];

function tapsOf(graph: Graph, symbols: ReadonlyMap<string, number>): string[] {
  try {
    return proposeTaps(graph, symbols);
  } catch (error) {
    if (error instanceof GanletError && error.code === 'TAPS_UNKNOWN') return [];
    throw error;
  }
}
