import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, parse, relative, sep } from 'node:path';
import pLimit from 'p-limit';
import { GanletError } from '../../util/errors.ts';
import { fileError } from '../../util/file-error.ts';
import { sha256 } from '../../util/hash.ts';
import { BadImageError, decode, type Picture, readHeader } from '../decode.ts';

/** A picture of a folder. */
export interface PictureFile {
  /** Path in the folder without its ending, with "/": what pairs it with the picture of another folder. */
  readonly name: string;
  readonly path: string;
}

/** The pictures of a folder and of those in it, sorted by path, all headers read. */
export interface PictureFolder {
  readonly path: string;
  readonly files: readonly PictureFile[];
  /** SHA-256 over the content of all files in their order; names do not count. */
  readonly hash: string;
  /** "64 × 64" and so on → pictures of that size. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Pictures whose format loses detail, by its name. */
  readonly lossy: number;
  /** Files that are no PNG, JPEG or WebP by their names. */
  readonly ignored: number;
}

const pictureName = /\.(png|jpe?g|webp)$/i;
const lossyName = /\.(jpe?g|webp)$/i;

/**
 * Finds the pictures of a folder, deep, by code units of their paths, and reads every file once. Throws FOLDER_MISSING,
 * NOT_A_FOLDER, FOLDER_EMPTY, and DATA_BAD_IMAGES listing those that are no pictures.
 */
export async function openPictureFolder(
  path: string,
  onProgress?: (done: number, total: number) => void,
): Promise<PictureFolder> {
  needFolder(path);
  const all = (
    await readdir(path, { recursive: true, withFileTypes: true }).catch((error) => {
      throw fileError('list', path, error);
    })
  )
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => relative(path, join(parentPath, name)).split(sep).join('/'))
    .filter((name) => !name.split('/').some((part) => part.startsWith('.')));
  const names = all.filter((name) => pictureName.test(name)).sort();
  if (names.length === 0) {
    throw new GanletError(
      'FOLDER_EMPTY',
      `${path} must hold pictures, it has no PNG, JPEG or WebP files${all.length > 0 ? ` (but ${all.length} others)` : ''}`,
      { hint: 'name the folder that holds the pictures themselves' },
    );
  }
  const files = names.map((name) => ({ name: withoutEnding(name), path: join(path, name) }));
  const sizes = new Map<string, number>();
  const bad: string[] = [];
  let done = 0;
  const limit = pLimit(2 * availableParallelism());
  const digests = await limit.map(files, async (file) => {
    try {
      const bytes = await readFile(file.path);
      const { width, height } = await readHeader(file.path, bytes);
      const size = `${width} × ${height}`;
      sizes.set(size, (sizes.get(size) ?? 0) + 1);
      return sha256(bytes);
    } catch (error) {
      const problem = fileError('read', file.path, error);
      bad.push(problem instanceof BadImageError ? `${problem.path} ${problem.reason}` : problem.message);
      return '';
    } finally {
      onProgress?.(++done, files.length);
    }
  });
  if (bad.length > 0) throw badPictures(path, bad.sort());
  const digest = createHash('sha256');
  for (const each of digests) digest.update(each);
  return {
    path,
    files,
    hash: digest.digest('hex'),
    sizes,
    lossy: names.filter((name) => lossyName.test(name)).length,
    ignored: all.length - names.length,
  };
}

/** Decodes a picture (see `decode`). Throws IMAGE_INVALID naming it. */
export async function readPicture({ path }: PictureFile): Promise<Picture> {
  const bytes = await readFile(path).catch((error) => {
    throw fileError('read', path, error);
  });
  return decode(path, bytes);
}

function needFolder(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) {
    throw new GanletError('FOLDER_MISSING', `${path} must be a folder of pictures, there is none`, {
      hint: 'check the path',
    });
  }
  if (!found.isDirectory()) {
    throw new GanletError('NOT_A_FOLDER', `${path} must be a folder of pictures, it is a file`, {
      hint: /\.npz$/i.test(path) ? 'statistics of real pictures are given with --stats' : 'name its folder',
    });
  }
}

function withoutEnding(name: string): string {
  const { dir, name: stem } = parse(name);
  return dir === '' ? stem : `${dir}/${stem}`;
}

function badPictures(path: string, bad: readonly string[]): GanletError {
  const shown = bad.slice(0, 5).map((line) => `\n  ${line}`);
  const more = bad.length > 5 ? `\n  and ${bad.length - 5} more` : '';
  const count = bad.length === 1 ? '1 picture' : `${bad.length} pictures`;
  return new GanletError('DATA_BAD_IMAGES', `${count} in ${path} cannot be used:${shown.join('')}${more}`, {
    hint: 'repair or remove them',
  });
}
