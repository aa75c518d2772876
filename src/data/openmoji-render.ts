import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import sharp from 'sharp';
import { GanletError } from '../util/errors.ts';
import { fileError } from '../util/file-error.ts';
import { sha256 } from '../util/hash.ts';
import { halve, rgbToGrey } from './image.ts';
import { type OpenmojiEntry, openmojiConcepts } from './openmoji-concepts.ts';

/** Says how the pixels were made; another value means other pixels, so caches made with it are not mixed. */
export const rendererVersion = `1-rsvg${sharp.versions.rsvg}-vips${sharp.versions.vips}`;

export interface OpenmojiPackage {
  folder: string;
  version: string;
}

export interface Picture {
  /** Code points, for example "1F600". */
  id: string;
  name: string;
  concept: string;
  /** size × size, 8-bit grey, black lines on white. */
  outline: Uint8Array;
  /** size × size × 3, 8-bit RGB on white. */
  colour: Uint8Array;
}

/** Finds the `openmoji` package: the given folder, else beside this package, else in the current project. */
export async function findOpenmoji(folder?: string): Promise<OpenmojiPackage> {
  const places = folder ? [join(folder, 'package.json')] : [];
  for (const from of folder ? [] : [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      places.push(createRequire(from).resolve('openmoji/package.json'));
    } catch {}
  }
  for (const place of places) {
    const text = await readFile(place, 'utf8').catch(() => undefined);
    const found = text === undefined ? undefined : (JSON.parse(text) as { name?: string; version: string });
    if (found?.name === 'openmoji') return { folder: dirname(place), version: found.version };
  }
  throw new GanletError(
    'DATA_PACKAGE_MISSING',
    folder
      ? `data.path must be the folder of the openmoji package, found no such package in ${folder}`
      : 'the openmoji data needs the npm package "openmoji", which is not installed',
    { hint: 'npm install openmoji' },
  );
}

/**
 * Renders the usable pictures at `size` pixels: the default skin tone only, the first of those that share one
 * outline file, and none with less than 5 % coloured pixels or less than 1 % stroke. About 1,370 remain.
 * Pictures are drawn at twice the size and averaged down here: asked to resize in the same pipeline, sharp
 * would draw the SVG at the final size and smooth nothing. `onProgress` hears of every finished candidate.
 */
export async function renderOpenmoji(
  { folder }: OpenmojiPackage,
  size: number,
  onProgress?: (done: number, total: number) => void,
): Promise<Picture[]> {
  const entries = JSON.parse(await readText(join(folder, 'data/openmoji.json'))) as OpenmojiEntry[];
  const concepts = openmojiConcepts(entries);
  const candidates: Omit<Picture, 'colour' | 'outline'>[] = [];
  const outlines: string[] = [];
  const seen = new Set<string>();
  for (const [i, { hexcode, annotation, skintone }] of entries.entries()) {
    if (skintone !== '') continue;
    const outline = await readText(join(folder, 'black/svg', `${hexcode}.svg`));
    const digest = sha256(outline);
    if (seen.has(digest)) continue;
    seen.add(digest);
    candidates.push({ id: hexcode, name: annotation, concept: concepts[i]! });
    outlines.push(outline);
  }

  const limit = pLimit(availableParallelism());
  let done = 0;
  const pictures = await limit.map(candidates, async (candidate, i) => {
    const colourText = await readText(join(folder, 'color/svg', `${candidate.id}.svg`));
    const outline = rgbToGrey(await rasterise(outlines[i]!, 2 * size));
    const colour = await rasterise(colourText, 2 * size);
    onProgress?.(++done, candidates.length);
    if (strokeFraction(outline) < 0.01 || colouredFraction(colour) < 0.05) return undefined;
    return {
      ...candidate,
      outline: halve(outline, 2 * size, 2 * size, 1),
      colour: halve(colour, 2 * size, 2 * size, 3),
    };
  });
  return pictures.filter((picture) => picture !== undefined);
}

/** An OpenMoji SVG (view box 72 × 72) drawn on white, side × side × 3. */
async function rasterise(svg: string, side: number): Promise<Uint8Array> {
  const { data, info } = await sharp(Buffer.from(svg), { density: side })
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width !== side || info.height !== side || info.channels !== 3) {
    throw new GanletError(
      'DATA_INVALID',
      `an OpenMoji picture must be drawn ${side} × ${side} in 3 channels, got ${info.width} × ${info.height} in ${info.channels}`,
      { hint: 'check that the openmoji package is version 17' },
    );
  }
  return data;
}

/** Part of the samples darker than middle grey. */
function strokeFraction(grey: Uint8Array): number {
  let dark = 0;
  for (const value of grey) if (value < 128) dark++;
  return dark / grey.length;
}

/** Part of the pixels whose largest and smallest channel differ by more than 50: clearly not a grey. */
function colouredFraction(rgb: Uint8Array): number {
  let coloured = 0;
  for (let i = 0; i < rgb.length; i += 3) {
    const [r, g, b] = [rgb[i]!, rgb[i + 1]!, rgb[i + 2]!];
    if (Math.max(r, g, b) - Math.min(r, g, b) > 50) coloured++;
  }
  return (coloured * 3) / rgb.length;
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error) => {
    throw fileError('read', path, error);
  });
}
