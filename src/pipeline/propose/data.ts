import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readHeader } from '../../data/decode.ts';
import { findPairs } from '../../data/folder/files.ts';
import { GanletError } from '../../util/errors.ts';

/** What a recipe's data section says of a folder that nobody has described. */
export interface ProposedData {
  source: 'aligned' | 'folders' | 'parquet';
  /** Side in pixels of the first picture, at most 256; undefined for pictures inside other files. */
  side: number | undefined;
}

/** The largest side that is proposed without being asked for. */
const largestSide = 256;

/**
 * How the pictures of a folder are laid out: Parquet files, folders A and B (inside train, val and test too), or both pictures
 * side by side in one. Throws DATA_MISSING, and what `findPairs` throws.
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
  const inside = folders.includes('train') ? await entries(join(path, 'train')) : undefined;
  const parallel = [folders, inside?.map(({ name }) => name) ?? []].some((names) => names.includes('A'));
  const source = parallel ? 'folders' : 'aligned';
  const { pairs } = await findPairs(path, source);
  const first = pairs.train[0]?.a;
  if (first === undefined) return { source, side: undefined };
  const { width, height } = await readHeader(first, await readFile(first));
  const shorter = Math.min(source === 'aligned' ? Math.floor(width / 2) : width, height);
  // Generators halve their images a few times.
  const side = Math.min(largestSide, shorter >= 16 ? shorter - (shorter % 16) : shorter);
  return { source, side };
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
