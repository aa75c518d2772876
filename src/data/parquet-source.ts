import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { GanletError } from '../util/errors.ts';
import { fileError } from '../util/file-error.ts';
import { makeFolder } from '../util/folder.ts';
import { sha256Json } from '../util/hash.ts';
import { cacheDir } from './cache-dir.ts';
import { type FolderOptions, folderSource } from './folder/aligned.ts';
import { imageFolderSource } from './folder/classes.ts';
import {
  describeParquet,
  type LabelledColumns,
  type PictureColumns,
  readLabelled,
  readPairs,
} from './hub/parquet.ts';
import { inTurn } from './hub/turn.ts';
import type { Source, Split } from './source.ts';

export interface ParquetOptions extends Omit<FolderOptions, 'path'> {
  /** Default: what the files have, see `ParquetColumns`. */
  columns?: ParquetColumns | undefined;
  /** Where the pictures are unpacked. Default: see `cacheDir`. */
  cache?: string | undefined;
}

/**
 * Which columns are read: `a` and `b` of pairs (default imageA and imageB), or `image` and `label` of single pictures (default
 * img or image, and label where there is one). Without any the files tell: those with imageA and imageB hold pairs.
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

const usualColumns: PictureColumns = { a: 'imageA', b: 'imageB' };

/** Lists the classes of what is unpacked, where it is not pairs: folder → name. */
const classFile = 'classes.json';

/** How long another process may take to unpack the same files. */
const patience = 30 * 60_000;

/**
 * Pairs from the Parquet files below a folder. Their pictures are unpacked once into the cache, and from there
 * read as `folderSource` reads two folders: the same checks, splits (by file name) and memory.
 * Throws DATA_MISSING, PARQUET_INVALID, PARQUET_COLUMN, and what `folderSource` throws.
 */
export async function parquetSource(path: string, options: ParquetOptions): Promise<Source> {
  const names = await readdir(path, { recursive: true }).catch((error) => {
    throw fileError('list', path, error);
  });
  const files = names.filter((name) => name.endsWith('.parquet')).sort();
  if (files.length === 0) {
    throw new GanletError(
      'DATA_MISSING',
      `data.path must be a folder with .parquet files, ${path} has none`,
      {
        hint: 'check data.path in the recipe',
      },
    );
  }
  const shards = files.map((name) => ({ path: join(path, name), name: relative(path, join(path, name)) }));
  const states = await Promise.all(shards.map((shard) => stat(shard.path)));
  const identity = shards.map((shard, i) => [shard.path, states[i]!.size, states[i]!.mtimeMs]);
  return unpackedSource('parquet', identity, async () => shards, options);
}

/**
 * The source of what is unpacked under that identity; the first time `shards` are asked for and unpacked.
 * `name` is that of the source.
 */
export async function unpackedSource(
  name: string,
  identity: unknown,
  shards: () => Promise<readonly Shard[]>,
  { columns, cache = cacheDir(), ...options }: ParquetOptions,
): Promise<Source> {
  const folder = unpackedFolder(identity, columns, cache);
  if (!(await isFolder(folder))) {
    await inTurn(`${folder}.lock`, folder, patience, undefined, async () => {
      if (!(await isFolder(folder))) await unpack(await shards(), columns, folder);
    });
    await rm(`${folder}.lock`, { recursive: true, force: true });
  }
  const classes = await classNames(folder);
  if (!classes) return { ...(await folderSource('folders', { ...options, path: folder })), name };
  const source = await imageFolderSource({ ...options, path: folder });
  const { condition } = source;
  if (condition.kind !== 'class') return { ...source, name };
  return {
    ...source,
    name,
    condition: { kind: 'class', classes: condition.classes.map((folder) => classes[folder] ?? folder) },
  };
}

async function classNames(folder: string): Promise<Record<string, string> | undefined> {
  const text = await readFile(join(folder, classFile), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

/** Where pictures of that identity are, or would be, unpacked. */
export function unpackedFolder(
  identity: unknown,
  columns: ParquetColumns | undefined,
  cache: string,
): string {
  const { a = usualColumns.a, b = usualColumns.b, image, label } = columns ?? {};
  const asked = image === undefined && label === undefined ? { a, b } : { image, label };
  return join(cache, `parquet-${sha256Json([1, identity, asked]).slice(0, 32)}`);
}

/** The split that a path names: `data/train-00000-of-00002.parquet`, `default/validation/0000.parquet`. */
export function splitOfPath(name: string): Split | undefined {
  const [, word] =
    /(?:^|[/\\_.-])(train|validation|valid|val|dev|test)(?=[/\\_.-])/.exec(name.toLowerCase()) ?? [];
  if (word === undefined) return undefined;
  return word === 'train' || word === 'test' ? word : 'val';
}

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Writes <split>/A/000000.png, <split>/B/000000.png, …, or <split>/<class>/000000.png, …. Whole or not at all. */
async function unpack(
  shards: readonly Shard[],
  columns: ParquetColumns | undefined,
  folder: string,
): Promise<void> {
  const temporary = `${folder}.tmp`;
  try {
    await rm(temporary, { recursive: true, force: true });
    const named = shards.map((shard) => ({ ...shard, split: splitOfPath(shard.name) }));
    // Where only some files name a split, the others would have no place: then none counts.
    const useSplits = named.every(({ split }) => split !== undefined);
    const labelled = await labelledColumns(shards[0]!.path, columns);
    const pairs = { a: columns?.a ?? usualColumns.a, b: columns?.b ?? usualColumns.b };
    const classes: Record<string, string> = {};
    const counts = new Map<string, number>();
    for (const { path, split = '' } of named) {
      const key = useSplits ? split : '';
      const write = async (side: string, stem: string, bytes: Uint8Array) => {
        const place = join(temporary, key, side);
        makeFolder(place);
        await writeFile(join(place, `${stem}.${ending(bytes)}`), bytes);
      };
      const next = () => {
        const row = counts.get(key) ?? 0;
        counts.set(key, row + 1);
        return String(row).padStart(6, '0');
      };
      if (!labelled) {
        for (const side of ['A', 'B']) makeFolder(join(temporary, key, side));
        for await (const { a, b } of readPairs(path, pairs)) {
          const stem = next();
          await write('A', stem, a);
          await write('B', stem, b);
        }
        continue;
      }
      const { label: column } = labelled;
      const names = column === undefined ? undefined : (await describeParquet(path)).classNames(column);
      makeFolder(join(temporary, key));
      for await (const { image, label } of readLabelled(path, labelled)) {
        const side = label === undefined ? '' : classFolder(label);
        if (label !== undefined)
          classes[side] = typeof label === 'number' ? (names?.[label] ?? String(label)) : label;
        await write(side, next(), image);
      }
    }
    if (labelled) await writeFile(join(temporary, classFile), JSON.stringify(classes));
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw fileError('write', temporary, error);
  }
}

/** The columns of single pictures; undefined where there are pairs. */
async function labelledColumns(
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

/** In the order of numbers, and nothing that a path could be made of. */
function classFolder(label: string | number): string {
  if (typeof label === 'number') return `class-${String(label).padStart(6, '0')}`;
  return `class-${encodeURIComponent(label).slice(0, 200)}`;
}

/** By the first bytes. What is none of ours gets an ending that lets it be found, and reported, as a bad image. */
function ending(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'jpg';
  return String.fromCharCode(...bytes.subarray(8, 12)) === 'WEBP' ? 'webp' : 'png';
}
