import type { EmojiStyle } from '../../recipe/names.ts';
import { givenAndMade } from '../../recipe/sources.ts';
import { sha256Json } from '../../util/hash.ts';
import { kMeansPalette, nearestColour, type Rgb, shrinkLabels } from '../palette.ts';
import { heldPairs } from '../parts.ts';
import { colourChannels, type Label, type Pair, type Source, type Split, splits } from '../source.ts';
import { atSize, drawnEmoji, emojiAttribution, needEmoji } from './drawings.ts';
import type { EmojiOptions } from './pairs.ts';

export interface EmojiLabelsOptions extends EmojiOptions {
  /** Whose drawing becomes the label map; see `usualStyles`. */
  from?: EmojiStyle | undefined;
  /** Whose drawing is made. That of `from` is the only one that lies exactly on its map. */
  to?: EmojiStyle | undefined;
  /** Labels, the background included. Default 12. */
  labels?: number | undefined;
}

const white: Rgb = [255, 255, 255];

/**
 * Label maps from drawings, and the drawings they come from, shaded (or those of another artist). The colours of all training
 * drawings are clustered to so many (see `kMeansPalette`; label 0 is white: background and white parts); each pixel of a drawing
 * of twice the size gets its nearest colour, and each pixel of the map the label of most of its four. Equal options give equal maps. The
 * colours of made pictures tell their labels again where `from` and `to` are the same. Throws as `emojiStylesSource`, and DATA_EMPTY.
 */
export async function emojiLabelsSource(options: EmojiLabelsOptions): Promise<Source> {
  const { labels: count = 12, size, channels = colourChannels } = options;
  const { from, to } = givenAndMade('emoji-labels', options);
  const { emoji, sets, hash } = await drawnEmoji({ ...options, styles: [from, to] });
  const both = {} as Record<Split, { id: string; given: Uint8Array; made: Uint8Array }[]>;
  for (const split of splits) {
    both[split] = emoji[split].flatMap(({ id, pixels }) => {
      const [given, made] = [pixels[from], pixels[to]];
      return given && made ? { id, given, made } : [];
    });
  }
  needEmoji('emoji-labels', both);
  const palette = kMeansPalette(
    both.train.map(({ given }) => given),
    count,
    white,
  );
  const nearest = nearestColour(palette);
  const pairs = {} as Record<Split, { id: string; pair: Pair }[]>;
  for (const split of splits) {
    pairs[split] = both[split].map(({ id, given, made }) => {
      const condition = shrinkLabels(nearest(given), 2 * size, 2, palette.length);
      return { id, pair: { condition, image: atSize(made, size, channels.image) } };
    });
  }
  const labels: Label[] = palette.map((colour, i) => ({
    name: i === 0 ? 'background' : hexOf(colour),
    colour,
  }));
  return {
    name: 'emoji-labels',
    size,
    condition: {
      kind: 'labels',
      labels,
      edges: false,
      ...(from === to && channels.image === 3 && { byColour: true as const }),
    },
    channels: { condition: labels.length, image: channels.image },
    ...heldPairs(pairs),
    attribution: emojiAttribution(sets),
    skipped: [],
    hash: sha256Json(['emoji-labels', hash, from, to, palette, channels.image]),
    truth: true,
  };
}

function hexOf(colour: Rgb): string {
  return `#${colour.map((level) => level.toString(16).padStart(2, '0')).join('')}`;
}
