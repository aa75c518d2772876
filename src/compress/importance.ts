import type { Graph, Tensor } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import type { AxisPlace, ChannelGroup, ChannelGroups, Segment } from './groups.ts';
import { channelGroups } from './groups.ts';
import type { Keep } from './narrow.ts';

/**
 * How much a channel matters: `filter-l1` the L1 norm of the filters that make it, as GAN Compression prunes its teacher (Li
 * et al. 2020); `consumer-l1` the L1 norm of the weights that read it, as AnyCost GAN sorts channels (Lin et al. 2021, §3.2).
 */
export type Importance = 'filter-l1' | 'consumer-l1';

export type Scores = ReadonlyMap<string, Float64Array>;

/**
 * A score for each channel of each group that can be narrowed, higher for what should stay, summed over all layers that make
 * (or read) the channel. Layers are scored whole, not after the cuts of earlier ones. A group that nothing reads by weights
 * is scored by its filters, and the other way round. `activations`, mean |activation| of each channel by group, multiply the
 * scores where given. Throws ACTIVATIONS_INVALID when they are not one for each channel.
 */
export function channelScores(
  graph: Graph,
  {
    importance = 'consumer-l1',
    activations,
    groups = channelGroups(graph),
  }: {
    importance?: Importance;
    activations?: ReadonlyMap<string, ArrayLike<number>>;
    groups?: ChannelGroups;
  } = {},
): Map<string, Float64Array> {
  const scores = new Map<string, Float64Array>();
  for (const group of groups.list) {
    if (!group.narrowable) continue;
    const { producers, consumers } = group;
    const [wanted, other] = importance === 'filter-l1' ? [producers, consumers] : [consumers, producers];
    const score = new Float64Array(group.width);
    for (const place of wanted.length > 0 ? wanted : other) addNorms(score, group, place, groups);
    const factors = activations?.get(group.name);
    if (factors) {
      if (factors.length !== group.width) {
        throw new GanletError(
          'ACTIVATIONS_INVALID',
          `activations of group "${group.name}" must be ${group.width}, one for each channel, got ${factors.length}`,
        );
      }
      for (let i = 0; i < score.length; i++) score[i]! *= factors[i]!;
    }
    scores.set(group.name, score);
  }
  return scores;
}

/**
 * The channels to keep: of each group that `widthOf` gives a width, that many with the highest scores, the highest first (the
 * lower index where scores are equal). Throws WIDTH_INVALID unless the width lies between 1 and the group's.
 */
export function selectChannels(
  groups: ChannelGroups,
  widthOf: (group: ChannelGroup) => number | undefined,
  scores: Scores,
): Keep {
  const keep = new Map<string, readonly number[]>();
  for (const group of groups.list) {
    const width = widthOf(group);
    if (width === undefined) continue;
    if (!Number.isInteger(width) || width < 1 || width > group.width) {
      throw new GanletError(
        'WIDTH_INVALID',
        `width of channel group "${group.name}" must be a whole number from 1 to ${group.width}, got ${width}`,
      );
    }
    const score = scores.get(group.name) ?? new Float64Array(group.width);
    const order = Array.from({ length: group.width }, (_, i) => i);
    order.sort((a, b) => score[b]! - score[a]! || a - b);
    keep.set(group.name, order.slice(0, width));
  }
  return keep;
}

function addNorms(score: Float64Array, group: ChannelGroup, place: AxisPlace, groups: ChannelGroups): void {
  const norms = axisNorms(place.value.tensor!, place.axis);
  for (const segment of segmentsOf(groups, place, group.name)) {
    for (let i = 0; i < segment.width * segment.factor; i++) {
      score[Math.floor(i / segment.factor)]! += norms[segment.offset + i]!;
    }
  }
}

function segmentsOf(groups: ChannelGroups, { value, axis, user }: AxisPlace, group: string): Segment[] {
  return (groups.segments(value, axis, user) ?? []).filter((segment) => segment.group === group);
}

/** Sum of absolute values of each slice along an axis. */
function axisNorms({ shape, data }: Tensor, axis: number): Float64Array {
  const size = shape[axis]!;
  const after = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const norms = new Float64Array(size);
  for (let i = 0; i < data.length; i++) {
    norms[Math.floor(i / after) % size]! += Math.abs(data[i] as number);
  }
  return norms;
}
