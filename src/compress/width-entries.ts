import { snganUnits } from '../models/sngan.ts';
import { spadeBlocks } from '../models/spade.ts';
import type { GeneratorType } from '../recipe/networks.ts';
import type { Upsampling } from '../recipe/upsampling.ts';
import { GanletError } from '../util/errors.ts';
import type { ChannelGroup, ChannelGroups } from './groups.ts';
import type { Architecture } from './student.ts';

/** A number of a width vector: what it is called, and which groups have how many channels for one unit of it. */
export interface NamedEntry {
  name: string;
  members: readonly ChannelGroup[];
  unit: number;
  units?: Record<string, number>;
  /** Parts of the full width are rounded to 4 channels where a number stands for as many; by default `unit`. */
  grain?: number;
}

/** The entries that widths of a network of an architecture have; one for each group that can be narrowed where there is none. */
export function entriesOf(groups: ChannelGroups, architecture: Architecture | undefined): NamedEntry[] {
  if (!architecture) return groupEntries(groups, undefined);
  const entries = entriesByType[architecture.type] as EntriesOf<Architecture>;
  return entries(groups, architecture);
}

type EntriesOf<A> = (groups: ChannelGroups, architecture: A) => NamedEntry[];

const entriesByType: { readonly [T in GeneratorType]: EntriesOf<Extract<Architecture, { type: T }>> } = {
  resnet: (groups, { blocks }) => resnetEntries(groups, blocks),
  unet: groupEntries,
  spade: (groups, { upsampling }) => spadeEntries(groups, upsampling),
  sngan: snganEntries,
};

/** The trunk, and of each block its inside, its result where the trunk does not run through it, and its hidden layers. */
function spadeEntries(groups: ChannelGroups, upsampling: Upsampling): NamedEntry[] {
  const blocks = spadeBlocks(upsampling).map(({ name, unit }): NamedEntry => {
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

function entry(groups: ChannelGroups, name: string, unit: number, ...members: string[]): NamedEntry {
  return { name, unit, members: members.map((member) => needGroup(groups, member)) };
}

/** The stem, then of each block the inside and the result, as `snganGenerator` takes widths. */
function snganEntries(groups: ChannelGroups): NamedEntry[] {
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

function resnetEntries(groups: ChannelGroups, blocks: number): NamedEntry[] {
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

function groupEntries(groups: ChannelGroups, architecture: Architecture | undefined): NamedEntry[] {
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
