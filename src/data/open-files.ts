import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import pLimit from 'p-limit';
import { GanletError } from '../util/errors.ts';
import { sha256 } from '../util/hash.ts';
import { BadImageError } from './decode.ts';
import { lru } from './lru.ts';
import { type BadImage, type Split, splits } from './source.ts';

/** What all sources of files have in common. */
export interface FileOptions {
  /** `error` (default): refuse the data set and list what is wrong. `skip`: leave it out, see `skipped`. */
  onBadImage?: 'error' | 'skip';
  onProgress?: (done: number, total: number) => void;
  /** Up to this many bytes of decoded pixels are held in memory. Default 512 MiB. */
  memory?: number;
}

/** How the files of one entry become its pixels. All three throw BadImageError for files that cannot be used. */
export interface FileReading<T, D> {
  read(entry: T): Promise<Uint8Array[]>;
  /** What can be known without the pixels of pictures. */
  check(entry: T, bytes: Uint8Array[]): Promise<void>;
  decode(entry: T, bytes: Uint8Array[]): Promise<D>;
  /** Of one decoded entry. */
  bytes: number;
  /** What an entry is called: "pair of images". */
  what: string;
}

export interface OpenFiles<T, D> {
  entries: Record<Split, readonly T[]>;
  /** SHA-256 of the files of each entry. */
  digests: Record<Split, readonly string[][]>;
  /** Sorted by name. */
  skipped: readonly BadImage[];
  /** Throws RangeError for a number beyond the split. */
  get(split: Split, index: number): D | Promise<D>;
}

interface Opened<T, D> {
  entry: T;
  digests: string[];
  /** Where it is held in memory. */
  decoded: D | undefined;
}

/**
 * Reads every file of a data set in the folder `path` once. What fits in `memory` is decoded and checked here. Of a larger set
 * only `check` is asked here; its pixels are decoded when asked for, so damage inside a picture shows then, as IMAGE_INVALID.
 * `bad` are files known to be unusable before. Throws DATA_BAD_IMAGES listing what is wrong, DATA_EMPTY for a split without
 * any entry.
 */
export async function openFiles<T, D>(
  path: string,
  found: Readonly<Record<Split, readonly T[]>>,
  reading: FileReading<T, D>,
  { onBadImage = 'error', onProgress, memory = 512 * 2 ** 20 }: FileOptions,
  bad: readonly BadImage[] = [],
): Promise<OpenFiles<T, D>> {
  const total = splits.reduce((sum, split) => sum + found[split].length, 0);
  const heldInMemory = total * reading.bytes <= memory;
  const skipped: BadImage[] = [...bad];
  let done = 0;
  const open = async (entry: T): Promise<Opened<T, D> | undefined> => {
    try {
      const bytes = await reading.read(entry);
      await reading.check(entry, bytes);
      const decoded = heldInMemory ? await reading.decode(entry, bytes) : undefined;
      return { entry, digests: bytes.map(sha256), decoded };
    } catch (error) {
      if (!(error instanceof BadImageError)) throw error;
      skipped.push({ name: relative(path, error.path), reason: error.reason });
      return undefined;
    } finally {
      onProgress?.(++done, total);
    }
  };
  const limit = pLimit(2 * availableParallelism());
  const openAll = async (split: Split): Promise<Opened<T, D>[]> =>
    (await limit.map(found[split], open)).filter((entry) => entry !== undefined);
  const opened: Record<Split, Opened<T, D>[]> = {
    train: await openAll('train'),
    val: await openAll('val'),
    test: await openAll('test'),
  };
  skipped.sort((x, y) => (x.name < y.name ? -1 : 1));
  if (skipped.length > 0 && onBadImage === 'error') throw badImages(path, skipped);
  for (const split of splits) {
    if (opened[split].length === 0) throw emptySplit(path, split, reading.what, skipped);
  }
  const decodeAgain = lru(Math.max(Math.floor(memory / reading.bytes), 1), async (entry: T) =>
    reading.decode(entry, await reading.read(entry)),
  );
  const ofAll = <V>(map: (entry: Opened<T, D>) => V): Record<Split, V[]> => ({
    train: opened.train.map(map),
    val: opened.val.map(map),
    test: opened.test.map(map),
  });
  return {
    entries: ofAll(({ entry }) => entry),
    digests: ofAll(({ digests }) => digests),
    skipped,
    get(split, index) {
      const chosen = opened[split][index];
      if (!chosen)
        throw new RangeError(`${split} has ${opened[split].length} pairs, asked for number ${index}`);
      return chosen.decoded ?? decodeAgain(chosen.entry);
    },
  };
}

function badImages(path: string, bad: readonly BadImage[]): GanletError {
  const shown = bad.slice(0, 5).map(({ name, reason }) => `\n  ${name} ${reason}`);
  const more = bad.length > 5 ? `\n  and ${bad.length - 5} more` : '';
  const count = bad.length === 1 ? '1 image' : `${bad.length} images`;
  const some = (words: string) => bad.some(({ reason }) => reason.includes(words));
  return new GanletError('DATA_BAD_IMAGES', `${count} in ${path} cannot be used:${shown.join('')}${more}`, {
    hint:
      'repair or remove them, or set data.onBadImage to skip' +
      (some('an RGB image is wanted') ? ' (data.greyscale: expand takes grey ones)' : '') +
      (some('has the value')
        ? ' (data.labels says how many labels there are, data.dontCare: 255 takes 255 as another)'
        : ''),
  });
}

function emptySplit(path: string, split: Split, what: string, bad: readonly BadImage[]): GanletError {
  const message = `the ${split} split of ${path} must have at least one usable ${what}, has none`;
  const example = bad[0] && `${bad[0].name} ${bad[0].reason}`;
  return new GanletError('DATA_EMPTY', message, {
    hint: example ? `${bad.length} were left out, for example: ${example}` : 'add PNG, JPEG or WebP images',
  });
}
