import { floorDivDim, mulDim } from '../graph/dims.ts';
import type { Dim, Graph, Value } from '../graph/graph.ts';
import { float32 } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import type { ConvGeometry } from './conv-geometry.ts';
import { depthwiseByRows, isSpread, spreadGradient, suitsRows } from './depthwise.ts';
import { mul } from './elementwise.ts';
import { reshape, transpose, unsqueeze } from './layout.ts';
import { matMul, swapLast } from './matmul.ts';
import { reduceSum } from './reduce.ts';
import { concat } from './segments.ts';
import { flip, pad, slice } from './window.ts';

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
 * Channels come first and the batch joins the summed axis, so each tap is one product [O, N·L]·[N·L, I].
 * Strides are removed first: the image is cut into its s×s phases, and a tap at (u, v) reads phase (u mod s, v mod s).
 *
 * `x` is the wide side (input of Conv, output gradient of ConvTranspose), `dy` the narrow one, `w` the weights [O, I/g, kh, kw].
 */
export function convWeightGradient(x: Value, dy: Value, w: Value, g: ConvGeometry): Value {
  const { shape } = w;
  const [o, i] = shape as [Dim, Dim];
  const stepless = g.strides.every((s) => s === 1) && g.dilations.every((d) => d === 1);
  if (g.group === 1 && stepless && few(o) && !(few(i) && i <= o)) return shiftedGradient(x, dy, shape, g);
  if (suitsRows(x, dy, g)) {
    if (isSpread(w) && shape[0] === x.shape[1]) return spreadGradient(x, dy, w, g);
    if (g.group > 1 && i === 1 && o === g.group) return depthwiseByRows(x, dy, g);
  }
  return tapGradient(x, dy, shape, g);
}

/** So few channels that products by taps are thin, and copies of the operand for all taps small. */
function few(channels: Dim): channels is number {
  return typeof channels === 'number' && channels <= 8;
}

/**
 * With few outputs it is dy that is shifted, being the smaller: dw[o,i,u,v] = Σ x[i,r,s] · dyp[o, r+kh−1−u, s+kw−1−v] with dyp
 * padded by a kernel's reach, which is the gradient with the two sides exchanged and the kernel turned.
 */
function shiftedGradient(x: Value, dy: Value, shape: readonly Dim[], g: ConvGeometry): Value {
  const [o, i, kh, kw] = shape as [Dim, Dim, number, number];
  const padded = pad(x, [0, 0, g.pads[0], g.pads[1], 0, 0, g.pads[2], g.pads[3]]);
  const wide = pad(dy, [0, 0, kh - 1, kw - 1, 0, 0, kh - 1, kw - 1]);
  const turned = tapGradient(wide, padded, [i, o, kh, kw], { ...g, pads: [0, 0, 0, 0] });
  return transpose(flip(turned, [2, 3]), [1, 0, 2, 3]);
}

function tapGradient(x: Value, dy: Value, shape: readonly Dim[], g: ConvGeometry): Value {
  const [kh, kw] = g.kernel;
  const [sh, sw] = g.strides;
  const [n, channels] = x.shape as [Dim, Dim];
  const [, outputs, rows, columns] = dy.shape as [Dim, Dim, number, number];
  if (typeof rows !== 'number' || typeof columns !== 'number')
    throw new GanletError(
      'SHAPE_SYMBOLIC',
      'the weight gradient of a convolution needs the image size as numbers',
    );

  // Pad so that every tap of every window exists and the size divides into phases.
  const tall = ceilTo((rows - 1) * sh + (kh - 1) * g.dilations[0] + 1, sh);
  const wide = ceilTo((columns - 1) * sw + (kw - 1) * g.dilations[1] + 1, sw);
  const [height, width] = x.shape.slice(2) as [number, number];
  const padded = pad(x, [
    0,
    0,
    g.pads[0],
    g.pads[1],
    0,
    0,
    tall - height - g.pads[0],
    wide - width - g.pads[1],
  ]);
  const [ph, pw] = [tall / sh, wide / sw];
  // [phases, C, N, ph·pw]
  const phases = reshape(
    sh === 1 && sw === 1
      ? channelsFirst(padded)
      : transpose(reshape(padded, [n, channels, ph, sh, pw, sw], x), [3, 5, 1, 0, 2, 4]),
    [sh * sw, channels, n, ph * pw],
    x,
  );

  // Rows of dy get the phases' row length; the run ends with the last true element.
  const length = (rows - 1) * pw + columns;
  const dyRows = pad(channelsFirst(dy), [0, 0, 0, 0, 0, 0, 0, pw - columns]);
  const dyRuns = cut(reshape(dyRows, [outputs, n, rows * pw], dy), 2, 0, length);

  const reads: Value[] = [];
  for (let u = 0; u < kh; u++) {
    for (let v = 0; v < kw; v++) {
      const [r, c] = [u * g.dilations[0], v * g.dilations[1]];
      const phase = (r % sh) * sw + (c % sw);
      const offset = Math.floor(r / sh) * pw + Math.floor(c / sw);
      const run = slice(phases, [0, 3], [phase, offset], [phase + 1, offset + length]);
      reads.push(reshape(run, [channels, n, length], x));
    }
  }
  const flat = (v: Value, c: Dim) => reshape(v, [c, mulDim(n, length)], v);
  if (g.group === 1)
    return dense(
      reads.map((v) => flat(v, channels)),
      flat(dyRuns, outputs),
      shape,
      x,
    );
  if (shape[1] === 1 && channels === outputs) return depthwise(reads, dyRuns, shape, x);
  return grouped(
    reads.map((v) => flat(v, channels)),
    flat(dyRuns, outputs),
    shape,
    g.group,
    x,
  );
}

function ceilTo(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** [N, C, …] → [C, N, …]; with one picture it is the same memory. */
function channelsFirst(x: Value): Value {
  const [n, c, ...rest] = x.shape as [Dim, Dim, ...Dim[]];
  return n === 1 ? reshape(x, [c, 1, ...rest], x) : transpose(x, [1, 0, 2, 3]);
}

function cut(x: Value, axis: number, from: number, to: number): Value {
  return from === 0 && x.shape[axis] === to ? x : slice(x, [axis], [from], [to]);
}

/** Products [O, N·L]·[N·L, I] by tap, or one for all taps side by side when the input has few channels. */
function dense(reads: readonly Value[], dy: Value, shape: readonly Dim[], like: Value): Value {
  const [o, i, kh, kw] = shape as [Dim, Dim, number, number];
  if (reads.length === 1) return reshape(matMul(dy, swapLast(reads[0]!)), [o, i, kh, kw], dy, like);
  if (few(i)) {
    const product = matMul(dy, swapLast(concat(reads, 0)));
    return reshape(
      transpose(reshape(product, [o, kh * kw, i], dy, like), [0, 2, 1]),
      [o, i, kh, kw],
      dy,
      like,
    );
  }
  // Taps last: transposing by a product with the identity is packed like any product, Transpose moves single numbers.
  const products = reads.map((x) => reshape(matMul(dy, swapLast(x)), [1, mulDim(o, i)], dy, like));
  const stacked = swapLast(concat(products, 0));
  return reshape(matMul(stacked, identityMatrix(dy.graph, kh * kw)), [o, i, kh, kw], dy, like);
}

function identityMatrix(graph: Graph, n: number): Value {
  const name = `identity${n}`;
  const data = new Float32Array(n * n);
  for (let i = 0; i < n; i++) data[i * n + i] = 1;
  return graph.constants.get(name) ?? graph.constant(float32([n, n], data), name);
}

/** Each channel on its own: dw[c, tap] = Σ dy[c, n, ·]·x[c, n, tap + ·]. */
function depthwise(reads: readonly Value[], dy: Value, shape: readonly Dim[], like: Value): Value {
  const [o, , kh, kw] = shape as [Dim, Dim, number, number];
  const sums = reads.map((x) => unsqueeze(reduceSum(mul(x, dy), [1, 2], false), [1]));
  return reshape(concat(sums, 1), [o, 1, kh, kw], dy, like);
}

function grouped(
  reads: readonly Value[],
  dy: Value,
  shape: readonly Dim[],
  group: number,
  like: Value,
): Value {
  const [o, i, kh, kw] = shape as [Dim, Dim, number, number];
  const split = (v: Value) => {
    const [c, length] = v.shape as [Dim, Dim];
    return reshape(v, [group, floorDivDim(c, group), length], v, like);
  };
  const dyGroups = split(dy);
  const products = reads.map((x) =>
    unsqueeze(reshape(matMul(dyGroups, swapLast(split(x))), [o, i], like), [2]),
  );
  return reshape(concat(products, 2), [o, i, kh, kw], like);
}
