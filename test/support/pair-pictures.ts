import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/** A picture twice as wide as high: a grey pattern on the left, coloured on the right. */
export async function pairPicture(number: number, side = 16): Promise<Buffer> {
  const pixels = new Uint8Array(side * 2 * side * 3);
  for (let p = 0; p < side * 2 * side; p++) {
    const [row, column] = [Math.floor(p / (2 * side)), p % (2 * side)];
    const grey = (37 * (number + 1) * (row + 1) * ((column % side) + 1)) % 256;
    pixels.set(column < side ? [grey, grey, grey] : [grey, 255 - grey, 128], 3 * p);
  }
  return sharp(pixels, { raw: { width: 2 * side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}

/** Writes `pictures/train`, `val` and `test` into a folder: 6, 2 and 3 pictures. */
export async function writePictures(folder: string): Promise<void> {
  for (const [split, count] of [
    ['train', 6],
    ['val', 2],
    ['test', 3],
  ] as const) {
    mkdirSync(join(folder, 'pictures', split), { recursive: true });
    for (let i = 0; i < count; i++)
      writeFileSync(join(folder, 'pictures', split, `${i}.png`), await pairPicture(i));
  }
}
