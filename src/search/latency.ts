import { fixSizes } from '../compress/fix-sizes.ts';
import type { ChannelGroups } from '../compress/groups.ts';
import { narrowPrefix } from '../compress/narrow.ts';
import { channelsAt, largest, smallest, type WidthSpace, type WidthVector } from '../compress/width-space.ts';
import type { Graph, Node, Value } from '../graph/graph.ts';
import type { Symbols } from '../ops/cost.ts';
import { rng } from '../util/rng.ts';
import { gridOf, type LayerTimes, risen, stepsOf, timeAt } from './layer-times.ts';
import { extractNodes, layersOf, shapeOf } from './layers.ts';

/** The times of a network's layers on one machine, as plain data. */
export interface LatencyTable {
  readonly layers: readonly LayerTimes[];
  /** Milliseconds of a network = offset + slope · the sum over its layers. */
  readonly offset: number;
  readonly slope: number;
  /** Mean of |predicted − measured| / measured over whole networks that the line was not fitted to. */
  readonly error: number;
}

export interface LatencyOptions {
  /** Milliseconds of one run. */
  time(graph: Graph): Promise<number>;
  onProgress?(done: number, total: number): void;
  seed: number;
}

/** Whole networks that the sum over the layers is fitted to, besides the widest and the narrowest, and tried on. */
const fitted = 4;
const tried = 3;

/**
 * Times each layer of a network at each of the widths it can have, on the machine it runs on. A sum of layers run one by one
 * is not yet the time of a network: a line from one to the other is fitted to some whole networks. Layers of equal operators
 * and sizes are timed once, and none gets faster by being widened (see `risen`). Sizes that the network computes while it runs are numbers before it is taken apart: a layer alone
 * could not be fed them.
 */
export async function latencyTable(
  graph: Graph,
  groups: ChannelGroups,
  space: WidthSpace,
  symbols: Symbols,
  { time, onProgress, seed }: LatencyOptions,
): Promise<LatencyTable> {
  const cut = (vector: WidthVector) => fixSizes(cutPrefix(graph, groups, space, vector), symbols);
  const parts = dependentLayers(graph, groups, space, symbols).map((part) => {
    const steps = stepsOf(space, part.entries);
    return { ...part, steps, grid: gridOf(steps) };
  });
  const wholes = sampleVectors(space, seed);
  const total = parts.reduce((sum, { grid }) => sum + grid.length, wholes.length);
  let done = 0;
  const known = new Map<string, number>();
  const timeOnce = async (network: Graph) => {
    const key = shapeOf(network, symbols);
    const milliseconds = known.get(key) ?? (await time(network));
    known.set(key, milliseconds);
    return milliseconds;
  };

  const narrowest = smallest(space);
  const timed: LayerTimes[] = [];
  for (const { entries, layers, steps, grid } of parts) {
    const times: Record<string, number> = {};
    for (const widths of grid) {
      const small = cut(narrowest.map((width, e) => widths[entries.indexOf(e)] ?? width));
      const at = new Map(small.nodes.map(({ name }, i) => [name, i]));
      let sum = 0;
      for (const layer of layers) {
        const indices = layer.map((name) => at.get(name)!);
        sum += await timeOnce(extractNodes(small, indices, symbols));
      }
      times[widths.join()] = sum;
      onProgress?.(++done, total);
    }
    timed.push(risen({ entries, steps, times }));
  }
  const measured: [sum: number, milliseconds: number][] = [];
  for (const vector of wholes) {
    measured.push([sumOver(timed, vector), await timeOnce(cut(vector))]);
    onProgress?.(++done, total);
  }
  const [offset, slope] = line(measured.slice(0, -tried));
  const errors = measured.slice(-tried).map(([x, y]) => Math.abs(offset + slope * x - y) / y);
  return { layers: timed, offset, slope, error: errors.reduce((a, b) => a + b, 0) / errors.length };
}

/** Milliseconds of one picture at a vector of the space the table was made for; never less at a wider one. */
export function predictLatency({ layers, offset, slope }: LatencyTable, vector: WidthVector): number {
  return offset + slope * sumOver(layers, vector);
}

function sumOver(layers: readonly LayerTimes[], vector: WidthVector): number {
  return layers.reduce((all, layer) => all + timeAt(layer, vector), 0);
}

/** The network cut to the first channels of each group at a vector. */
export function cutPrefix(
  graph: Graph,
  groups: ChannelGroups,
  space: WidthSpace,
  vector: WidthVector,
): Graph {
  return narrowPrefix(graph, channelsAt(space, vector), groups);
}

/** The layers of a network, as names of nodes, by the entries with a choice that their widths depend on. */
function dependentLayers(
  graph: Graph,
  groups: ChannelGroups,
  space: WidthSpace,
  symbols: Symbols,
): { entries: number[]; layers: string[][] }[] {
  const entryOf = new Map(space.flatMap(({ groups: names }, i) => names.map((name) => [name, i] as const)));
  const nodeOf = new Map(graph.nodes.map((node) => [node.name, node]));
  const fixed = fixSizes(graph, symbols);
  const found = new Map<string, { entries: number[]; layers: string[][] }>();
  for (const layer of layersOf(fixed)) {
    const names = layer.map((i) => fixed.nodes[i]!.name);
    const touched = new Set<number>();
    for (const group of names.flatMap((name) => [...groupsOf(groups, nodeOf.get(name)!)])) {
      const entry = entryOf.get(group);
      if (entry !== undefined && space[entry]!.choices.length > 1) touched.add(entry);
    }
    const entries = [...touched].sort((a, b) => a - b);
    const known = found.get(entries.join());
    if (known) known.layers.push(names);
    else found.set(entries.join(), { entries, layers: [names] });
  }
  return [...found.values()];
}

function groupsOf(groups: ChannelGroups, node: Node): Set<string> {
  const at = (value: Value, user?: Node) =>
    value.shape.flatMap((_, axis) => groups.segments(value, axis, user)?.map(({ group }) => group) ?? []);
  return new Set([
    ...node.inputs.flatMap((x) => (x ? at(x, node) : [])),
    ...node.outputs.flatMap((y) => at(y)),
  ]);
}

function sampleVectors(space: WidthSpace, seed: number): WidthVector[] {
  const random = rng(seed, 'latency');
  const draw = () => space.map(({ choices }) => random.choice(choices));
  return [largest(space), smallest(space), ...Array.from({ length: fitted + tried }, draw)];
}

/** Offset and slope of the line of least squares of relative errors; times cannot fall with more work. */
function line(points: readonly (readonly [number, number])[]): [offset: number, slope: number] {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (const [x, y] of points) {
    const weight = 1 / y ** 2;
    w += weight;
    wx += weight * x;
    wy += weight * y;
    wxx += weight * x * x;
    wxy += weight * x * y;
  }
  const slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  if (!(slope > 0)) return [0, wxy / wxx];
  return [(wy - slope * wx) / w, slope];
}
