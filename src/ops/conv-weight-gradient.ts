import { floorDivDim } from '../graph/dims.ts';
import type { Dim, Value } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import type { ConvGeometry } from './conv.ts';
import { mul } from './elementwise.ts';
import { matMul, swapLast } from './matmul.ts';
import { reduceSum } from './reduce.ts';
import { concat, pad, reshape, slice, transpose, unsqueeze } from './shape.ts';

/**
 * Gradient of a convolution for its weights: dw[o,i,u,v] = Σ dy[n,o,p,q] · x[n,i, p·s+u·d, q·s+v·d].
 *
 * The standard domain has no operator for it and a Conv with batch and channels exchanged runs at a third of the speed of
 * a matrix product. So x is padded once and its rows are laid end to end; then every kernel tap reads one contiguous run
 * of the flattened axis. A run crosses row ends, so dy is padded to the same row length with zeros that cancel what is read there:
 *
 *     x padded (row length 4)   a b c d | e f g h | i j k l      tap (0,1) reads  b c d e f g h …
 *     dy (2 × 3, kernel 1×2)    p q r 0 | s t u 0                product          bp+cq+dr+e·0+fs+…
 *
 * Strides are removed first: the image is cut into its s×s phases, and a tap at (u, v) reads phase (u mod s, v mod s).
 *
 * `x` is the wide side (input of Conv, output gradient of ConvTranspose), `dy` the narrow one, `shape` the weights' [O, I/g, kh, kw].
 */
export function convWeightGradient(x: Value, dy: Value, shape: readonly Dim[], g: ConvGeometry): Value {
  const [kh, kw] = g.kernel;
  const [sh, sw] = g.strides;
  const [dh, dw] = g.dilations;
  const [n, channels] = x.shape as [Dim, Dim];
  const [, outputs, rows, columns] = dy.shape as [Dim, Dim, number, number];
  if (typeof rows !== 'number' || typeof columns !== 'number')
    throw new GanletError('SHAPE_SYMBOLIC', 'the weight gradient of a convolution needs the image size as numbers');

  // Pad so that every tap of every window exists and the size divides into phases.
  const tall = ceilTo((rows - 1) * sh + (kh - 1) * dh + 1, sh);
  const wide = ceilTo((columns - 1) * sw + (kw - 1) * dw + 1, sw);
  const [height, width] = x.shape.slice(2) as [number, number];
  const padded = pad(x, [0, 0, g.pads[0], g.pads[1], 0, 0, tall - height - g.pads[0], wide - width - g.pads[1]]);
  const [ph, pw] = [tall / sh, wide / sw];
  const phases = flatPhases(padded, n, channels, g, ph, pw);

  // Rows of dy get the phases' row length; the run ends with the last true element.
  const length = (rows - 1) * pw + columns;
  const dyRows = pw === columns ? dy : pad(dy, [0, 0, 0, 0, 0, 0, 0, pw - columns]);
  const dyFlat = slice(reshape(dyRows, [n, outputs, rows * pw], dy), [2], [0], [length]);

  const taps: { phase: Value; offset: number }[] = [];
  for (let u = 0; u < kh; u++) {
    for (let v = 0; v < kw; v++) {
      const [r, c] = [u * dh, v * dw];
      taps.push({ phase: phases[(r % sh) * sw + (c % sw)]!, offset: Math.floor(r / sh) * pw + Math.floor(c / sw) });
    }
  }
  const reads = taps.map(({ phase, offset }) => slice(phase, [2], [offset], [offset + length]));

  if (g.group === 1) return dense(reads, dyFlat, shape, x);
  if (shape[1] === 1 && channels === outputs) return depthwise(reads, dyFlat, shape, x);
  return grouped(reads, dyFlat, shape, g.group, n, channels, outputs, length, x);
}

function ceilTo(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** The s×s phases of the image, each flattened to [N, C, ph·pw]. */
function flatPhases(x: Value, n: Dim, channels: Dim, g: ConvGeometry, ph: number, pw: number): Value[] {
  const [sh, sw] = g.strides;
  if (sh === 1 && sw === 1) return [reshape(x, [n, channels, ph * pw], x)];
  const cut = transpose(reshape(x, [n, channels, ph, sh, pw, sw], x), [3, 5, 0, 1, 2, 4]);
  const flat = reshape(cut, [sh * sw, n, channels, ph * pw], x);
  return Array.from({ length: sh * sw }, (_, i) =>
    reshape(slice(flat, [0], [i], [i + 1]), [n, channels, ph * pw], x),
  );
}

/** One product per tap: [N, O, L]·[N, L, I], summed over the batch, taps stacked. */
function dense(reads: readonly Value[], dyFlat: Value, shape: readonly Dim[], like: Value): Value {
  const [o, i, kh, kw] = shape as [Dim, Dim, number, number];
  // Few channels make thin products; all taps side by side make one good product, and the copy is small.
  const few = typeof i === 'number' && i <= 8 && reads.length > 1;
  if (few) {
    const stacked = concat(reads, 1);
    const product = reduceSum(matMul(dyFlat, swapLast(stacked)), [0], false);
    return transpose(reshape(product, [o, kh, kw, i], dyFlat, like), [0, 3, 1, 2]);
  }
  const products = reads.map((x) => unsqueeze(reduceSum(matMul(dyFlat, swapLast(x)), [0], false), [2]));
  return reshape(concat(products, 2), [o, i, kh, kw], dyFlat, like);
}

/** Each channel on its own: dw[c, tap] = Σ dy[n, c, ·]·x[n, c, tap + ·]. */
function depthwise(reads: readonly Value[], dyFlat: Value, shape: readonly Dim[], like: Value): Value {
  const [o, , kh, kw] = shape as [Dim, Dim, number, number];
  const sums = reads.map((x) => unsqueeze(reduceSum(mul(x, dyFlat), [0, 2], false), [1]));
  return reshape(concat(sums, 1), [o, 1, kh, kw], dyFlat, like);
}

function grouped(
  reads: readonly Value[],
  dyFlat: Value,
  shape: readonly Dim[],
  group: number,
  n: Dim,
  channels: Dim,
  outputs: Dim,
  length: number,
  like: Value,
): Value {
  const [o, i, kh, kw] = shape as [Dim, Dim, number, number];
  const dyGroups = reshape(dyFlat, [n, group, floorDivDim(outputs, group), length], like);
  const products = reads.map((x) => {
    const xGroups = reshape(x, [n, group, floorDivDim(channels, group), length], like);
    const product = reduceSum(matMul(dyGroups, swapLast(xGroups)), [0], false);
    return unsqueeze(reshape(product, [o, i], like), [2]);
  });
  return reshape(concat(products, 2), [o, i, kh, kw], like);
}

