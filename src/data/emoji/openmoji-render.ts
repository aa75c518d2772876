import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import sharp from 'sharp';
import { GanletError } from '../../util/errors.ts';
import { fileError } from '../../util/file-error.ts';
import { sha256 } from '../../util/hash.ts';
import { halve, rgbToGrey } from '../image.ts';
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
    const found = await readManifest(place);
    if (found?.name === 'openmoji') return { folder: dirname(place), version: String(found.version) };
  }
  throw new GanletError(
    'DATA_PACKAGE_MISSING',
    folder
      ? `data.path must be the folder of the openmoji package, found no such package in ${folder}`
      : 'the openmoji data needs the npm package "openmoji", which is not installed',
    { hint: 'npm install openmoji@17.0.0' },
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
  const entries = await readEntries(folder);
  const concepts = openmojiConcepts(entries);
  const candidates: Omit<Picture, 'colour' | 'outline'>[] = [];
  const outlines: string[] = [];
  const seen = new Set<string>();
  for (const [i, { hexcode, annotation, skintone }] of entries.entries()) {
    if (skintone !== '') continue;
    const outline = await readText(filesOf(folder, hexcode)[0]);
    const digest = sha256(outline);
    if (seen.has(digest)) continue;
    seen.add(digest);
    candidates.push({ id: hexcode, name: annotation, concept: concepts[i]! });
    outlines.push(outline);
  }

  const limit = pLimit(availableParallelism());
  let done = 0;
  const pictures = await limit.map(candidates, async (candidate, i) => {
    const [outlineFile, colourFile] = filesOf(folder, candidate.id);
    const colourText = await readText(colourFile);
    const outline = rgbToGrey(await rasterise(outlineFile, outlines[i]!, 2 * size));
    const colour = await rasterise(colourFile, colourText, 2 * size);
    onProgress?.(++done, candidates.length);
    if (strokeFraction(outline) < 0.01 || colouredFraction(colour) < 0.05) return undefined;
    return {
      ...candidate,
      outline: halve(outline, 2 * size, 2 * size, 1),
      colour: halve(colour, 2 * size, 2 * size, 3),
    };
  });
  const usable = pictures.filter((picture) => picture !== undefined);
  if (usable.length === 0)
    throw damaged(folder, 'must hold pictures with outline and colour, none is usable');
  return usable;
}

function filesOf(folder: string, id: string): [outline: string, colour: string] {
  return [join(folder, 'black/svg', `${id}.svg`), join(folder, 'color/svg', `${id}.svg`)];
}

/** An OpenMoji SVG (view box 72 × 72) drawn on white, side × side × 3. */
async function rasterise(path: string, svg: string, side: number): Promise<Uint8Array> {
  const { data, info } = await sharp(Buffer.from(svg), { density: side })
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((cause) => {
      throw damaged(path, 'must be an SVG picture, it cannot be drawn', cause);
    });
  const { width, height, channels } = info;
  if (width !== side || height !== side || channels !== 3) {
    const got = `${width} × ${height} in ${channels}`;
    throw damaged(path, `must be drawn ${side} × ${side} in 3 channels, got ${got}`);
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

async function readManifest(path: string): Promise<{ name?: unknown; version?: unknown } | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The list of pictures. Ids become names of files, so nothing but code points is let through. */
async function readEntries(folder: string): Promise<OpenmojiEntry[]> {
  const path = join(folder, 'data/openmoji.json');
  const text = await readText(path);
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, 'must be JSON, it is not', cause);
  }
  const right = (entry: Partial<OpenmojiEntry> | null) =>
    /^[0-9A-F]+(-[0-9A-F]+)*$/i.test(String(entry?.hexcode)) && typeof entry?.annotation === 'string';
  if (!Array.isArray(entries) || !entries.every(right))
    throw damaged(path, 'must list pictures with hexcode and annotation, it does not');
  return entries;
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause) => {
    throw damaged(
      path,
      `cannot be read: ${fileError('read', path, cause).message.split(': ').at(-1)}`,
      cause,
    );
  });
}

function damaged(path: string, what: string, cause?: unknown): GanletError {
  return new GanletError('DATA_PACKAGE_INVALID', `${path} ${what}`, {
    hint: 'the openmoji package is damaged or of another version: npm install openmoji@17.0.0',
    cause,
  });
}
