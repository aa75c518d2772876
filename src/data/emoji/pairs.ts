import type { EmojiStyle } from '../../recipe/names.ts';
import { givenAndMade } from '../../recipe/sources.ts';
import { sha256Json } from '../../util/hash.ts';
import { heldPairs } from '../parts.ts';
import { type Channels, colourChannels, type Pair, type Source, type Split, splits } from '../source.ts';
import { atSize, drawnEmoji, emojiAttribution, needEmoji } from './drawings.ts';

/** What all sources of emoji drawings have in common. */
export interface EmojiOptions {
  /** Side of the pictures in pixels. */
  size: number;
  channels?: Channels;
  /** A folder in whose node_modules the packages are, when they are not found by themselves. */
  path?: string | undefined;
  /** Where rendered pictures are kept. Default: see `cacheDir`. */
  cache?: string;
  /** Called while pictures are rendered, the first time only. */
  onProgress?: (done: number, total: number) => void;
}

export interface EmojiPairsOptions extends EmojiOptions {
  /** Whose drawing is given; see `usualStyles`. */
  from?: EmojiStyle | undefined;
  /** Whose drawing is made. */
  to?: EmojiStyle | undefined;
  /** false: training sees the two sets without knowing which drawings belong together. Default true. */
  aligned?: boolean | undefined;
}

/**
 * The same emoji by two artists: one drawing is given, the other is to be made. A concept lies in one split, which is that of the openmoji
 * source. Unaligned training draws any of the training images; val and test keep their true pairs, which papers on unpaired
 * translation do not have. Throws as `emojiStylesSource`, and DATA_EMPTY.
 */
export async function emojiPairsSource(options: EmojiPairsOptions): Promise<Source> {
  const { aligned = true, size, channels = colourChannels } = options;
  const { from, to } = givenAndMade('emoji-pairs', options);
  const { emoji, sets, hash } = await drawnEmoji({ ...options, styles: [from, to] });
  const parts = {} as Record<Split, { id: string; pair: Pair }[]>;
  for (const split of splits) {
    parts[split] = emoji[split].flatMap(({ id, pixels }) => {
      const [given, made] = [pixels[from], pixels[to]];
      if (!given || !made) return [];
      const condition = atSize(given, size, channels.condition);
      return { id, pair: { condition, image: atSize(made, size, channels.image) } };
    });
  }
  needEmoji('emoji-pairs', parts);
  const held = heldPairs(parts);
  return {
    name: 'emoji-pairs',
    size,
    condition: { kind: 'image', channels: channels.condition },
    channels,
    ...held,
    attribution: emojiAttribution(sets),
    skipped: [],
    hash: sha256Json(['emoji-pairs', hash, from, to, aligned, channels]),
    truth: true,
    ...(!aligned && {
      unpaired: {
        counts: held.counts,
        image: (split: Split, index: number) => held.pair(split, index).image,
      },
    }),
  };
}
