import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import sharp from 'sharp';
import type { EmojiStyle } from '../../recipe/names.ts';
import { plainBytes } from '../image.ts';
import { openmojiConcepts } from './openmoji-concepts.ts';
import {
  damaged,
  drawingSets,
  type EmojiEntry,
  emojiEntries,
  openDrawings,
  plainHexcode,
} from './styles-packages.ts';

/** One emoji as one style draws it. */
export interface EmojiDrawing {
  /** Code points as OpenMoji writes them, for example "1F600". */
  id: string;
  style: EmojiStyle;
  /** Unicode's subgroup: "face-smiling". */
  subgroup: string;
  /** As for the splits of the openmoji source. */
  concept: string;
}

/** Pictures by OpenMoji alone, parts that are not drawn by themselves, and flags that only two sets draw, all alike. */
const left = ['component', 'extras-openmoji', 'extras-unicode', 'country-flag', 'subdivision-flag'];

/**
 * Draws the emoji of all `styles` on white, `side` × `side` RGB: default skin tone only, and without what is listed in `left`;
 * some 1,780 a style. Returns the drawings in the order of styles and emoji, and their pixels one after the other.
 * Throws DATA_PACKAGE_MISSING and DATA_PACKAGE_INVALID.
 */
export async function renderEmojiStyles(
  styles: readonly EmojiStyle[],
  side: number,
  { folder, onProgress }: { folder?: string; onProgress?: (done: number, total: number) => void } = {},
): Promise<{ drawings: EmojiDrawing[]; pixels: Uint8Array }> {
  const entries = await emojiEntries(folder);
  const concepts = openmojiConcepts(entries);
  const wanted = entries.flatMap((entry, i) => (isWanted(entry) ? [{ entry, concept: concepts[i]! }] : []));
  const drawings: EmojiDrawing[] = [];
  const texts: string[] = [];
  for (const style of styles) {
    const set = await openDrawings(style, folder);
    for (const { entry, concept } of wanted) {
      const svg = await set.svg(plainHexcode(entry.hexcode));
      if (svg === undefined) continue;
      drawings.push({ id: entry.hexcode, style, subgroup: entry.subgroups, concept });
      texts.push(svg);
    }
  }

  const each = side * side * 3;
  const pixels = new Uint8Array(drawings.length * each);
  const limit = pLimit(availableParallelism());
  let done = 0;
  await limit.map(drawings, async ({ id, style }, i) => {
    pixels.set(await rasterise(texts[i]!, side, `${style} ${id}`, style), i * each);
    onProgress?.(++done, drawings.length);
  });
  return { drawings, pixels };
}

function isWanted({ group, subgroups, skintone }: EmojiEntry): boolean {
  return skintone === '' && !left.includes(group) && !left.includes(subgroups);
}

/** An SVG drawn on white, centred in side × side × 3. */
async function rasterise(svg: string, side: number, name: string, style: EmojiStyle): Promise<Uint8Array> {
  const sized = svg.replace(/<svg\b/, `<svg width="${side}" height="${side}"`);
  const { data, info } = await sharp(Buffer.from(sized))
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((cause) => {
      throw damaged(name, 'must be an SVG picture, it cannot be drawn', drawingSets[style], cause);
    });
  const { width, height, channels } = info;
  if (width !== side || height !== side || channels !== 3)
    throw damaged(name, `must be drawn ${side} × ${side}, got ${width} × ${height}`, drawingSets[style]);
  return plainBytes(data);
}
