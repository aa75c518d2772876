import { readdir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { GanletError } from '../../util/errors.ts';
import { fileError } from '../../util/file-error.ts';
import type { BadImage, Split } from '../source.ts';
import { splits } from '../source.ts';
import { holdOut } from '../split.ts';

export type FolderLayout = 'aligned' | 'folders';

/** The files of one pair: `a` is the left half or A side. Without `b` both halves are in `a`. */
export interface PairFiles {
  /** "train/0001": unique in the data set. */
  id: string;
  a: string;
  b?: string;
}

const imageName = /\.(png|jpe?g|webp)$/i;

/** Parts held out where the user gave no folder for them. */
export const valFraction = 0.1;
export const testFraction = 0.2;

/**
 * Finds the pairs of each split, sorted by name. Splits are sub-folders `train`, `val`, `test` (for `folders`:
 * of `A` and `B`, or each with an `A` and a `B`). Without `val`, a tenth of `train` is held out for it; with no
 * sub-folders at all, first a fifth is held out for `test`. Also returns the files that have no partner.
 * Throws DATA_MISSING or DATA_SPLIT_MISSING naming the folders looked for.
 */
export async function findPairs(
  path: string,
  layout: FolderLayout,
): Promise<{ pairs: Record<Split, PairFiles[]>; unpaired: BadImage[] }> {
  const unpaired: BadImage[] = [];
  const find = layout === 'aligned' ? findAligned : findParallel;
  if ((await names(path)) === undefined) {
    throw new GanletError(
      'DATA_MISSING',
      `data.path must be a folder with images, there is no folder ${path}`,
      {
        hint: 'check data.path in the recipe',
      },
    );
  }
  const found: Partial<Record<Split, PairFiles[]>> = {};
  for (const split of splits) {
    const pairs = await find(path, split, unpaired);
    if (pairs) found[split] = pairs;
  }
  if (!found.train && !found.val && !found.test) {
    const all = await find(path, '', unpaired);
    const { rest, held } = hold(all ?? [], testFraction);
    if (all) Object.assign(found, { train: rest, test: held });
  }
  const { train, test } = found;
  if (!train || !test) {
    const missing = train ? 'test' : 'train';
    throw new GanletError(
      'DATA_SPLIT_MISSING',
      `${path} must have a ${missing} split, looked for ${lookedFor(path, layout, missing).join(' and ')}`,
      {
        hint:
          missing === 'test' && found.val
            ? 'name the val folder "test": a part of train is then held out for the search'
            : layout === 'aligned'
              ? 'put the images into sub-folders train and test, or all of them directly into data.path'
              : 'put the images into A/train, B/train, A/test and B/test, or all of them directly into A and B',
      },
    );
  }
  const { rest, held } = hold(train, valFraction);
  return { pairs: found.val ? { train, val: found.val, test } : { train: rest, val: held, test }, unpaired };
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
  unpaired: BadImage[],
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
      else unpaired.push({ name: join(a, file), reason: `has no partner of that name in ${b}` });
      partners.delete(name);
    }
    for (const file of partners.values()) {
      unpaired.push({ name: join(b, file), reason: `has no partner of that name in ${a}` });
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
  return (await names(folder))?.filter((name) => imageName.test(name) && !name.startsWith('.')).sort();
}

async function names(folder: string): Promise<string[] | undefined> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw fileError('list', folder, error);
  }
}

/** Holds a part of the entries out by their ids, see `holdOut`. */
export function hold<T extends { id: string }>(
  entries: readonly T[],
  fraction: number,
): { rest: T[]; held: T[] } {
  const { held } = holdOut(
    entries.map(({ id }) => id),
    fraction,
  );
  const chosen = new Set(held);
  return {
    rest: entries.filter(({ id }) => !chosen.has(id)),
    held: entries.filter(({ id }) => chosen.has(id)),
  };
}
