import { snganUnits } from '../models/sngan.ts';
import { spadeBlocks } from '../models/spade.ts';
import { nearest } from '../recipe/nearest.ts';
import type { GeneratorType } from '../recipe/networks.ts';
import type { Upsampling } from '../recipe/upsampling.ts';
import { GanletError } from '../util/errors.ts';
import type { ChannelGroup, ChannelGroups } from './groups.ts';
import type { Architecture } from './student.ts';

/** One number of a width vector: the channel groups it sets, and the values it may take. */
export interface WidthEntry {
  /** `stem`, `down1`, `trunk`, `inner1`, … of a ResNet, the blocks of a SPADE; otherwise the name of its only group. */
  readonly name: string;
  readonly groups: readonly string[];
  /** Channels of each group for one unit of the number: a ResNet's trunk has four for each. */
  readonly unit: number;
  /** Those of groups that have another number of channels for it, each a multiple of `unit`. */
  readonly units?: Readonly<Record<string, number>>;
  /** The number at which the groups have all their channels. */
  readonly full: number;
  /** Widest first, all different. */
  readonly choices: readonly number[];
}

/** What a search may choose from: one entry for each number of the vector. */
export type WidthSpace = readonly WidthEntry[];

/** One number for each entry of a space; written 32_24_16_… */
export type WidthVector = readonly number[];

/**
 * Values for every entry, or for some by name (the others keep their full width). Numbers that are all at most 1 are parts of
 * the full width, rounded to multiples of 4 channels.
 */
export type WidthLists = readonly number[] | Readonly<Record<string, readonly number[]>>;

/**
 * The space of width vectors of a network. A ResNet has the eight entries of GAN Compression (Li et al. 2020): stem, down1,
 * trunk, the insides of the first, second and last third of the blocks, up1, up2. A SPADE has its trunk and each block, with
 * the layers between label map and modulation (see `spadeGenerator`); an SNGAN the stem and two for each block, its inside and
 * its result. Any other network has one entry for each group that can be narrowed, in units of which the
 * teacher's group has baseWidth, or of channels for a foreign network.
 * Throws GROUP_UNKNOWN, GROUP_FIXED (a group that cannot be narrowed, and why) and WIDTHS_INVALID.
 */
export function widthSpace(
  groups: ChannelGroups,
  lists: WidthLists,
  architecture?: Architecture,
): WidthSpace {
  const entries = entriesOf(groups, architecture);
  if (!isList(lists)) needKnown(Object.keys(lists), entries, groups);
  return entries.map(({ name, members, unit, units, grain = unit }) => {
    const full = members[0]!.width / (units?.[members[0]!.name] ?? unit);
    const list = isList(lists) ? lists : lists[name];
    const choices = list ? choicesOf(name, list, full, unit, grain) : [full];
    return { name, groups: members.map((group) => group.name), unit, ...(units && { units }), full, choices };
  });
}

/** Channels of a group for one unit of its entry's number. */
export function unitOf({ unit, units }: Pick<WidthEntry, 'unit' | 'units'>, group: string): number {
  return units?.[group] ?? unit;
}

/** How many vectors a space has. */
export function spaceSize(space: WidthSpace): number {
  return space.reduce((size, { choices }) => size * choices.length, 1);
}

/** Channels of each group at a vector, as `narrow` and elastic networks take them. Throws WIDTHS_INVALID. */
export function channelsAt(space: WidthSpace, vector: WidthVector): Map<string, number> {
  if (vector.length !== space.length) {
    const names = space.map(({ name }) => name).join(', ');
    throw invalid(`a width vector must have ${space.length} numbers, for ${names}, got ${vector.length}`);
  }
  return new Map(
    space.flatMap((entry, i) => {
      const { name, groups, unit, full } = entry;
      const width = vector[i]!;
      if (!(width > 0 && width <= full && Number.isInteger(width * unit)))
        throw invalid(`the width of ${name} must be above 0 and at most ${full}, got ${width}`);
      return groups.map((group) => [group, width * unitOf(entry, group)] as const);
    }),
  );
}

/** "32_24_16_…" */
export function formatWidths(vector: WidthVector): string {
  return vector.join('_');
}

/** Reads "32_24_16_…" for a space. A ResNet's older six numbers stand for one inner width of all blocks. Throws WIDTHS_INVALID. */
export function parseWidths(space: WidthSpace, text: string): WidthVector {
  if (!/^\d+(\.\d+)?(_\d+(\.\d+)?)*$/.test(text))
    throw invalid(`a width vector must be written 32_24_16_…, got "${text}"`);
  const numbers = text.split('_').map(Number);
  const inner = space.filter(({ name }) => /^inner\d$/.test(name)).length;
  const vector =
    inner === 3 && numbers.length === 6
      ? [...numbers.slice(0, 3), numbers[3]!, numbers[3]!, ...numbers.slice(3)]
      : numbers;
  channelsAt(space, vector);
  return vector;
}

/** The widest and the narrowest vector. */
export function largest(space: WidthSpace): WidthVector {
  return space.map(({ choices }) => choices[0]!);
}

export function smallest(space: WidthSpace): WidthVector {
  return space.map(({ choices }) => choices.at(-1)!);
}

function entriesOf(groups: ChannelGroups, architecture: Architecture | undefined): Entry[] {
  if (!architecture) return groupEntries(groups, undefined);
  const entries = entriesByType[architecture.type] as EntriesOf<Architecture>;
  return entries(groups, architecture);
}

type EntriesOf<A> = (groups: ChannelGroups, architecture: A) => Entry[];

const entriesByType: { readonly [T in GeneratorType]: EntriesOf<Extract<Architecture, { type: T }>> } = {
  resnet: (groups, { blocks }) => resnetEntries(groups, blocks),
  unet: groupEntries,
  spade: (groups, { upsampling }) => spadeEntries(groups, upsampling),
  sngan: snganEntries,
};

interface Entry {
  name: string;
  members: readonly ChannelGroup[];
  unit: number;
  units?: Record<string, number>;
  /** Parts of the full width are rounded to 4 channels where a number stands for as many; by default `unit`. */
  grain?: number;
}

/** The trunk, and of each block its inside, its result where the trunk does not run through it, and its hidden layers. */
function spadeEntries(groups: ChannelGroups, upsampling: Upsampling): Entry[] {
  const blocks = spadeBlocks(upsampling).map(({ name, unit }): Entry => {
    const outer = name.startsWith('up') ? [`${name}.conv_0`, `${name}.conv_1`] : [`${name}.conv_0`];
    const hidden = ['norm_0', 'norm_1', ...(outer.length > 1 ? ['norm_s'] : [])].map(
      (at) => `${name}.${at}.shared`,
    );
    const least = Math.min(unit, 2);
    const units = [...outer.map((group) => [group, unit]), ...hidden.map((group) => [group, 2])] as const;
    return {
      name,
      members: [...outer, ...hidden].map((group) => needGroup(groups, group)),
      unit: least,
      units: Object.fromEntries(units.filter(([, channels]) => channels !== least)),
      grain: Math.min(least, 4),
    };
  });
  return [{ name: 'trunk', members: [needGroup(groups, 'fc')], unit: 16, grain: 4 }, ...blocks];
}

function entry(groups: ChannelGroups, name: string, unit: number, ...members: string[]): Entry {
  return { name, unit, members: members.map((member) => needGroup(groups, member)) };
}

/** The stem, then of each block the inside and the result, as `snganGenerator` takes widths. */
function snganEntries(groups: ChannelGroups): Entry[] {
  const blocks = groups.list.filter(({ name }) => /^block\d+\.conv1$/.test(name)).length;
  const units = snganUnits(blocks);
  return [
    entry(groups, 'stem', units[0] ?? 1, 'stem'),
    ...units.flatMap((unit, k) => [
      entry(groups, `hidden${k + 1}`, unit, `block${k + 1}.conv1`),
      entry(groups, `block${k + 1}`, unit, `block${k + 1}.conv2`),
    ]),
  ];
}

function resnetEntries(groups: ChannelGroups, blocks: number): Entry[] {
  const of = (name: string, unit: number, ...members: string[]) => entry(groups, name, unit, ...members);
  const inner = [0, 1, 2].flatMap((third) => {
    const members = Array.from({ length: blocks }, (_, i) => i).filter(
      (i) => Math.floor((i * 3) / blocks) === third,
    );
    if (members.length === 0) return [];
    return [of(`inner${third + 1}`, 4, ...members.map((i) => `block${i + 1}.conv1`))];
  });
  return [
    of('stem', 1, 'stem'),
    of('down1', 2, 'down1'),
    of('trunk', 4, 'down2'),
    ...inner,
    of('up1', 2, 'up1'),
    of('up2', 1, 'up2'),
  ];
}

function groupEntries(groups: ChannelGroups, architecture: Architecture | undefined): Entry[] {
  return groups.list
    .filter((group) => group.narrowable)
    .map((group) => ({
      name: group.name,
      members: [group],
      unit: architecture ? group.width / architecture.baseWidth : 1,
    }));
}

function needGroup(groups: ChannelGroups, name: string): ChannelGroup {
  const group = groups.find(name);
  if (group) return group;
  throw new GanletError('GROUP_UNKNOWN', `the network must have the layer ${name}, as its card says`, {
    hint: 'leave out the architecture to treat it as a foreign network',
  });
}

function needKnown(names: readonly string[], entries: readonly Entry[], groups: ChannelGroups): void {
  const known = entries.map(({ name }) => name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const fixed = groups.find(name);
    if (fixed && !fixed.narrowable) {
      throw new GanletError(
        'GROUP_FIXED',
        `group "${name}" must keep its ${fixed.width} channels: ${fixed.reasons[0]}`,
        { hint: 'leave it out of the widths' },
      );
    }
    const near = nearest(name, known);
    throw new GanletError(
      'GROUP_UNKNOWN',
      `widths must name channel groups of the network, it has no "${name}"`,
      {
        hint: near ? `did you mean "${near}"?` : `it has ${known.slice(0, 12).join(', ')}`,
      },
    );
  }
}

function choicesOf(
  name: string,
  list: readonly number[],
  full: number,
  unit: number,
  grain: number,
): number[] {
  if (list.length === 0) throw invalid(`the widths of ${name} must be at least one number`);
  const parts = list.every((x) => x <= 1) && full > 1;
  const numbers = parts ? list.map((part) => roundedPart(full * grain, part) / grain) : [...list];
  for (const width of numbers) {
    if (width > full)
      throw invalid(
        `the widths of ${name} must be at most ${full}, its full width, got ${width}`,
        'a student cannot be wider than the network it is cut from',
      );
    if (!(width > 0) || !Number.isInteger(width * unit))
      throw invalid(`the widths of ${name} must come to whole numbers of channels above 0, got ${width}`);
  }
  return [...new Set(numbers)].sort((a, b) => b - a);
}

/** A part of a number of channels as a multiple of 4, as far as there are as many. */
function roundedPart(channels: number, part: number): number {
  if (part === 1) return channels;
  return Math.min(channels, Math.max(4, 4 * Math.round((channels * part) / 4)));
}

function isList(lists: WidthLists): lists is readonly number[] {
  return Array.isArray(lists);
}

function invalid(message: string, hint?: string): GanletError {
  return new GanletError('WIDTHS_INVALID', message, hint ? { hint } : {});
}
