import { mulDim } from '../graph/dims.ts';
import type { Dim, Graph, Value } from '../graph/graph.ts';
import { float32 } from '../graph/graph.ts';
import type { ConvGeometry } from './conv-geometry.ts';
import { mul } from './elementwise.ts';
import { expandTo, reshape, transpose } from './layout.ts';
import { matMul, swapLast } from './matmul.ts';
import { concat } from './segments.ts';
import { pad, slice } from './window.ts';

/** Weights made by `spreadDiagonal`, of which only what lies on the diagonals is asked for. */
const spreads = new WeakSet<Value>();

/**
 * Depthwise weights [C·f, 1, kh, kw] as those of a convolution of `group` groups of q = C/group channels, [C·f, q, kh, kw]:
 * each filter reads its own channel of the q and none of the others. ONNX writes the number of groups into the graph, so a
 * depthwise convolution whose channels are known only at run time must be one of this kind; it is as fast, since few
 * channels at a time suit a product better than one. `identity` is the identity matrix [q, q].
 */
export function spreadDiagonal(w: Value, group: number, filters: number, identity: Value): Value {
  const [outputs, , kh, kw] = w.shape as [Dim, Dim, number, number];
  const q = identity.shape[0]!;
  const each: Dim[] = filters === 1 ? [] : [filters];
  const ones: Dim[] = filters === 1 ? [] : [1];
  const own = reshape(w, [group, q, ...each, 1, kh * kw], identity);
  const spread = mul(own, reshape(identity, [q, ...ones, q, 1], identity));
  const result = reshape(spread, [outputs, q, kh, kw], w, identity);
  spreads.add(result);
  return result;
}

/** Whether a depthwise convolution stands behind weights of several channels for each filter. */
export function isSpread(w: Value): boolean {
  return spreads.has(w);
}

/** The widest image whose rows are multiplied with each other: beyond it too many of the products are thrown away. */
const widestRow = 160;

/** Whether `depthwiseByRows` applies. */
export function suitsRows(x: Value, dy: Value, g: ConvGeometry): boolean {
  const [rows, columns] = dy.shape.slice(2);
  const plain = [...g.strides, ...g.dilations].every((s) => s === 1) && g.pads.every((p) => p >= 0);
  const known = [...x.shape.slice(2), rows, columns].every((d) => typeof d === 'number');
  return plain && known && (columns as number) <= widestRow;
}

/**
 * Gradient of a depthwise convolution for its weights, dw[c,u,v] = Σ dy[n,c,p,q] · x[n,c,p+u,q+v], by products of whole rows:
 * for each kernel row u, Mᵤ[c] = Xᵤᵀ·dY sums over pictures and rows for every pair of columns, and dw[c,u,v] is the sum of
 * its v-th diagonal. More is multiplied than needed, but nothing is copied for each tap. Returns [C, 1, kh, kw].
 */
export function depthwiseByRows(x: Value, dy: Value, g: ConvGeometry): Value {
  const { graph } = x;
  const [kh, kw] = g.kernel;
  const [n, channels, rows, columns] = dy.shape as [Dim, Dim, number, number];
  const padded = pad(x, [0, 0, g.pads[0], g.pads[1], 0, 0, g.pads[2], g.pads[3]]);
  const across = padded.shape[3] as number;
  const all = channelsFirst(padded);
  const dyRows = reshape(channelsFirst(dy), [channels, mulDim(n, rows), columns], dy);
  const products = Array.from({ length: kh }, (_, u) => {
    const run = slice(all, [2], [u], [u + rows]);
    return matMul(swapLast(reshape(run, [channels, mulDim(n, rows), across], dy)), dyRows);
  });
  const pairs = reshape(concat(products, 1), [channels, kh, across * columns], dy);
  return reshape(matMul(pairs, diagonals(graph, across, columns, kw)), [channels, 1, kh, kw], dy);
}

/** [across·columns, taps]: column v marks the pairs (q + v, q). */
function diagonals(graph: Graph, across: number, columns: number, taps: number): Value {
  return graph.sharedConstant(`diagonals${across}_${columns}_${taps}`, () => {
    const data = new Float32Array(across * columns * taps);
    for (let q = 0; q < columns; q++)
      for (let v = 0; v < taps; v++) data[((q + v) * columns + q) * taps + v] = 1;
    return float32([across * columns, taps], data);
  });
}

/**
 * Gradient for weights spread by `spreadDiagonal`: that of the depthwise weights, the same in all q places of a filter. Only
 * the one on the diagonal reaches them.
 */
export function spreadGradient(x: Value, dy: Value, w: Value, g: ConvGeometry): Value {
  return expandTo(depthwiseByRows(x, dy, g), w);
}

function channelsFirst(x: Value): Value {
  const [n, c, ...rest] = x.shape as [Dim, Dim, ...Dim[]];
  return n === 1 ? reshape(x, [c, 1, ...rest], x) : transpose(x, [1, 0, 2, 3]);
}
