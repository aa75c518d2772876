import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { GanletError } from '../util/errors.ts';
import { fileError } from '../util/file-error.ts';
import { makeFolder } from '../util/folder.ts';
import { sha256Json } from '../util/hash.ts';
import { type FolderOptions, folderSource } from './aligned.ts';
import { cacheDir } from './cache-dir.ts';
import { type PictureColumns, readPairs } from './hub/parquet.ts';
import { inTurn } from './hub/turn.ts';
import type { PairedSource, Split } from './source.ts';

export interface ParquetOptions extends Omit<FolderOptions, 'path'> {
  /** Default imageA and imageB. */
  columns?: PictureColumns | undefined;
  /** Where the pictures are unpacked. Default: see `cacheDir`. */
  cache?: string | undefined;
}

/** A Parquet file and the split its name tells. */
export interface Shard {
  path: string;
  /** Path that its split is read from, relative to the data set. */
  name: string;
}

export const usualColumns: PictureColumns = { a: 'imageA', b: 'imageB' };

/** How long another process may take to unpack the same files. */
const patience = 30 * 60_000;

/**
 * Pairs from the Parquet files below a folder. Their pictures are unpacked once into the cache, and from there
 * read as `folderSource` reads two folders: the same checks, splits (by file name) and memory.
 * Throws DATA_MISSING, PARQUET_INVALID, PARQUET_COLUMN, and what `folderSource` throws.
 */
export async function parquetSource(path: string, options: ParquetOptions): Promise<PairedSource> {
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
  { columns = usualColumns, cache = cacheDir(), ...options }: ParquetOptions,
): Promise<PairedSource> {
  const folder = unpackedFolder(identity, columns, cache);
  if (!(await isFolder(folder))) {
    await inTurn(`${folder}.lock`, folder, patience, undefined, async () => {
      if (!(await isFolder(folder))) await unpack(await shards(), columns, folder);
    });
    await rm(`${folder}.lock`, { recursive: true, force: true });
  }
  const source = await folderSource('folders', { ...options, path: folder });
  return { ...source, name };
}

/** Where pictures of that identity are, or would be, unpacked. */
export function unpackedFolder(identity: unknown, columns: PictureColumns, cache: string): string {
  return join(cache, `parquet-${sha256Json([1, identity, columns]).slice(0, 32)}`);
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

/** Writes <split>/A/000000.png, <split>/B/000000.png, … Whole or not at all. */
async function unpack(shards: readonly Shard[], columns: PictureColumns, folder: string): Promise<void> {
  const temporary = `${folder}.tmp`;
  try {
    await rm(temporary, { recursive: true, force: true });
    const named = shards.map((shard) => ({ ...shard, split: splitOfPath(shard.name) }));
    // Where only some files name a split, the others would have no place: then none counts.
    const useSplits = named.every(({ split }) => split !== undefined);
    const counts = new Map<string, number>();
    for (const { path, split = '' } of named) {
      const place = join(temporary, useSplits ? split : '');
      const key = useSplits ? split : '';
      for (const side of ['A', 'B']) makeFolder(join(place, side));
      for await (const { a, b } of readPairs(path, columns)) {
        const row = counts.get(key) ?? 0;
        counts.set(key, row + 1);
        const stem = String(row).padStart(6, '0');
        await writeFile(join(place, 'A', `${stem}.${ending(a)}`), a);
        await writeFile(join(place, 'B', `${stem}.${ending(b)}`), b);
      }
    }
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw fileError('write', temporary, error);
  }
}

/** By the first bytes. What is none of ours gets an ending that lets it be found, and reported, as a bad image. */
function ending(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'jpg';
  return String.fromCharCode(...bytes.subarray(8, 12)) === 'WEBP' ? 'webp' : 'png';
}
