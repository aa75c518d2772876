import sharp from 'sharp';
import { writeFileAtomic } from '../util/atomic.ts';

/** A column of pictures, or of words. */
export type SheetColumn = PictureColumn | TextColumn;

export interface PictureColumn {
  title: string;
  /** N pictures: float32 NCHW in [−1, 1], or bytes N × height × width × channels. */
  images: Float32Array | Uint8Array;
  /** Default 3; 1 is shown as grey. */
  channels?: 1 | 3;
}

export interface TextColumn {
  title: string;
  /** One for each row. */
  texts: readonly string[];
}

const gap = 4;
const header = 24;

/** Pictures smaller than this are shown enlarged by a whole factor. */
const smallestCell = 96;

/**
 * Writes a PNG that shows samples side by side: one row per picture, one column per kind ("outline",
 * "teacher", "student"), titles on top. All columns must hold the same number of size × size pictures.
 * Written whole or not at all; throws what `writeFileAtomic` throws.
 */
export async function sampleSheet(
  columns: readonly SheetColumn[],
  size: number,
  file: string,
): Promise<void> {
  const rows = Math.min(...columns.map((column) => rowsOf(column, size)));
  if (!columns.every((column) => rowsOf(column, size) === rows) || rows < 1 || rows === Infinity) {
    throw new RangeError('a sample sheet needs columns with equally many pictures, at least one');
  }
  const { scale, cell } = sheetLayout(size);
  const width = gap + columns.length * (cell + gap);
  const height = header + rows * (cell + gap);
  const pixels = new Uint8Array(width * height * 3).fill(255);
  for (const [c, column] of columns.entries()) {
    if ('texts' in column) continue;
    for (let row = 0; row < rows; row++) {
      const sample = sampleOf(column, size, row);
      const left = gap + c * (cell + gap);
      const top = header + row * (cell + gap);
      for (let y = 0; y < cell; y++) {
        for (let x = 0; x < cell; x++) {
          const o = ((top + y) * width + left + x) * 3;
          const [sy, sx] = [Math.floor(y / scale), Math.floor(x / scale)];
          for (let k = 0; k < 3; k++) pixels[o + k] = sample(k, sy, sx);
        }
      }
    }
  }
  const words = columns.flatMap((column, c) => {
    const centre = gap + c * (cell + gap) + cell / 2;
    const title = fittedText(column.title, centre, 17, cell);
    if (!('texts' in column)) return [title];
    const middle = (row: number) => header + row * (cell + gap) + cell / 2 + 4;
    return [title, ...column.texts.map((text, row) => fittedText(text, centre, middle(row), cell))];
  });
  const overlay = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${words.join('')}</svg>`;
  const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(overlay), left: 0, top: 0 }])
    .removeAlpha()
    .png()
    .toBuffer();
  await writeFileAtomic(file, png);
}

/**
 * Where pictures of `size` pixels lie on a sheet: cells of `cell` pixels, each pixel `scale` wide, `gap` around every one,
 * below a `header`.
 */
export function sheetLayout(size: number): { gap: number; header: number; scale: number; cell: number } {
  const scale = Math.max(1, Math.ceil(smallestCell / size));
  return { gap, header, scale, cell: size * scale };
}

function rowsOf(column: SheetColumn, size: number): number {
  if ('texts' in column) return column.texts.length;
  const { images, channels = 3 } = column;
  return images.length / (size * size * channels);
}

/** Reads channel k of pixel (y, x) of one picture as a byte. */
function sampleOf({ images, channels = 3 }: PictureColumn, size: number, row: number) {
  const start = row * size * size * channels;
  if (images instanceof Uint8Array) {
    return (k: number, y: number, x: number): number =>
      images[start + (y * size + x) * channels + (channels === 1 ? 0 : k)]!;
  }
  return (k: number, y: number, x: number): number => {
    const value = images[start + ((channels === 1 ? 0 : k) * size + y) * size + x]!;
    return Math.round(Math.min(Math.max(value, -1), 1) * 127.5 + 127.5);
  };
}

/** Centred words on the line `y`, smaller when they are long, and cut when they would not fit even then. */
function fittedText(title: string, centre: number, y: number, width: number): string {
  // Sans-serif letters are about 0.6 of the font size wide.
  const most = Math.floor(width / (9 * 0.6));
  const shown = title.length > most ? `${title.slice(0, most - 1)}…` : title;
  const fontSize = Math.min(14, Math.max(9, Math.floor(width / (shown.length * 0.6 || 1))));
  const escaped = shown.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return (
    `<text x="${centre}" y="${y}" font-family="DejaVu Sans, sans-serif" font-size="${fontSize}" ` +
    `text-anchor="middle" fill="#222">${escaped}</text>`
  );
}
