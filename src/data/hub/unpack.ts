import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { fileError } from '../../util/file-error.ts';
import { makeFolder } from '../../util/folder.ts';
import type { Split } from '../source.ts';
import {
  describeParquet,
  type LabelledColumns,
  type PairColumns,
  readLabelled,
  readPairs,
} from './parquet.ts';

/**
 * Which columns are read: `a` and `b` of pairs (default imageA and imageB) and `label` of their classes, where one of the two is named; or
 * `image` and `label` of single pictures (default img or image, and label where there is one). Without any the files tell: those
 * with imageA and imageB hold pairs, without classes.
 */
export interface ParquetColumns {
  a?: string | undefined;
  b?: string | undefined;
  image?: string | undefined;
  label?: string | undefined;
}

/** A Parquet file and the split its name tells. */
export interface Shard {
  path: string;
  /** Path that its split is read from, relative to the data set. */
  name: string;
}

export const usualColumns = { a: 'imageA', b: 'imageB' } as const;

/** The classes of unpacked pairs, as `readClassFile` reads them, by the names that single pictures' folders would have. */
export const pairClassesFile = 'classes.csv';

/** The names of unpacked classes: folder → name. */
const classNamesFile = 'classes.json';

/** The names of the classes of what was unpacked to a folder: that of its folder → its own. Undefined where it has no classes. */
export async function readClassNames(folder: string): Promise<Record<string, string> | undefined> {
  const text = await readFile(join(folder, classNamesFile), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

/**
 * Writes the pictures of Parquet files to a folder, whole or not at all: <split>/A/000000.png, <split>/B/000000.png, … of pairs, or
 * <split>/<class>/000000.png, … of single pictures. Throws PARQUET_COLUMN, PARQUET_INVALID, FILE_….
 */
export async function unpack(
  shards: readonly Shard[],
  columns: ParquetColumns | undefined,
  folder: string,
): Promise<void> {
  const temporary = `${folder}.tmp`;
  try {
    await rm(temporary, { recursive: true, force: true });
    const { a = usualColumns.a, b = usualColumns.b, label } = columns ?? {};
    const single = await singleColumns(shards[0]!.path, columns);
    if (single) await unpackSingle(shards, single, temporary);
    else await unpackPairs(shards, { a, b, label }, temporary);
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw fileError('write', temporary, error);
  }
}

/** The split that a path names: `data/train-00000-of-00002.parquet`, `default/validation/0000.parquet`. */
export function splitOfPath(name: string): Split | undefined {
  const [, word] =
    /(?:^|[/\\_.-])(train|validation|valid|val|dev|test)(?=[/\\_.-])/.exec(name.toLowerCase()) ?? [];
  if (word === undefined) return undefined;
  return word === 'train' || word === 'test' ? word : 'val';
}

async function unpackPairs(shards: readonly Shard[], columns: PairColumns, folder: string): Promise<void> {
  const next = rowCounter();
  const classes = classList();
  const lines: string[] = [];
  for (const { path, split } of withSplits(shards)) {
    for (const side of ['A', 'B']) makeFolder(join(folder, split, side));
    const nameOf = await classNaming(path, columns.label);
    for await (const { a, b, label } of readPairs(path, columns)) {
      const stem = next(split);
      await writePicture(join(folder, split, 'A', stem), a);
      await writePicture(join(folder, split, 'B', stem), b);
      if (label !== undefined) lines.push(`${posix.join(split, stem)},${classes.add(label, nameOf)}\n`);
    }
  }
  if (columns.label === undefined) return;
  await writeFile(join(folder, pairClassesFile), lines.join(''));
  await classes.write(folder);
}

async function unpackSingle(
  shards: readonly Shard[],
  columns: LabelledColumns,
  folder: string,
): Promise<void> {
  const next = rowCounter();
  const classes = classList();
  for (const { path, split } of withSplits(shards)) {
    makeFolder(join(folder, split));
    const nameOf = await classNaming(path, columns.label);
    for await (const { image, label } of readLabelled(path, columns)) {
      const side = label === undefined ? '' : classes.add(label, nameOf);
      makeFolder(join(folder, split, side));
      await writePicture(join(folder, split, side, next(split)), image);
    }
  }
  await classes.write(folder);
}

/** Where only some files name a split, the others would have no place: then none counts, and it is ''. */
function withSplits(shards: readonly Shard[]): { path: string; split: string }[] {
  const named = shards.map(({ path, name }) => ({ path, split: splitOfPath(name) ?? '' }));
  return named.every(({ split }) => split !== '') ? named : named.map((shard) => ({ ...shard, split: '' }));
}

/** Numbers the rows of each split: 000000, 000001, …. */
function rowCounter(): (split: string) => string {
  const counts = new Map<string, number>();
  return (split) => {
    const row = counts.get(split) ?? 0;
    counts.set(split, row + 1);
    return String(row).padStart(6, '0');
  };
}

/** The folders of the classes met so far, and their names. */
function classList() {
  const names: Record<string, string> = {};
  return {
    add(label: string | number, nameOf: (label: string | number) => string): string {
      const folder = classFolder(label);
      names[folder] = nameOf(label);
      return folder;
    },
    write: (folder: string) => writeFile(join(folder, classNamesFile), JSON.stringify(names)),
  };
}

/** How a file names the classes of a column. */
async function classNaming(path: string, column: string | undefined) {
  const names = column === undefined ? undefined : (await describeParquet(path)).classNames(column);
  return (label: string | number) => (typeof label === 'number' ? (names?.[label] ?? String(label)) : label);
}

/** In the order of numbers, and nothing that a path could be made of. */
function classFolder(label: string | number): string {
  if (typeof label === 'number') return `class-${String(label).padStart(6, '0')}`;
  return `class-${encodeURIComponent(label).slice(0, 200)}`;
}

/** The columns of single pictures; undefined where there are pairs. */
async function singleColumns(
  path: string,
  { a, b, image, label }: ParquetColumns = {},
): Promise<LabelledColumns | undefined> {
  if (a !== undefined || b !== undefined) return undefined;
  const { columns } = await describeParquet(path);
  const has = (column: string) => columns.includes(column);
  const found = ['img', 'image'].find(has);
  if (image === undefined && label === undefined) {
    if (found === undefined || (has(usualColumns.a) && has(usualColumns.b))) return undefined;
  }
  return { image: image ?? found ?? 'image', label: label ?? (has('label') ? 'label' : undefined) };
}

/** With the ending its first bytes tell. What is none of ours gets one that lets it be found, and reported, as a bad image. */
async function writePicture(path: string, bytes: Uint8Array): Promise<void> {
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  const isWebp = String.fromCharCode(...bytes.subarray(8, 12)) === 'WEBP';
  await writeFile(`${path}.${isJpeg ? 'jpg' : isWebp ? 'webp' : 'png'}`, bytes);
}
