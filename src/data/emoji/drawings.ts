import type { EmojiStyle } from '../../recipe/names.ts';
import { GanletError } from '../../util/errors.ts';
import { halve, rgbToGrey } from '../image.ts';
import { type Split, splits } from '../source.ts';
import { type EmojiStyles, type EmojiStylesOptions, emojiStylesSource } from './styles.ts';

/** One emoji in the styles that draw it. */
export interface DrawnEmoji {
  /** Code points, for example "1F600". */
  id: string;
  /** Unicode's subgroup: "face-smiling". */
  subgroup: string;
  /** 2·size × 2·size × 3, 8-bit RGB on white. */
  pixels: Readonly<Partial<Record<EmojiStyle, Uint8Array>>>;
}

export interface DrawnEmojiSet {
  emoji: Record<Split, DrawnEmoji[]>;
  sets: EmojiStyles['sets'];
  hash: string;
}

/** All emoji in some styles, by emoji. Options, splits and errors as for `emojiStylesSource`. */
export async function drawnEmoji(options: EmojiStylesOptions): Promise<DrawnEmojiSet> {
  const source = await emojiStylesSource({ ...options, styles: [...new Set(options.styles)] });
  const emoji = {} as Record<Split, DrawnEmoji[]>;
  for (const split of splits) {
    const byId = new Map<string, { subgroup: string; pixels: Partial<Record<EmojiStyle, Uint8Array>> }>();
    for (let i = 0; i < source.counts[split]; i++) {
      const { id, style, subgroup, pixels } = source.picture(split, i);
      const entry = byId.get(id) ?? { subgroup: source.subgroups[subgroup]!, pixels: {} };
      byId.set(id, entry);
      entry.pixels[source.styles[style]!] = pixels;
    }
    emoji[split] = [...byId].map(([id, entry]) => ({ id, ...entry }));
  }
  return { emoji, sets: source.sets, hash: source.hash };
}

/** Throws DATA_EMPTY where a split has no emoji: a package with few of them. */
export function needEmoji(source: string, parts: Readonly<Record<Split, readonly unknown[]>>): void {
  const empty = splits.find((split) => parts[split].length === 0);
  if (!empty) return;
  throw new GanletError('DATA_EMPTY', `the ${empty} split of ${source} must have emoji, it has none`, {
    hint: 'install the whole packages, see docs/data.md',
  });
}

/** A drawing of 2·size as networks get it: size × size × channels. */
export function atSize(pixels: Uint8Array, size: number, channels: 1 | 3): Uint8Array {
  const small = halve(pixels, 2 * size, 2 * size, 3);
  return channels === 1 ? rgbToGrey(small) : small;
}

/** "Emoji drawings: noto by Google Inc (Apache-2.0, https://…); …". */
export function emojiAttribution(sets: EmojiStyles['sets']): string {
  const named = sets.map(({ style, author, licence, url }) => `${style} by ${author} (${licence}, ${url})`);
  return `Emoji drawings: ${named.join('; ')}`;
}
