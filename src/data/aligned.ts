import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import pLimit from 'p-limit';
import { GanletError } from '../util/errors.ts';
import { sha256, sha256Json } from '../util/hash.ts';
import { BadImageError } from './decode.ts';
import { type FolderLayout, findPairs, type PairFiles } from './folder-files.ts';
import { checkPair, decodePair, type PairOptions, readPair } from './folder-pair.ts';
import { lru } from './lru.ts';
import type { BadImage, Channels, Pair, PairedSource, Split } from './source.ts';
import { colourChannels, splits } from './source.ts';

export interface FolderOptions {
  /** The folder that holds the images or their split folders. */
  path: string;
  /** Side in pixels to which both pictures of a pair are resized. */
  size: number;
  /** Which side is the condition: AtoB (default) makes the left half, or A, the condition. */
  direction?: 'AtoB' | 'BtoA';
  /** Default 3 and 3. Where it is 1, pictures become luma and one-channel files are welcome. */
  channels?: Channels;
  /**
   * What a one-channel file is where RGB is wanted: `reject` (default) a bad image, because it usually means
   * a wrong or damaged file; `expand` its grey repeated.
   */
  greyscale?: 'reject' | 'expand';
  /** `error` (default): refuse the data set and list what is wrong. `skip`: leave it out, see `skipped`. */
  onBadImage?: 'error' | 'skip';
  onProgress?: (done: number, total: number) => void;
  /** Up to this many bytes of decoded pixels are held in memory. Default 512 MiB. */
  memory?: number;
}

interface OpenPair {
  files: PairFiles;
  /** SHA-256 of each file. */
  digests: string[];
  /** The pixels, where they are held in memory. */
  pair: Pair | undefined;
}

/**
 * Pairs from a folder. `aligned`: every image is A and B side by side, twice as wide as high. `folders`: A and
 * B are folders with images of equal names (endings may differ) and equal sides. PNG, JPEG, WebP.
 *
 * What fits in `memory` is decoded and checked here. Of a larger set only the headers are checked here; its
 * pixels are decoded when asked for, so damage inside a file shows then, as IMAGE_INVALID.
 * Throws DATA_MISSING, DATA_SPLIT_MISSING, DATA_BAD_IMAGES, DATA_EMPTY.
 */
export async function folderSource(layout: FolderLayout, options: FolderOptions): Promise<PairedSource> {
  const { path, size, direction = 'AtoB', channels = colourChannels, greyscale = 'reject' } = options;
  const { onBadImage = 'error', onProgress, memory = 512 * 2 ** 20 } = options;
  const pairOptions: PairOptions = { size, direction, channels, greyscale };
  const { pairs, unpaired } = await findPairs(path, layout);
  const total = splits.reduce((sum, split) => sum + pairs[split].length, 0);
  const pairBytes = size * size * (channels.condition + channels.image);
  const heldInMemory = total * pairBytes <= memory;

  const bad: BadImage[] = [...unpaired];
  let done = 0;
  const open = async (files: PairFiles): Promise<OpenPair | undefined> => {
    try {
      const bytes = await readPair(files);
      await checkPair(files, bytes, pairOptions);
      const pair = heldInMemory ? await decodePair(files, bytes, pairOptions) : undefined;
      return { files, digests: bytes.map(sha256), pair };
    } catch (error) {
      if (!(error instanceof BadImageError)) throw error;
      bad.push({ name: relative(path, error.path), reason: error.reason });
      return undefined;
    } finally {
      onProgress?.(++done, total);
    }
  };
  const limit = pLimit(2 * availableParallelism());
  const openAll = async (split: Split): Promise<OpenPair[]> =>
    (await limit.map(pairs[split], open)).filter((pair) => pair !== undefined);
  const opened: Record<Split, OpenPair[]> = {
    train: await openAll('train'),
    val: await openAll('val'),
    test: await openAll('test'),
  };
  bad.sort((x, y) => (x.name < y.name ? -1 : 1));
  if (bad.length > 0 && onBadImage === 'error') throw badImages(path, bad);
  for (const split of splits) {
    if (opened[split].length === 0) throw emptySplit(path, split, bad);
  }

  const decodeAgain = lru(Math.max(Math.floor(memory / pairBytes), 1), async (files: PairFiles) =>
    decodePair(files, await readPair(files), pairOptions),
  );
  const idsOf = (split: Split) => opened[split].map(({ files }) => files.id);
  return {
    name: layout,
    size,
    channels,
    counts: { train: opened.train.length, val: opened.val.length, test: opened.test.length },
    ids: { train: idsOf('train'), val: idsOf('val'), test: idsOf('test') },
    skipped: bad,
    hash: sha256Json({
      layout,
      pairOptions,
      content: splits.map((split) => opened[split].map(({ files, digests }) => [files.id, ...digests])),
    }),
    pair(split, index) {
      const chosen = opened[split][index];
      if (!chosen)
        throw new RangeError(`${split} has ${opened[split].length} pairs, asked for number ${index}`);
      return chosen.pair ?? decodeAgain(chosen.files);
    },
  };
}

function badImages(path: string, bad: BadImage[]): GanletError {
  const shown = bad.slice(0, 5).map(({ name, reason }) => `\n  ${name} ${reason}`);
  const more = bad.length > 5 ? `\n  and ${bad.length - 5} more` : '';
  const count = bad.length === 1 ? '1 image' : `${bad.length} images`;
  return new GanletError('DATA_BAD_IMAGES', `${count} in ${path} cannot be used:${shown.join('')}${more}`, {
    hint:
      'repair or remove them, or set data.onBadImage to skip' +
      (bad.some(({ reason }) => reason.includes('one channel'))
        ? ' (data.greyscale: expand takes grey ones)'
        : ''),
  });
}

function emptySplit(path: string, split: Split, bad: BadImage[]): GanletError {
  const message = `the ${split} split of ${path} must have at least one usable pair of images, has none`;
  const example = bad[0] && `${bad[0].name} ${bad[0].reason}`;
  return new GanletError('DATA_EMPTY', message, {
    hint: example ? `${bad.length} were left out, for example: ${example}` : 'add PNG, JPEG or WebP images',
  });
}
