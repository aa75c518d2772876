import { sha256Json } from '../../util/hash.ts';
import { type FileOptions, openFiles } from '../open-files.ts';
import { countsAndIds } from '../parts.ts';
import { type Channels, colourChannels, type Source, splits } from '../source.ts';
import { type FolderLayout, findPairs } from './files.ts';
import { checkPair, decodePair, type PairOptions, readPair } from './pair.ts';

export interface FolderOptions extends FileOptions {
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
}

/**
 * Pairs from a folder. `aligned`: every image is A and B side by side, twice as wide as high. `folders`: A and
 * B are folders with images of equal names (endings may differ) and equal sides. PNG, JPEG, WebP.
 *
 * What fits in `memory` is decoded and checked here. Of a larger set only the headers are checked here; its
 * pixels are decoded when asked for, so damage inside a file shows then, as IMAGE_INVALID.
 * Throws DATA_MISSING, DATA_SPLIT_MISSING, DATA_BAD_IMAGES, DATA_EMPTY.
 */
export async function folderSource(layout: FolderLayout, options: FolderOptions): Promise<Source> {
  const { path, size, direction = 'AtoB', channels = colourChannels, greyscale = 'reject' } = options;
  const pairOptions: PairOptions = { size, direction, channels, greyscale };
  const { pairs, lonely } = await findPairs(path, layout);
  const opened = await openFiles(
    path,
    pairs,
    {
      read: readPair,
      check: (files, bytes) => checkPair(files, bytes, pairOptions),
      decode: (files, bytes) => decodePair(files, bytes, pairOptions),
      bytes: size * size * (channels.condition + channels.image),
      what: 'pair of images',
    },
    options,
    lonely,
  );
  const { entries, digests } = opened;
  return {
    name: layout,
    size,
    condition: { kind: 'image', channels: channels.condition },
    channels,
    ...countsAndIds(entries),
    skipped: opened.skipped,
    hash: sha256Json({
      layout,
      pairOptions,
      content: splits.map((split) => entries[split].map(({ id }, i) => [id, ...digests[split][i]!])),
    }),
    truth: true,
    pair: opened.get,
  };
}
