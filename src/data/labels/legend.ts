import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { writeFileAtomic } from '../../util/atomic.ts';
import type { Label } from '../source.ts';

const line = 20;
const margin = 6;
const swatch = 12;
/** Of a sans-serif letter of 11 pixels. */
const letter = 6.6;

/** Puts the names of labels with their colours below a PNG, in as many lines as they need. Throws what `writeFileAtomic` throws. */
export async function addLegend(
  file: string,
  labels: readonly Pick<Label, 'name' | 'colour'>[],
): Promise<void> {
  const sheet = await readFile(file);
  const { width, height } = await sharp(sheet).metadata();
  const most = Math.max(Math.floor((width - 2 * margin - swatch - 4) / letter), 4);
  let [x, y] = [margin, margin];
  const parts: string[] = [];
  for (const { name, colour } of labels) {
    const shown = name.length > most ? `${name.slice(0, most - 1)}…` : name;
    const needed = swatch + 4 + shown.length * letter + 10;
    if (x > margin && x + needed > width) [x, y] = [margin, y + line];
    const escaped = shown.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    parts.push(
      `<rect x="${x}" y="${y}" width="${swatch}" height="${swatch}" fill="rgb(${colour.join()})" stroke="#888"/>` +
        `<text x="${x + swatch + 4}" y="${y + 10}" font-family="DejaVu Sans, sans-serif" font-size="11" fill="#222">${escaped}</text>`,
    );
    x += needed;
  }
  const below = y + line;
  const legend = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${below}">${parts.join('')}</svg>`;
  const png = await sharp(sheet)
    .extend({ bottom: below, background: '#ffffff' })
    .composite([{ input: Buffer.from(legend), left: 0, top: height }])
    .png()
    .toBuffer();
  await writeFileAtomic(file, png);
}
