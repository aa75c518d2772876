import { styleText } from 'node:util';
import { formatCount } from '../util/format.ts';
import { visible } from '../util/visible.ts';
import type { GroupReport, Inspection } from './inspect.ts';

const columns = 80;
const nameColumns = 24;
const layerColumns = columns - nameColumns - 21;

interface Line {
  text: string;
  style?: 'bold' | 'dim';
}

/** An inspection for people, in lines of at most 80 columns; with `coloured`, headings and remarks stand out. */
export function printInspection(found: Inspection, coloured = false): string {
  const text = linesOf(found).map(({ text, style }) => {
    // What a file calls its values may hold anything.
    const plain = visible(text.trimEnd());
    return coloured && style ? styleText(style, plain, { validateStream: false }) : plain;
  });
  return `${text.join('\n')}\n`;
}

function linesOf({ name, inputs, outputs, params, macs, groups, shrunk, taps, size }: Inspection): Line[] {
  const plain = (texts: readonly string[]): Line[] => texts.map((text) => ({ text: cut(text, columns) }));
  const ports = (what: string, list: Inspection['inputs']) =>
    list.map((port) => `${what.padEnd(8)}${port.name}  ${port.shape.join('×')}`);
  const open = [...inputs, ...outputs].some(({ shape }) => shape.some((d) => typeof d !== 'number'));
  const narrowable = groups.filter((group) => group.narrowable).length;
  const smaller = shrunk.map(({ part, macs: left }) => {
    const what = part === 0.5 ? 'half' : 'a quarter';
    return `at ${what} of their channels: ${formatCount(left)} MACs, ${(macs.true / left).toFixed(1)}× fewer`;
  });
  return [
    { text: cut(name, columns), style: 'bold' },
    ...plain([
      '',
      ...ports('input', inputs),
      ...ports('output', outputs),
      `cost    ${formatCount(params)} parameters, ${formatCount(macs.true)} MACs${open ? ` at ${size} px` : ''}`,
      '',
    ]),
    { text: row('group', 'channels', 'MACs', '+ also made by → read by'), style: 'bold' },
    ...groups.flatMap((group): Line[] => [{ text: groupRow(group) }, ...remarks(group)]),
    ...plain([
      '',
      `${narrowable} of ${groups.length} groups can be narrowed`,
      ...(narrowable > 0 ? smaller : []),
      ...(taps.length > 0 ? ['', 'taps for distillation', ...taps.map((tap) => `  ${tap}`)] : []),
    ]),
  ];
}

function groupRow(group: GroupReport): string {
  return row(group.name, String(group.channels), `${(100 * group.share).toFixed(1)} %`, layerText(group));
}

function remarks({ narrowable, reasons }: GroupReport): Line[] {
  if (narrowable) return [];
  const others = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : '';
  return [{ text: cut(`  stays: ${reasons[0]}`, columns - others.length) + others, style: 'dim' }];
}

function row(name: string, channels: string, share: string, layers: string): string {
  return `${cut(name, nameColumns).padEnd(nameColumns)} ${channels.padStart(8)} ${share.padStart(8)}   ${cut(layers, layerColumns)}`;
}

/** A group is called after the first layer that makes it: only further ones are listed. */
function layerText({ name, makers, readers }: GroupReport): string {
  const [others, read] = [series(makers.filter((maker) => maker !== name)), series(readers)];
  const room = layerColumns - 5;
  const right = fitted(read, Math.max(Math.floor(room / 2), room - others.join(' ').length));
  const left = fitted(others, room - right.length);
  return `${left === '' ? '' : `+ ${left} `}${right === '' ? '' : `→ ${right}`}`;
}

/** As many of the names as there is room for, and the number of those left out. */
function fitted(names: readonly string[], room: number): string {
  for (let count = names.length; count > 1; count--) {
    const rest = names.length - count;
    const text = `${names.slice(0, count).join(' ')}${rest > 0 ? ` +${rest}` : ''}`;
    if (text.length <= room) return text;
  }
  const more = names.length > 1 ? ` +${names.length - 1}` : '';
  return names.length === 0 ? '' : `${cut(names[0]!, room - more.length)}${more}`;
}

/** Where a name may count up: the number of the first and the last name so far, and what stands around it. */
interface Place {
  before: string;
  first: number;
  last: number;
  after: string;
}

/** Names that count up in one place become one: block1.conv2, block2.conv2, block3.conv2 → block1…3.conv2. */
export function series(names: readonly string[]): string[] {
  const runs: { text: string; places: Place[] }[] = [];
  for (const name of names) {
    const places = [...name.matchAll(/\d+/g)].map(({ 0: digits, index }): Place => {
      const [first, after] = [Number(digits), name.slice(index + digits.length)];
      return { before: name.slice(0, index), first, last: first, after };
    });
    const run = runs.at(-1);
    const longer = run?.places.filter(({ before, last, after }) =>
      places.some((p) => p.before === before && p.first === last + 1 && p.after === after),
    );
    if (run && longer && longer.length > 0) {
      run.places = longer.map((place) => ({ ...place, last: place.last + 1 }));
      const [{ before, first, last, after }] = run.places as [Place];
      run.text = `${before}${first}…${last}${after}`;
    } else runs.push({ text: name, places });
  }
  return runs.map(({ text }) => text);
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`;
}
