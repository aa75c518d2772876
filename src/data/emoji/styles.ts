import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import type { EmojiStyle } from '../../recipe/names.ts';
import { writeFileAtomic, writeJsonAtomic } from '../../util/atomic.ts';
import { sha256, sha256Json } from '../../util/hash.ts';
import { cacheDir, makeCacheFolder } from '../cache-dir.ts';
import { plainBytes } from '../image.ts';
import { type Split, splits } from '../source.ts';
import { splitOf } from '../split.ts';
import { openmojiFractions } from './openmoji.ts';
import { rendererVersion } from './openmoji-render.ts';
import { drawingSets, emojiListVersion, openDrawings } from './styles-packages.ts';
import { type EmojiDrawing, renderEmojiStyles } from './styles-render.ts';

/** One picture with its classes, as numbers into `subgroups` and `styles`. */
export interface EmojiPicture {
  /** 2·size × 2·size × 3, 8-bit RGB on white: twice the size, so that moving it does not blur it. */
  pixels: Uint8Array;
  subgroup: number;
  style: number;
  id: string;
}

/** Emoji in several drawing styles. Equal `hash` means equal pixels, classes and splits. */
export interface EmojiStyles {
  size: number;
  styles: readonly EmojiStyle[];
  /** Unicode's subgroups, sorted. */
  subgroups: readonly string[];
  counts: Record<Split, number>;
  /** Who drew them, and under which licence. */
  sets: readonly {
    style: EmojiStyle;
    package: string;
    version: string;
    author: string;
    licence: string;
    url: string;
  }[];
  hash: string;
  /** Throws RangeError for a number beyond the split. */
  picture(split: Split, index: number): EmojiPicture;
}

export interface EmojiStylesOptions {
  styles: readonly EmojiStyle[];
  /** Side of the pictures in pixels, as networks see them. */
  size: number;
  /** A folder in whose node_modules the packages are, when they are not found by themselves. */
  path?: string | undefined;
  /** Where rendered pictures are kept. Default: see `cacheDir`. */
  cache?: string;
  /** Called while pictures are rendered, the first time only. */
  onProgress?: (done: number, total: number) => void;
}

interface CacheIndex {
  drawings: EmojiDrawing[];
  /** Of the pixels, and of `drawings`. */
  sha256: string;
  drawingsSha256: string;
}

/**
 * Emoji as several sets draw them, for telling their kind and style apart. A concept lies in the split that the openmoji
 * source puts it in, in every style: what is tested on there was never trained on here. Rendered once, then read from the
 * cache; a damaged cache is rendered again. Throws DATA_PACKAGE_MISSING without one of the npm packages,
 * DATA_PACKAGE_INVALID for a damaged one, NOT_WRITABLE when the cache is.
 */
export async function emojiStylesSource(options: EmojiStylesOptions): Promise<EmojiStyles> {
  const { styles, size, path, onProgress } = options;
  const versions: string[] = [];
  for (const style of styles) versions.push((await openDrawings(style, path)).version);
  const folder = options.cache ?? cacheDir();
  // The list, and with it the splits, is that of openmoji in every style.
  const listed = await emojiListVersion(path);
  const key = sha256Json([styles, versions, listed, size, rendererVersion]).slice(0, 16);
  const base = join(folder, `emoji-styles-${size}px-${key}`);
  let cached = await readCache(base, size);
  if (!cached) {
    // Before the work, so that an unwritable cache is known at once.
    makeCacheFolder(folder);
    const rendered = await renderEmojiStyles(styles, 2 * size, {
      ...(path !== undefined && { folder: path }),
      ...(onProgress && { onProgress }),
    });
    cached = await writeCache(base, rendered);
  }

  const { index, pixels } = cached;
  const subgroups = [...new Set(index.drawings.map(({ subgroup }) => subgroup))].sort();
  const placed = index.drawings.map(({ id, style, subgroup, concept }, place) => ({
    id,
    place,
    style: styles.indexOf(style),
    subgroup: subgroups.indexOf(subgroup),
    split: splitOf(concept, openmojiFractions),
  }));
  const partOf = (split: Split) => placed.filter((picture) => picture.split === split);
  const parts = { train: partOf('train'), val: partOf('val'), test: partOf('test') };
  const each = 4 * size * size * 3;
  return {
    size,
    styles,
    subgroups,
    counts: { train: parts.train.length, val: parts.val.length, test: parts.test.length },
    sets: styles.map((style, i) => ({ style, ...drawingSets[style], version: versions[i]! })),
    hash: sha256Json([index.sha256, index.drawingsSha256, size, splits.map((split) => parts[split].length)]),
    picture(split, i) {
      const picture = parts[split][i];
      if (!picture)
        throw new RangeError(`${split} has ${parts[split].length} pictures, asked for number ${i}`);
      const { id, place, style, subgroup } = picture;
      return { pixels: pixels.subarray(place * each, (place + 1) * each), subgroup, style, id };
    },
  };
}

/** The cached pictures, or undefined when there are none or they are not what was written. */
async function readCache(
  base: string,
  size: number,
): Promise<{ index: CacheIndex; pixels: Uint8Array } | undefined> {
  try {
    const index = JSON.parse(await readFile(`${base}.json`, 'utf8')) as CacheIndex;
    const length = index.drawings.length * 4 * size * size * 3;
    const packed = await readFile(`${base}.bin`);
    const pixels = plainBytes(inflateSync(packed, { maxOutputLength: length }));
    const whole =
      pixels.length === length &&
      sha256(pixels) === index.sha256 &&
      sha256Json(index.drawings) === index.drawingsSha256;
    return whole ? { index, pixels } : undefined;
  } catch {
    return undefined;
  }
}

async function writeCache(
  base: string,
  { drawings, pixels }: { drawings: EmojiDrawing[]; pixels: Uint8Array },
): Promise<{ index: CacheIndex; pixels: Uint8Array }> {
  const index: CacheIndex = { drawings, sha256: sha256(pixels), drawingsSha256: sha256Json(drawings) };
  // Flat colours: a tenth of the bytes.
  await writeFileAtomic(`${base}.bin`, plainBytes(deflateSync(pixels, { level: 1 })));
  await writeJsonAtomic(`${base}.json`, index);
  return { index, pixels };
}
