import { join } from 'node:path';
import sharp from 'sharp';
import { sheetLayout } from '../../data/sheet.ts';
import { exists } from '../../util/exists.ts';
import type { RunReport } from './run-report.ts';

/** One kind of picture of a comparison, a row each: bytes height × width × 3. */
export interface PictureColumn {
  title: string;
  pictures: readonly Uint8Array[];
}

export interface Pictures {
  /** Side of the pictures in pixels. */
  size: number;
  columns: readonly PictureColumn[];
}

/**
 * The pictures of a run's `comparison.png`: condition and truth, where there are such, then those of each measured network. Undefined when there is no
 * such file, or it is another kind of sheet.
 */
export async function readPictures({ folder, metrics, results }: RunReport): Promise<Pictures | undefined> {
  const path = join(folder, 'comparison.png');
  if (!exists(path)) return undefined;
  const { gap, header, scale, cell } = sheetLayout(metrics.size);
  const titles = metrics.sheet ?? ['condition', 'truth', ...results.map(({ model }) => model.role)];
  const sheet = await sharp(path)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch(() => undefined);
  if (sheet?.info.channels !== 3) return undefined;
  const { width, height } = sheet.info;
  const rows = (height - header) / (cell + gap);
  if (width !== gap + titles.length * (cell + gap) || !Number.isInteger(rows)) return undefined;
  const cut = (row: number, column: number) => {
    const { size } = metrics;
    const pixels = new Uint8Array(size * size * 3);
    const [left, top] = [gap + column * (cell + gap), header + row * (cell + gap)];
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++)
        for (let c = 0; c < 3; c++)
          pixels[(y * size + x) * 3 + c] =
            sheet.data[((top + y * scale) * width + left + x * scale) * 3 + c]!;
    return pixels;
  };
  const columns = titles.map((title, column) => {
    return { title, pictures: Array.from({ length: rows }, (_, row) => cut(row, column)) };
  });
  return { size: metrics.size, columns };
}

/** Levels of difference, 0 to 255, of which so many are drawn black. */
export const fullDifference = 128;

/** How far two pictures are apart: the mean over the channels, white where equal, darker the further apart. */
export function differenceOf(a: Uint8Array, b: Uint8Array): Uint8Array {
  const shown = new Uint8Array(a.length);
  for (let i = 0; i < a.length; i += 3) {
    const mean =
      (Math.abs(a[i]! - b[i]!) + Math.abs(a[i + 1]! - b[i + 1]!) + Math.abs(a[i + 2]! - b[i + 2]!)) / 3;
    shown.fill(Math.round(255 * Math.max(0, 1 - mean / fullDifference)), i, i + 3);
  }
  return shown;
}

/** Larger ones are shrunk: a report is looked at on a page. */
const largest = 256;

/** A picture as a data: address. Small ones are exact; large ones are compressed as `quality`, 0 to 100, says. */
export async function dataAddress(pixels: Uint8Array, size: number, quality: number): Promise<string> {
  const picture = sharp(pixels, { raw: { width: size, height: size, channels: 3 } });
  const shrunk = size > largest ? picture.resize(largest, largest) : picture;
  const bytes = await shrunk.webp(size <= 64 ? { lossless: true } : { quality }).toBuffer();
  return `data:image/webp;base64,${bytes.toString('base64')}`;
}
