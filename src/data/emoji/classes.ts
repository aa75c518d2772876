import type { EmojiStyle } from '../../recipe/names.ts';
import { usualStyles } from '../../recipe/sources.ts';
import { sha256Json } from '../../util/hash.ts';
import { heldPairs } from '../parts.ts';
import { colourChannels, type Pair, type Source, type Split, splits } from '../source.ts';
import { atSize, drawnEmoji, emojiAttribution, needEmoji } from './drawings.ts';
import type { EmojiOptions } from './pairs.ts';
import { emojiEntries } from './styles-packages.ts';

export interface EmojiClassesOptions extends EmojiOptions {
  /** Whose drawings are shown, all in one set; see `usualStyles`. */
  styles?: readonly EmojiStyle[] | undefined;
}

/** Without country flags too few are left to be a class. */
const leftOut = new Set(['flags']);

/**
 * Emoji by category: the condition is Unicode's group ("animals-nature", "food-drink", …), the image any drawing of it. Concepts
 * are split as for the openmoji source. Throws as `emojiStylesSource`, and DATA_EMPTY.
 */
export async function emojiClassesSource(options: EmojiClassesOptions): Promise<Source> {
  const { styles = usualStyles['emoji-classes'].styles, size, channels = colourChannels, path } = options;
  const { emoji, sets, hash } = await drawnEmoji({ ...options, styles });
  const groups = new Map((await emojiEntries(path)).map(({ hexcode, group }) => [hexcode, group]));
  const groupOf = ({ id }: { id: string }) => groups.get(id)!;
  const classes = [...new Set(emoji.train.map(groupOf))].filter((group) => !leftOut.has(group)).sort();
  const parts = {} as Record<Split, { id: string; pair: Pair }[]>;
  for (const split of splits) {
    parts[split] = emoji[split].flatMap((drawn) => {
      const number = classes.indexOf(groupOf(drawn));
      if (number < 0) return [];
      return styles.flatMap((style) => {
        const pixels = drawn.pixels[style];
        const id = styles.length > 1 ? `${style}/${drawn.id}` : drawn.id;
        if (!pixels) return [];
        return {
          id,
          pair: { condition: Uint8Array.of(number), image: atSize(pixels, size, channels.image) },
        };
      });
    });
  }
  needEmoji('emoji-classes', parts);
  return {
    name: 'emoji-classes',
    size,
    condition: { kind: 'class', classes },
    channels: { condition: classes.length, image: channels.image },
    ...heldPairs(parts),
    attribution: emojiAttribution(sets),
    skipped: [],
    hash: sha256Json(['emoji-classes', hash, styles, classes, channels.image]),
    truth: false,
  };
}
