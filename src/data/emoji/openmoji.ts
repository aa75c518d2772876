import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic, writeJsonAtomic } from '../../util/atomic.ts';
import { GanletError } from '../../util/errors.ts';
import { sha256, sha256Json } from '../../util/hash.ts';
import { cacheDir, makeCacheFolder } from '../cache-dir.ts';
import { greyToRgb, plainBytes, rgbToGrey } from '../image.ts';
import { type Channels, colourChannels, type Source, type Split, splits } from '../source.ts';
import { splitByConcept } from '../split.ts';
import { findOpenmoji, type Picture, rendererVersion, renderOpenmoji } from './openmoji-render.ts';

export const openmojiAttribution =
  'All emojis designed by OpenMoji – the open-source emoji and icon project. License: CC BY-SA 4.0';

/** The rendered set then has 313 test pictures (distances between small sets mean little) and 104 for a search. */
export const openmojiFractions = { test: 0.23, val: 0.1 };

export interface OpenmojiOptions {
  /** Side of the pictures in pixels. */
  size: number;
  /** Default 3 and 3: the outline's grey repeated, the picture in colour. */
  channels?: Channels;
  /** Folder of the `openmoji` package, when it is not installed where Node looks for it. */
  path?: string | undefined;
  /** Where rendered pictures are kept. Default: see `cacheDir`. */
  cache?: string;
  /** Called while pictures are rendered, the first time only. */
  onProgress?: (done: number, total: number) => void;
}

interface CacheIndex {
  version: string;
  size: number;
  renderer: string;
  /** SHA-256 of the pixel file: per picture size² of outline, then size² × 3 of colour. */
  sha256: string;
  pictures: { id: string; name: string; concept: string }[];
  /** SHA-256 of `pictures`: names decide the splits. */
  picturesSha256: string;
}

/**
 * OpenMoji outlines (condition) and their colour pictures (image), pixel-exact pairs. All variants of one
 * concept (gender, hair, direction) lie in one split. Rendered once, then read from the cache; a damaged cache
 * is rendered again. Throws DATA_PACKAGE_MISSING without the npm package, DATA_PACKAGE_INVALID for a damaged one, NOT_WRITABLE
 * when the cache is.
 */
export async function openmojiSource(options: OpenmojiOptions): Promise<Source> {
  const { size, channels = colourChannels, onProgress } = options;
  const openmoji = await findOpenmoji(options.path);
  const folder = options.cache ?? cacheDir();
  const base = join(folder, `openmoji-${openmoji.version}-${size}px-${rendererVersion}`);
  let cached = await readCache(base, size);
  if (!cached) {
    // Before the work, so that an unwritable cache is known at once.
    makeCacheFolder(folder);
    const pictures = await renderOpenmoji(openmoji, size, onProgress);
    needEverySplit(openmoji.folder, partsOf(pictures));
    cached = await writeCache(base, openmoji.version, size, pictures);
  }

  const { index, pixels } = cached;
  const parts = partsOf(index.pictures.map(({ id, concept }, place) => ({ id, concept, place })));
  const area = size * size;
  return {
    name: 'openmoji',
    size,
    condition: { kind: 'image', channels: channels.condition },
    channels,
    counts: mapSplits(parts, (part) => part.length),
    ids: mapSplits(parts, (part) => part.map(({ id }) => id)),
    attribution: openmojiAttribution,
    skipped: [],
    hash: sha256Json([index.sha256, size, channels, mapSplits(parts, (part) => part.map(({ id }) => id))]),
    truth: true,
    pair(split, i) {
      const picture = parts[split][i];
      if (!picture) throw new RangeError(`${split} has ${parts[split].length} pairs, asked for number ${i}`);
      const start = picture.place * area * 4;
      const outline = pixels.subarray(start, start + area);
      const colour = pixels.subarray(start + area, start + area * 4);
      return {
        condition: channels.condition === 1 ? outline : greyToRgb(outline),
        image: channels.image === 1 ? rgbToGrey(colour) : colour,
      };
    },
  };
}

function partsOf<T extends { id: string; concept: string }>(pictures: readonly T[]): Record<Split, T[]> {
  return splitByConcept(pictures, ({ concept }) => concept, openmojiFractions);
}

/** Before anything is kept: a package with few pictures would leave a cache without some split. */
function needEverySplit(folder: string, parts: Record<Split, unknown[]>): void {
  const empty = splits.find((split) => parts[split].length === 0);
  if (!empty) return;
  throw new GanletError(
    'DATA_EMPTY',
    `the ${empty} split of ${folder} must have at least one picture, has none`,
    { hint: 'install the whole package: npm install openmoji@17.0.0' },
  );
}

/** The cached pictures, or undefined when there are none or they are not what was written. */
async function readCache(
  base: string,
  size: number,
): Promise<{ index: CacheIndex; pixels: Uint8Array } | undefined> {
  try {
    const index = JSON.parse(await readFile(`${base}.json`, 'utf8')) as CacheIndex;
    const pixels = plainBytes(await readFile(`${base}.bin`));
    const whole =
      pixels.length === index.pictures.length * size * size * 4 &&
      sha256(pixels) === index.sha256 &&
      sha256Json(index.pictures) === index.picturesSha256;
    return whole ? { index, pixels } : undefined;
  } catch {
    return undefined;
  }
}

async function writeCache(
  base: string,
  version: string,
  size: number,
  pictures: Picture[],
): Promise<{ index: CacheIndex; pixels: Uint8Array }> {
  const pixels = plainBytes(Buffer.concat(pictures.flatMap(({ outline, colour }) => [outline, colour])));
  const named = pictures.map(({ id, name, concept }) => ({ id, name, concept }));
  const index: CacheIndex = {
    version,
    size,
    renderer: rendererVersion,
    sha256: sha256(pixels),
    pictures: named,
    picturesSha256: sha256Json(named),
  };
  await writeFileAtomic(`${base}.bin`, pixels);
  await writeJsonAtomic(`${base}.json`, index);
  return { index, pixels };
}

function mapSplits<A, B>(parts: Record<Split, A>, map: (part: A) => B): Record<Split, B> {
  return { train: map(parts.train), val: map(parts.val), test: map(parts.test) };
}
