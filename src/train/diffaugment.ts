import type { Graph, Tensor, Value } from '../graph/graph.ts';
import { float32 } from '../graph/graph.ts';
import { add, mul, sub } from '../ops/elementwise.ts';
import { matMul } from '../ops/matmul.ts';
import { reduceMean } from '../ops/reduce.ts';
import type { Rng } from '../util/rng.ts';

export type Policy = 'color' | 'translation' | 'cutout';

/** One draw of DiffAugment's parameters: fed, so that the graph stays the same and a resumed run repeats it. */
export interface AugmentInputs {
  /** Per sample [batch, 1, 1, 1]. */
  brightness?: Value;
  saturation?: Value;
  contrast?: Value;
  /** Row and column selection, [batch, 1, size, size]: y = rows · x · columns. */
  rows?: Value;
  columns?: Value;
  /** 1 where the picture is kept, [batch, 1, size, size]. */
  mask?: Value;
}

/** Declares the inputs one draw needs, named `prefix/brightness` and so on. */
export function augmentInputs(
  graph: Graph,
  prefix: string,
  policy: readonly Policy[],
  batch: number,
  size: number,
): AugmentInputs {
  const one = [batch, 1, 1, 1];
  const plane = [batch, 1, size, size];
  const input = (name: string, shape: number[]) => graph.input(`${prefix}/${name}`, 'float32', shape);
  return {
    ...(policy.includes('color') && {
      brightness: input('brightness', one),
      saturation: input('saturation', one),
      contrast: input('contrast', one),
    }),
    ...(policy.includes('translation') && { rows: input('rows', plane), columns: input('columns', plane) }),
    ...(policy.includes('cutout') && { mask: input('mask', plane) }),
  };
}

/**
 * DiffAugment (Zhao et al. 2020) of a condition and its picture, [batch, C, size, size] in [−1, 1]: colour on the picture
 * only, translation and cutout alike on both, so that they stay aligned (label maps, one-hot, are zero where they move in or
 * are cut out). A condition that is no picture stays as it is. Every part is affine in the picture, so gradients of any order
 * pass through. Not clamped, as the original.
 */
export function diffAugment<C extends Value | undefined>(
  condition: C,
  image: Value,
  p: AugmentInputs,
): { condition: C; image: Value } {
  const moved = condition?.shape.length === 4 ? (geometry(condition, p) as C) : condition;
  return { condition: moved, image: geometry(color(image, p), p) };
}

function color(x: Value, { brightness, saturation, contrast }: AugmentInputs): Value {
  if (!brightness || !saturation || !contrast) return x;
  const bright = add(x, brightness);
  const grey = reduceMean(bright, [1]);
  const saturated = add(mul(sub(bright, grey), saturation), grey);
  const level = reduceMean(saturated, [1, 2, 3]);
  return add(mul(sub(saturated, level), contrast), level);
}

function geometry(x: Value, { rows, columns, mask }: AugmentInputs): Value {
  let y = x;
  if (rows && columns) y = matMul(matMul(rows, y), columns);
  return mask ? mul(y, mask) : y;
}

/** The numbers behind one draw, one entry per sample. */
export interface AugmentDraw {
  brightness: number[];
  saturation: number[];
  contrast: number[];
  /** Shift in pixels: y[i, j] = x[i + rows, j + columns], zero outside. */
  rows: number[];
  columns: number[];
  /** Centre of the box that is cut out. */
  cutRow: number[];
  cutColumn: number[];
}

/**
 * Draws parameters with the paper's ranges: brightness U(−0.5, 0.5), saturation U(0, 2), contrast U(0.5, 1.5), shifts of up
 * to an eighth of the size, a box of half the size centred anywhere.
 */
export function drawAugment(rng: Rng, batch: number, size: number): AugmentDraw {
  const each = (draw: () => number) => Array.from({ length: batch }, draw);
  const shift = Math.trunc(size * 0.125 + 0.5);
  const centre = size + (boxSize(size) % 2 === 0 ? 0 : -1);
  return {
    brightness: each(() => rng.uniform(-0.5, 0.5)),
    saturation: each(() => rng.uniform(0, 2)),
    contrast: each(() => rng.uniform(0.5, 1.5)),
    rows: each(() => rng.int(-shift, shift)),
    columns: each(() => rng.int(-shift, shift)),
    cutRow: each(() => rng.int(0, centre)),
    cutColumn: each(() => rng.int(0, centre)),
  };
}

function boxSize(size: number): number {
  return Math.trunc(size * 0.5 + 0.5);
}

/** The tensors of a draw, by the names `augmentInputs` declared. */
export function augmentFeeds(
  prefix: string,
  draw: AugmentDraw,
  policy: readonly Policy[],
  size: number,
): Record<string, Tensor> {
  const batch = draw.brightness.length;
  const feeds: Record<string, Tensor> = {};
  const one = (name: string, values: number[]) => {
    feeds[`${prefix}/${name}`] = float32([batch, 1, 1, 1], values);
  };
  if (policy.includes('color')) {
    one('brightness', draw.brightness);
    one('saturation', draw.saturation);
    one('contrast', draw.contrast);
  }
  if (policy.includes('translation')) {
    feeds[`${prefix}/rows`] = selection(draw.rows, size, (to, from) => to * size + from);
    feeds[`${prefix}/columns`] = selection(draw.columns, size, (to, from) => from * size + to);
  }
  if (policy.includes('cutout')) feeds[`${prefix}/mask`] = cutoutMask(draw, size);
  return feeds;
}

/** Matrices that move a picture by whole pixels: row `to` of the result is row `to + shift` of the picture, or zero. */
function selection(
  shifts: readonly number[],
  size: number,
  at: (to: number, from: number) => number,
): Tensor {
  const data = new Float32Array(shifts.length * size * size);
  for (const [n, shift] of shifts.entries()) {
    for (let to = 0; to < size; to++) {
      const from = to + shift;
      if (from >= 0 && from < size) data[n * size * size + at(to, from)] = 1;
    }
  }
  return float32([shifts.length, 1, size, size], data);
}

function cutoutMask({ cutRow, cutColumn }: AugmentDraw, size: number): Tensor {
  const box = boxSize(size);
  const data = new Float32Array(cutRow.length * size * size).fill(1);
  for (let n = 0; n < cutRow.length; n++) {
    const top = cutRow[n]! - Math.floor(box / 2);
    const left = cutColumn[n]! - Math.floor(box / 2);
    const [from, to] = [Math.max(0, left), Math.min(size, left + box)];
    for (let i = Math.max(0, top); i < Math.min(size, top + box); i++) {
      if (to > from) data.fill(0, (n * size + i) * size + from, (n * size + i) * size + to);
    }
  }
  return float32([cutRow.length, 1, size, size], data);
}
