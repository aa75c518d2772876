import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readHeader } from '../../data/decode.ts';
import { findPairs, images } from '../../data/folder/files.ts';
import { GanletError } from '../../util/errors.ts';

/** What a recipe's data section says of a folder that nobody has described. */
export interface ProposedData {
  source: 'aligned' | 'folders' | 'unpaired' | 'parquet';
  /** Side in pixels of the first picture, at most 256; undefined for pictures inside other files. */
  side: number | undefined;
}

/** The largest side that is proposed without being asked for. */
const largestSide = 256;

/**
 * How the pictures of a folder are laid out: Parquet files, folders trainA and trainB of unpaired pictures, folders A and B (inside
 * train, val and test too), or both pictures side by side in one. Throws DATA_MISSING, and what `findPairs` throws.
 */
export async function proposeData(path: string): Promise<ProposedData> {
  const here = await entries(path);
  if (!here) {
    throw new GanletError(
      'DATA_MISSING',
      `--data must be a folder with pictures, there is no folder ${path}`,
    );
  }
  if (here.some(({ name }) => name.endsWith('.parquet'))) return { source: 'parquet', side: undefined };
  const folders = here.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  if (folders.includes('trainA') && folders.includes('trainB')) {
    const first = (await images(join(path, 'trainA')))?.[0];
    return {
      source: 'unpaired',
      side: first === undefined ? undefined : await sideOf(join(path, 'trainA', first), 1),
    };
  }
  const inside = folders.includes('train') ? await entries(join(path, 'train')) : undefined;
  const parallel = [folders, inside?.map(({ name }) => name) ?? []].some((names) => names.includes('A'));
  const source = parallel ? 'folders' : 'aligned';
  const { pairs } = await findPairs(path, source);
  const first = pairs.train[0]?.a;
  return {
    source,
    side: first === undefined ? undefined : await sideOf(first, source === 'aligned' ? 2 : 1),
  };
}

/** The side of the pictures in a file, of which it holds so many beside each other. */
async function sideOf(file: string, beside: number): Promise<number> {
  const { width, height } = await readHeader(file, await readFile(file));
  const shorter = Math.min(Math.floor(width / beside), height);
  // Generators halve their images a few times.
  return Math.min(largestSide, shorter >= 16 ? shorter - (shorter % 16) : shorter);
}

async function entries(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
