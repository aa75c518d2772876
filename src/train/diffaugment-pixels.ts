import { type AugmentDraw, augmentFeeds, type Policy } from './diffaugment.ts';

/**
 * What `diffAugment` makes of pictures [N, channels, size, size], computed here without an engine: for looking at. `colour` false
 * leaves colours alone, as for conditions.
 */
export function augmentPixels(
  pictures: Float32Array,
  channels: number,
  size: number,
  draw: AugmentDraw,
  policy: readonly Policy[],
  { colour = true } = {},
): Float32Array {
  const area = size * size;
  const out = pictures.slice();
  const mask = policy.includes('cutout')
    ? (augmentFeeds('a', draw, ['cutout'], size)['a/mask']!.data as Float32Array)
    : undefined;
  for (let n = 0; n < draw.brightness.length; n++) {
    const picture = out.subarray(n * channels * area, (n + 1) * channels * area);
    if (colour && policy.includes('color')) recolour(picture, channels, area, draw, n);
    if (policy.includes('translation')) shift(picture, size, draw.rows[n]!, draw.columns[n]!);
    if (mask) for (let i = 0; i < picture.length; i++) picture[i]! *= mask[n * area + (i % area)]!;
  }
  return out;
}

function recolour(picture: Float32Array, channels: number, area: number, draw: AugmentDraw, n: number): void {
  const [brightness, saturation, contrast] = [draw.brightness[n]!, draw.saturation[n]!, draw.contrast[n]!];
  let sum = 0;
  for (let p = 0; p < area; p++) {
    let grey = 0;
    for (let c = 0; c < channels; c++) grey += (picture[c * area + p]! + brightness) / channels;
    for (let c = 0; c < channels; c++) {
      const at = c * area + p;
      picture[at] = (picture[at]! + brightness - grey) * saturation + grey;
      sum += picture[at]!;
    }
  }
  const level = sum / picture.length;
  for (let i = 0; i < picture.length; i++) picture[i] = (picture[i]! - level) * contrast + level;
}

/** y[i, j] = x[i + rows, j + columns], zero outside, in place. */
function shift(picture: Float32Array, size: number, rows: number, columns: number): void {
  const before = picture.slice();
  const inside = (i: number) => i >= 0 && i < size;
  for (let at = 0; at < picture.length; at++) {
    const [y, x] = [Math.floor(at / size) % size, at % size];
    const plane = at - y * size - x;
    const [fromY, fromX] = [y + rows, x + columns];
    picture[at] = inside(fromY) && inside(fromX) ? before[plane + fromY * size + fromX]! : 0;
  }
}
