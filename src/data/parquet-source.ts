import { readdir, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { GanletError } from '../util/errors.ts';
import { exists } from '../util/exists.ts';
import { fileError } from '../util/file-error.ts';
import { sha256Json } from '../util/hash.ts';
import { cacheDir } from './cache-dir.ts';
import { readClassFile } from './class-file.ts';
import { classed } from './classed.ts';
import { type FolderOptions, folderSource } from './folder/aligned.ts';
import { imageFolderSource } from './folder/classes.ts';
import { inTurn } from './hub/turn.ts';
import {
  type ParquetColumns,
  pairClassesFile,
  readClassNames,
  type Shard,
  unpack,
  usualColumns,
} from './hub/unpack.ts';
import type { Condition, Source } from './source.ts';

export interface ParquetOptions extends Omit<FolderOptions, 'path'> {
  /** Default: what the files have, see `ParquetColumns`. */
  columns?: ParquetColumns | undefined;
  /** Where the pictures are unpacked. Default: see `cacheDir`. */
  cache?: string | undefined;
}

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
  const names = await readClassNames(folder);
  const source = await openUnpacked(folder, names !== undefined, options);
  return { ...source, name, condition: renamed(source.condition, names ?? {}) };
}

/** Two folders of pairs, which may come with their classes, or folders of classes. */
async function openUnpacked(
  path: string,
  withClasses: boolean,
  options: Omit<FolderOptions, 'path'>,
): Promise<Source> {
  const classes = join(path, pairClassesFile);
  if (withClasses && !exists(classes)) return imageFolderSource({ ...options, path });
  const pairs = await folderSource('folders', { ...options, path });
  return withClasses ? classed(pairs, await readClassFile(classes)) : pairs;
}

/** With the names of the classes in place of those of their folders. */
function renamed(condition: Condition, names: Readonly<Record<string, string>>): Condition {
  if (condition.kind === 'none' || !condition.classes) return condition;
  return { ...condition, classes: condition.classes.map((folder) => names[folder] ?? folder) };
}

/** Where pictures of that identity are, or would be, unpacked. */
export function unpackedFolder(
  identity: unknown,
  columns: ParquetColumns | undefined,
  cache: string,
): string {
  const { a, b, image, label } = columns ?? {};
  const pairs = (a ?? b) !== undefined || (image ?? label) === undefined;
  const sides = { a: a ?? usualColumns.a, b: b ?? usualColumns.b };
  const asked = pairs ? { ...sides, ...(label !== undefined && { label }) } : { image, label };
  return join(cache, `parquet-${sha256Json([1, identity, asked]).slice(0, 32)}`);
}

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
