/** @import { Label } from '../../data/source.ts' */
/** @import { LabelMap } from './label-map.js' */

/** Lines between things are drawn so much darker. */
const darker = 0.55;

/**
 * A map of labels in its colours, its edges darker.
 *
 * @param {readonly Label[]} labels
 * @param {LabelMap} map
 * @param {number} size
 */
export function toColours(labels, { ids, edges }, size) {
  const shown = new ImageData(size, size);
  for (let i = 0; i < ids.length; i++) {
    const colour = labels[ids[i]]?.colour ?? [0, 0, 0];
    for (let c = 0; c < 3; c++) shown.data[4 * i + c] = edges[i] ? colour[c] * darker : colour[c];
    shown.data[4 * i + 3] = 255;
  }
  return shown;
}

/**
 * The map that a test input's pixels are; see `CatalogueExample`. A number that is no label's is the first.
 *
 * @param {Uint8ClampedArray} data RGBA
 * @param {number} labels
 * @returns {LabelMap}
 */
export function fromPixels(data, labels) {
  const ids = Uint8Array.from({ length: data.length / 4 }, (_, i) =>
    data[4 * i] < labels ? data[4 * i] : 0,
  );
  return { ids, edges: ids.map((_, i) => Number(data[4 * i + 1] > 127)) };
}

/**
 * The same, the other way round: opaque RGBA.
 *
 * @param {LabelMap} map
 * @param {number} size
 */
export function toPixelsOf({ ids, edges }, size) {
  const pixels = new ImageData(size, size);
  for (let i = 0; i < ids.length; i++) pixels.data.set([ids[i], edges[i] ? 255 : 0, 0, 255], 4 * i);
  return pixels;
}

/**
 * The labels of a picture somebody made: its greys are their numbers where no colour of it is a label's, else each pixel is the
 * label of the nearest colour.
 *
 * @param {Uint8ClampedArray} data RGBA
 * @param {readonly Label[]} labels
 */
export function labelsOf(data, labels) {
  /** @type {Map<number, number>} */
  const known = new Map(labels.map(({ colour: [r, g, b] }, i) => [(r << 16) | (g << 8) | b, i]));
  const count = data.length / 4;
  /** @param {number} i */
  const keyOf = (i) => (data[4 * i] << 16) | (data[4 * i + 1] << 8) | data[4 * i + 2];
  let [numbers, coloured] = [true, true];
  for (let i = 0; i < count; i++) {
    const [r, g, b] = data.subarray(4 * i, 4 * i + 3);
    numbers &&= r === g && g === b && r < labels.length;
    coloured &&= known.has(keyOf(i));
  }
  if (numbers && !coloured) return Uint8Array.from({ length: count }, (_, i) => data[4 * i]);
  const ids = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const key = keyOf(i);
    let id = known.get(key);
    if (id === undefined) {
      id = nearest(data.subarray(4 * i, 4 * i + 3), labels);
      known.set(key, id);
    }
    ids[i] = id;
  }
  return ids;
}

/**
 * @param {ArrayLike<number>} pixel
 * @param {readonly Label[]} labels
 */
function nearest(pixel, labels) {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (const [i, { colour }] of labels.entries()) {
    const away = colour.reduce((sum, level, c) => sum + (level - pixel[c]) ** 2, 0);
    if (away < least) [best, least] = [i, away];
  }
  return best;
}

/**
 * The label that an eraser paints: the one that is called so, else the first.
 *
 * @param {readonly Label[]} labels
 */
export function backgroundOf(labels) {
  return Math.max(
    0,
    labels.findIndex(({ name }) => /^(background|unlabell?ed|void|nothing|none)\b/i.test(name)),
  );
}
