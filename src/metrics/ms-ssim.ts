import { GanletError } from '../util/errors.ts';
import type { PictureShape } from './ssim.ts';

const weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
const taps = 11;
const c1 = (0.01 * 255) ** 2;
const c2 = (0.03 * 255) ** 2;

/** The smallest side whose fifth scale still holds the window. */
const smallestSide = (taps - 1) * 2 ** (weights.length - 1) + 1;

const gaussian = (() => {
  const raw = Float64Array.from({ length: taps }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * 1.5 ** 2)));
  const sum = raw.reduce((total, x) => total + x);
  return raw.map((x) => x / sum);
})();

/**
 * Multi-scale structural similarity of two pictures of 8-bit levels, channels first: 1 for equal ones.
 *
 * Wang, Simoncelli and Bovik 2003, eq. 7, with their five scales and weights: the contrast–structure term of scales 1 to 4 and the
 * whole SSIM of scale 5, each the mean over positions where the 11 × 11 Gaussian window (σ 1.5) lies inside, a negative mean taken
 * as 0. Between scales 2 × 2 averages, an odd last row or column repeated. For each channel, then averaged, as
 * `tf.image.ssim_multiscale` does. Throws PICTURE_TOO_SMALL for a side below 161 pixels.
 */
export function msSsim(a: Uint8Array, b: Uint8Array, { channels, height, width }: PictureShape): number {
  if (Math.min(height, width) < smallestSide) {
    throw new GanletError(
      'PICTURE_TOO_SMALL',
      `MS-SSIM needs pictures of at least ${smallestSide} × ${smallestSide} pixels, got ${width} × ${height}`,
      { hint: 'measure larger pictures, or use ssim' },
    );
  }
  const size = height * width;
  let sum = 0;
  for (let c = 0; c < channels; c++) {
    let p: Plane = { data: Float64Array.from(a.subarray(c * size, (c + 1) * size)), height, width };
    let q: Plane = { data: Float64Array.from(b.subarray(c * size, (c + 1) * size)), height, width };
    let similarity = 1;
    for (const [scale, weight] of weights.entries()) {
      if (scale > 0) [p, q] = [halved(p), halved(q)];
      const { whole, structure } = similarities(p, q);
      const term = scale === weights.length - 1 ? whole : structure;
      similarity *= Math.max(0, term) ** weight;
    }
    sum += similarity;
  }
  return sum / channels;
}

interface Plane {
  data: Float64Array;
  height: number;
  width: number;
}

function halved({ data, height, width }: Plane): Plane {
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const half = new Float64Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    const [top, bottom] = [2 * y * width, Math.min(2 * y + 1, height - 1) * width];
    for (let x = 0; x < columns; x++) {
      const [l, r] = [2 * x, Math.min(2 * x + 1, width - 1)];
      half[y * columns + x] = (data[top + l]! + data[top + r]! + data[bottom + l]! + data[bottom + r]!) / 4;
    }
  }
  return { data: half, height: rows, width: columns };
}

/** Means of SSIM and of its contrast–structure factor. */
function similarities(p: Plane, q: Plane): { whole: number; structure: number } {
  const blurred = (f: (i: number) => number) => windowMeans(p, f);
  const [x, y] = [p.data, q.data];
  const meansX = blurred((i) => x[i]!);
  const meansY = blurred((i) => y[i]!);
  const squares = blurred((i) => x[i]! * x[i]! + y[i]! * y[i]!);
  const products = blurred((i) => x[i]! * y[i]!);
  let [whole, structure] = [0, 0];
  for (let i = 0; i < meansX.length; i++) {
    const [mx, my] = [meansX[i]!, meansY[i]!];
    const variances = squares[i]! - mx * mx - my * my;
    const covariance = products[i]! - mx * my;
    const factor = (2 * covariance + c2) / (variances + c2);
    structure += factor;
    whole += (factor * (2 * mx * my + c1)) / (mx * mx + my * my + c1);
  }
  return { whole: whole / meansX.length, structure: structure / meansX.length };
}

/** The Gaussian window's mean of f at each position where it lies inside. */
function windowMeans({ height, width }: Plane, f: (i: number) => number): Float64Array {
  const columns = width - taps + 1;
  const rows = height - taps + 1;
  const across = new Float64Array(height * columns);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let k = 0; k < taps; k++) sum += gaussian[k]! * f(y * width + x + k);
      across[y * columns + x] = sum;
    }
  }
  const means = new Float64Array(rows * columns);
  for (let o = 0; o < means.length; o++) {
    let sum = 0;
    for (let k = 0; k < taps; k++) sum += gaussian[k]! * across[o + k * columns]!;
    means[o] = sum;
  }
  return means;
}
