import { statSync } from 'node:fs';
import { GanletError } from '../../util/errors.ts';
import { type Split, splits } from '../source.ts';
import { holdOut } from '../split.ts';

/** Parts held out where the user gave no folder for them. */
const valFraction = 0.1;
const testFraction = 0.2;

export interface SplitSearch<T extends { id: string }> {
  /** The folder of the data. */
  path: string;
  /** The entries of a split, sorted; undefined without a folder of it. Of '': of data without any splits. */
  find(split: Split | ''): Promise<T[] | undefined>;
  /** Where `find` looks for a split. */
  lookedFor(split: Split): readonly string[];
  /** What cannot be done without: "split". */
  what?: string;
  /** How the folders are to be laid out. */
  hint: string;
  /** Takes a part of entries away. Default: by their ids, see `holdOut`. */
  hold?: (entries: readonly T[], fraction: number) => { rest: T[]; held: T[] };
}

/**
 * The entries of each split. Without a val split a tenth of train is held out for it; without any, first a fifth for test. Throws
 * DATA_SPLIT_MISSING naming the folders looked for.
 */
export async function findSplits<T extends { id: string }>({
  path,
  find,
  lookedFor,
  what = 'split',
  hint,
  hold: part = hold<T>,
}: SplitSearch<T>): Promise<Record<Split, T[]>> {
  const found: Partial<Record<Split, T[]>> = {};
  for (const split of splits) {
    const entries = await find(split);
    if (entries) found[split] = entries;
  }
  if (!found.train && !found.val && !found.test) {
    const all = await find('');
    if (all) {
      const { rest, held } = part(all, testFraction);
      Object.assign(found, { train: rest, test: held });
    }
  }
  const { train, val, test } = found;
  if (!train || !test) {
    const missing = train ? 'test' : 'train';
    const places = lookedFor(missing);
    const listed = [places.slice(0, -1).join(', '), places.at(-1)].filter(Boolean).join(' and ');
    throw new GanletError(
      'DATA_SPLIT_MISSING',
      `${path} must have a ${missing} ${what}, looked for ${listed}`,
      {
        hint:
          missing === 'test' && val
            ? 'name the val folder "test": a part of train is then held out for the search'
            : hint,
      },
    );
  }
  if (val) return { train, val, test };
  const { rest, held } = part(train, valFraction);
  return { train: rest, val: held, test };
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

/** Throws DATA_MISSING where there is no folder of that name. */
export function needDataFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new GanletError(
    'DATA_MISSING',
    `data.path must be a folder with images, there is no folder ${path}`,
    {
      hint: 'check data.path in the recipe',
    },
  );
}
