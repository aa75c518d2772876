import { basename } from 'node:path';
import { sha256Json } from '../../util/hash.ts';
import { BadImageError, decode, readHeader, resizePart } from '../decode.ts';
import { checkChannels, readImage } from '../folder/pair.ts';
import { rgbToGrey } from '../image.ts';
import { type FileOptions, openFiles } from '../open-files.ts';
import { countsAndIds } from '../parts.ts';
import { type PngSamples, readPngSamples } from '../png-samples.ts';
import { type Channels, colourChannels, type Label, type Pair, type Source, splits } from '../source.ts';
import { distinctColours } from './colours.ts';
import { findLabelFiles, type LabelFiles } from './files.ts';

export interface LabelmapOptions extends FileOptions {
  /** The folder that holds the splits, see `findLabelFiles`. */
  path: string;
  /** Side in pixels to which label maps (nearest) and images (Lanczos) are resized, aspect not kept. */
  size: number;
  /** How many labels there are, 0 and up, or their names. */
  labels: number | readonly string[];
  /** A value of label maps that becomes one label more: 255 of Cityscapes and COCO-Stuff. */
  dontCare?: number | undefined;
  /** Adds the edges between the objects of the instance maps. Default false. */
  edges?: boolean | undefined;
  /** Only `image` counts. */
  channels?: Channels;
  greyscale?: 'reject' | 'expand';
}

/**
 * Label maps (one-channel PNGs of label numbers) and their images, of equal names and sizes. With `edges` also instance maps:
 * a pixel is an edge where its object differs from that of one of its four neighbours (Wang et al. 2018, pix2pixHD, §3.3), at
 * the size of the data. Every label map is read here. Colours are those of the label maps where these are indexed PNGs with enough of them,
 * else distinct ones. Throws DATA_MISSING, DATA_SPLIT_MISSING, DATA_EMPTY, and DATA_BAD_IMAGES, which names file, place and value of
 * labels out of range.
 */
export async function labelmapSource(options: LabelmapOptions): Promise<Source> {
  const { path, size, dontCare, edges = false, channels = colourChannels, greyscale = 'reject' } = options;
  const names = labelNames(options.labels);
  const count = names.length;
  const total = count + (dontCare === undefined ? 0 : 1);
  const { found, lonely } = await findLabelFiles(path, edges);
  let palette: PngSamples['palette'];
  let paletteOf: string | undefined;

  const samples = ({ label, instance }: LabelFiles, bytes: readonly Uint8Array[]) => {
    const map = readPngSamples(label, bytes[0]!);
    const objects = instance === undefined ? undefined : readPngSamples(instance, bytes[2]!);
    return { map, objects };
  };
  const opened = await openFiles<LabelFiles, Pair>(
    path,
    found,
    {
      read: ({ label, image, instance }) =>
        Promise.all([label, image, ...(instance === undefined ? [] : [instance])].map(readImage)),
      async check(files, bytes) {
        const { map, objects } = samples(files, bytes);
        const header = await readHeader(files.image, bytes[1]!);
        if (header.width !== map.width || header.height !== map.height)
          throw unequal(files.label, map, 'image', files.image, header);
        if (objects && (objects.width !== map.width || objects.height !== map.height))
          throw unequal(files.label, map, 'instance map', files.instance!, objects);
        checkChannels(files.image, header, channels.image, { greyscale });
        checkValues(files.label, map, count, dontCare);
        // The first by name, whichever was read first.
        if (map.palette && map.palette.length >= count && (paletteOf === undefined || files.id < paletteOf))
          [palette, paletteOf] = [map.palette, files.id];
      },
      async decode(files, bytes) {
        const { map, objects } = samples(files, bytes);
        const labels = Uint8Array.from(shrunk(map, size), (value) => (value === dontCare ? count : value));
        const condition = new Uint8Array(size * size * (edges ? 2 : 1));
        condition.set(labels);
        if (objects) condition.set(edgesOf(shrunk(objects, size), size), size * size);
        const picture = await decode(files.image, bytes[1]!);
        const image = await resizePart(picture, 0, picture.width, size);
        return { condition, image: channels.image === 1 ? rgbToGrey(image) : image };
      },
      bytes: size * size * ((edges ? 2 : 1) + channels.image),
      what: 'label map with an image',
    },
    options,
    lonely,
  );
  const { entries, digests } = opened;
  const colours = palette ?? distinctColours(count);
  const labels: Label[] = names.map((name, i) => ({ name, colour: colours[i]! }));
  if (dontCare !== undefined) labels.push({ name: 'unlabelled', colour: [0, 0, 0], counted: false });
  return {
    name: 'labelmap',
    size,
    condition: { kind: 'labels', labels, edges },
    channels: { condition: total + (edges ? 1 : 0), image: channels.image },
    ...countsAndIds(entries),
    skipped: opened.skipped,
    hash: sha256Json({
      layout: 'labelmap',
      reading: { size, count, dontCare, edges, image: channels.image, greyscale },
      content: splits.map((split) => entries[split].map(({ id }, i) => [id, ...digests[split][i]!])),
    }),
    truth: true,
    pair: opened.get,
  };
}

function labelNames(labels: number | readonly string[]): string[] {
  return typeof labels === 'number' ? Array.from({ length: labels }, (_, i) => `label ${i}`) : [...labels];
}

function unequal(
  label: string,
  map: { width: number; height: number },
  what: string,
  other: string,
  found: { width: number; height: number },
): BadImageError {
  const reason = `is ${map.width} × ${map.height}, its ${what} ${basename(other)} is ${found.width} × ${found.height}: they must be equal`;
  return new BadImageError(label, reason);
}

/** Throws BadImageError at the first value that is no label, by its place. */
function checkValues(path: string, { values, width }: PngSamples, count: number, dontCare?: number): void {
  for (let p = 0; p < values.length; p++) {
    const value = values[p]!;
    if (value < count || value === dontCare) continue;
    const place = `column ${(p % width) + 1}, row ${Math.floor(p / width) + 1}`;
    const also = dontCare === undefined ? '' : `, or ${dontCare}`;
    throw new BadImageError(
      path,
      `has the value ${value} at ${place}: labels must be 0 to ${count - 1}${also}`,
    );
  }
}

/** Resized to size × size by nearest neighbour, pixel centres on pixel centres. */
function shrunk({ values, width, height }: PngSamples, size: number): Uint16Array {
  const out = new Uint16Array(size * size);
  for (let y = 0; y < size; y++) {
    const row = Math.min(Math.floor(((y + 0.5) * height) / size), height - 1) * width;
    for (let x = 0; x < size; x++) {
      const column = Math.min(Math.floor(((x + 0.5) * width) / size), width - 1);
      out[y * size + x] = values[row + column]!;
    }
  }
  return out;
}

/** 1 where the number of an object differs from that of a pixel left, right, above or below. */
export function edgesOf(objects: ArrayLike<number>, size: number): Uint8Array {
  const edges = new Uint8Array(size * size);
  const compare = (p: number, q: number) => {
    if (objects[p] === objects[q]) return;
    edges[p] = 1;
    edges[q] = 1;
  };
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const p = y * size + x;
      if (x > 0) compare(p, p - 1);
      if (y > 0) compare(p, p - size);
    }
  }
  return edges;
}
