/** An 8-bit sRGB colour. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Colours are counted in cells of 8 levels a channel: enough for a palette, and few enough to cluster at once. */
const cellBits = 5;
const rounds = 60;

/**
 * At most `count` colours that stand for those of `pictures` (RGB, 8-bit), the first of them `first`, which stays as it is:
 * the background. k-means of the pixels in OKLab (Ottosson 2020, where distance is about what the eye sees), begun without
 * any chance: the next centre is the colour that adds most to the error so far. Each colour is the mean of its pixels in
 * OKLab. Sorted from light to dark after the first. The same pictures in any order give the same palette.
 */
export function kMeansPalette(pictures: Iterable<Uint8Array>, count: number, first: Rgb): Rgb[] {
  const cells = countCells(pictures);
  const centres: Lab[] = [okLab(first)];
  const nearest = new Float64Array(cells.length).fill(Number.POSITIVE_INFINITY);
  while (centres.length < count) {
    let [worst, most] = [-1, 1e-9];
    for (const [i, { lab, weight }] of cells.entries()) {
      nearest[i] = Math.min(nearest[i]!, squaredDistance(lab, centres.at(-1)!));
      if (nearest[i]! * weight > most) [worst, most] = [i, nearest[i]! * weight];
    }
    if (worst < 0) break;
    centres.push(cells[worst]!.lab);
  }
  for (let round = 0; round < rounds; round++) if (!improve(centres, cells)) break;
  const others = centres.slice(1).sort((a, b) => b[0] - a[0] || a[1] - b[1] || a[2] - b[2]);
  return [first, ...others.map(fromOkLab)];
}

type Lab = readonly [number, number, number];

interface Cell {
  lab: Lab;
  weight: number;
}

/** The colours that occur, each cell of them by its mean, in the order of cells. */
function countCells(pictures: Iterable<Uint8Array>): Cell[] {
  const size = 2 ** (3 * cellBits);
  const weights = new Float64Array(size);
  const sums = new Float64Array(size * 3);
  const shift = 8 - cellBits;
  for (const pixels of pictures) {
    for (let i = 0; i < pixels.length; i += 3) {
      const [r, g, b] = [pixels[i]!, pixels[i + 1]!, pixels[i + 2]!];
      const cell = ((((r >> shift) << cellBits) | (g >> shift)) << cellBits) | (b >> shift);
      weights[cell]! += 1;
      sums[3 * cell]! += r;
      sums[3 * cell + 1]! += g;
      sums[3 * cell + 2]! += b;
    }
  }
  const cells: Cell[] = [];
  for (let cell = 0; cell < size; cell++) {
    const weight = weights[cell]!;
    if (weight === 0) continue;
    const mean = (c: number) => sums[3 * cell + c]! / weight;
    cells.push({ lab: okLab([mean(0), mean(1), mean(2)]), weight });
  }
  return cells;
}

/** One step of Lloyd's algorithm, the first centre fixed; false when nothing moved. */
function improve(centres: Lab[], cells: readonly Cell[]): boolean {
  const sums = centres.map(() => [0, 0, 0, 0]);
  for (const { lab, weight } of cells) {
    const sum = sums[nearestOf(lab, centres)]!;
    for (let c = 0; c < 3; c++) sum[c]! += lab[c]! * weight;
    sum[3]! += weight;
  }
  let moved = false;
  for (let k = 1; k < centres.length; k++) {
    const [l, a, b, weight] = sums[k] as [number, number, number, number];
    if (weight === 0) continue;
    const mean: Lab = [l / weight, a / weight, b / weight];
    if (squaredDistance(mean, centres[k]!) > 1e-10) moved = true;
    centres[k] = mean;
  }
  return moved;
}

/**
 * Gives every pixel of an RGB picture the number of its nearest colour (in OKLab; the first of equally near ones).
 * The returned function remembers colours, so that flat pictures are quick.
 */
export function nearestColour(palette: readonly Rgb[]): (pixels: Uint8Array) => Uint8Array {
  const centres = palette.map(okLab);
  const known = new Map<number, number>();
  return (pixels) => {
    const labels = new Uint8Array(pixels.length / 3);
    for (let p = 0, i = 0; p < labels.length; p++, i += 3) {
      const [r, g, b] = [pixels[i]!, pixels[i + 1]!, pixels[i + 2]!];
      const key = (r << 16) | (g << 8) | b;
      let label = known.get(key);
      if (label === undefined) {
        label = nearestOf(okLab([r, g, b]), centres);
        if (known.size < 2 ** 20) known.set(key, label);
      }
      labels[p] = label;
    }
    return labels;
  };
}

function nearestOf(lab: Lab, centres: readonly Lab[]): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (let k = 0; k < centres.length; k++) {
    const distance = squaredDistance(lab, centres[k]!);
    if (distance < least) [best, least] = [k, distance];
  }
  return best;
}

function squaredDistance(a: Lab, b: Lab): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
}

/** sRGB, 0..255, to OKLab (Ottosson, https://bottosson.github.io/posts/oklab/). */
export function okLab([red, green, blue]: Rgb): Lab {
  const [r, g, b] = [linear(red), linear(green), linear(blue)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** Back to sRGB, rounded and clamped to 0..255. */
function fromOkLab([light, a, b]: Lab): Rgb {
  const l = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (light - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    level(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    level(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    level(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

function linear(value: number): number {
  const v = value / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
}

function level(value: number): number {
  const v = Math.min(Math.max(value, 0), 1);
  return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
}

/** Shrinks a label map by a whole factor: each cell takes the label that most of its pixels have, the lowest of equals. */
export function shrinkLabels(labels: Uint8Array, side: number, factor: number, count: number): Uint8Array {
  const size = side / factor;
  const out = new Uint8Array(size * size);
  const votes = new Int32Array(count);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      votes.fill(0);
      for (let dy = 0; dy < factor; dy++) {
        const row = (y * factor + dy) * side + x * factor;
        for (let dx = 0; dx < factor; dx++) votes[labels[row + dx]!]!++;
      }
      let best = 0;
      for (let k = 1; k < count; k++) if (votes[k]! > votes[best]!) best = k;
      out[y * size + x] = best;
    }
  }
  return out;
}
