import { readdir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { fileError } from '../../util/file-error.ts';
import type { BadImage, Split } from '../source.ts';
import { findSplits, needDataFolder } from './find-splits.ts';

export type FolderLayout = 'aligned' | 'folders';

/** The files of one pair: `a` is the left half or A side. Without `b` both halves are in `a`. */
export interface PairFiles {
  /** "train/0001": unique in the data set. */
  id: string;
  a: string;
  b?: string;
}

const imageName = /\.(png|jpe?g|webp)$/i;

/**
 * Finds the pairs of each split, sorted by name. Splits are sub-folders `train`, `val`, `test` (for `folders`:
 * of `A` and `B`, or each with an `A` and a `B`), held out as in `findSplits` where they are missing. Also returns the files that have
 * no partner. Throws DATA_MISSING or DATA_SPLIT_MISSING naming the folders looked for.
 */
export async function findPairs(
  path: string,
  layout: FolderLayout,
): Promise<{ pairs: Record<Split, PairFiles[]>; lonely: BadImage[] }> {
  needDataFolder(path);
  const lonely: BadImage[] = [];
  const pairs = await findSplits<PairFiles>({
    path,
    find: (split) => (layout === 'aligned' ? findAligned(path, split) : findParallel(path, split, lonely)),
    lookedFor: (split) => lookedFor(path, layout, split),
    hint:
      layout === 'aligned'
        ? 'put the images into sub-folders train and test, or all of them directly into data.path'
        : 'put the images into A/train, B/train, A/test and B/test, or all of them directly into A and B',
  });
  return { pairs, lonely };
}

function lookedFor(path: string, layout: FolderLayout, split: string): string[] {
  if (layout === 'aligned') return [join(path, split)];
  return [join(path, 'A', split), join(path, split, 'A')];
}

async function findAligned(path: string, split: string): Promise<PairFiles[] | undefined> {
  const folder = join(path, split);
  const files = await images(folder);
  if (!files || (split === '' && files.length === 0)) return undefined;
  return files.map((file) => ({ id: idOf(split, file), a: join(folder, file) }));
}

async function findParallel(
  path: string,
  split: string,
  lonely: BadImage[],
): Promise<PairFiles[] | undefined> {
  for (const [a, b] of [
    [join('A', split), join('B', split)],
    [join(split, 'A'), join(split, 'B')],
  ] as const) {
    const [left, right] = [await images(join(path, a)), await images(join(path, b))];
    if (!left && !right) continue;
    if (split === '' && !left?.length && !right?.length) return undefined;
    const partners = new Map((right ?? []).map((file) => [parse(file).name, file]));
    const pairs: PairFiles[] = [];
    for (const file of left ?? []) {
      const { name } = parse(file);
      const partner = partners.get(name);
      if (partner) pairs.push({ id: idOf(split, name), a: join(path, a, file), b: join(path, b, partner) });
      else lonely.push({ name: join(a, file), reason: `has no partner of that name in ${b}` });
      partners.delete(name);
    }
    for (const file of partners.values()) {
      lonely.push({ name: join(b, file), reason: `has no partner of that name in ${a}` });
    }
    return pairs;
  }
  return undefined;
}

/** The same on every system, because ids decide what is held out and enter the data hash. */
function idOf(split: string, name: string): string {
  return split === '' ? name : `${split}/${name}`;
}

/** The image files directly in a folder, sorted by code units; undefined when there is no such folder. */
export async function images(folder: string): Promise<string[] | undefined> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    return files.filter((name) => imageName.test(name) && !name.startsWith('.')).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw fileError('list', folder, error);
  }
}
