import { mayEqual } from '../graph/dims.ts';
import type { Dim, Value } from '../graph/graph.ts';
import { showShape } from '../graph/graph.ts';
import { broadcastShapes } from './broadcast.ts';
import { mul } from './elementwise.ts';
import { transpose } from './layout.ts';
import type { Op } from './op.ts';
import { emit, need, needRank, num, shapeError } from './op.ts';

/** The last two axes exchanged. */
export function swapLast(x: Value): Value {
  const rank = x.shape.length;
  const perm = Array.from({ length: rank }, (_, i) => i);
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  return transpose(x, perm);
}

// Y = A·B (batched over leading axes): dA = dY·Bᵀ, dB = Aᵀ·dY
export const MatMul: Op = {
  type: 'MatMul',
  infer(view) {
    const [a, b] = [need(view, 0), need(view, 1)];
    if (a.shape.length < 2 || b.shape.length < 2)
      throw shapeError(
        view,
        `operands must have at least 2 axes, got ${showShape(a.shape)} and ${showShape(b.shape)}`,
      );
    const [m, k] = a.shape.slice(-2) as [Dim, Dim];
    const [k2, n] = b.shape.slice(-2) as [Dim, Dim];
    if (!mayEqual(k, k2))
      throw shapeError(
        view,
        `inner sizes must be equal, got ${showShape(a.shape)} and ${showShape(b.shape)}`,
      );
    const batch = broadcastShapes(view, [a.shape.slice(0, -2), b.shape.slice(0, -2)]);
    return [{ dtype: a.dtype, shape: [...batch, m, n] }];
  },
  gradient: ({ dy, inputs: [a, b], needs }) => [
    needs(0) ? matMul(dy, swapLast(b!)) : null,
    needs(1) ? matMul(swapLast(a!), dy) : null,
  ],
  macs: (view) => {
    const k = need(view, 0).shape.at(-1) as number;
    return (view.outputs![0]!.shape as number[]).reduce((n, d) => n * d, 1) * k;
  },
  channels: ({ inputs: [a, b], outputs: [y] }) => {
    const [ra, rb, ry] = [a!.shape.length, b!.shape.length, y!.shape.length];
    return [
      {
        kind: 'tie',
        axes: [
          { value: a!, axis: ra - 1 },
          { value: b!, axis: rb - 2 },
        ],
      },
      {
        kind: 'tie',
        axes: [
          { value: a!, axis: ra - 2 },
          { value: y!, axis: ry - 2 },
        ],
      },
      {
        kind: 'tie',
        axes: [
          { value: b!, axis: rb - 1 },
          { value: y!, axis: ry - 1 },
        ],
      },
    ];
  },
};

// Y = α·A′·B′ + β·C, A′ = Aᵀ when transA: dA′ = α·dY·B′ᵀ, dB′ = α·A′ᵀ·dY, dC = β·dY
export const Gemm: Op = {
  type: 'Gemm',
  defaults: { alpha: 1, beta: 1, transA: 0, transB: 0 },
  infer(view) {
    const a = needRank(view, 0, 2);
    const b = needRank(view, 1, 2);
    const [m, k] = num(view.attributes, 'transA', 0) ? [a[1]!, a[0]!] : [a[0]!, a[1]!];
    const [k2, n] = num(view.attributes, 'transB', 0) ? [b[1]!, b[0]!] : [b[0]!, b[1]!];
    if (!mayEqual(k, k2)) throw shapeError(view, `inner sizes must be equal, got ${k} and ${k2}`);
    return [{ dtype: need(view, 0).dtype, shape: [m, n] }];
  },
  gradient: ({ dy, inputs: [a, b, c], attributes, needs }) => {
    const [tA, tB] = [num(attributes, 'transA', 0) === 1, num(attributes, 'transB', 0) === 1];
    const alpha = num(attributes, 'alpha', 1);
    const beta = num(attributes, 'beta', 1);
    const dy1 = alpha === 1 ? dy : mul(dy, alpha);
    const [a1, b1] = [tA ? swapLast(a!) : a!, tB ? swapLast(b!) : b!];
    const da = needs(0) ? matMul(dy1, swapLast(b1)) : null;
    const db = needs(1) ? matMul(swapLast(a1), dy1) : null;
    return [
      da && (tA ? swapLast(da) : da),
      db && (tB ? swapLast(db) : db),
      c && needs(2) ? (beta === 1 ? dy : mul(dy, beta)) : null,
    ];
  },
  macs: (view) => {
    const a = need(view, 0).shape as number[];
    const k = num(view.attributes, 'transA', 0) ? a[0]! : a[1]!;
    return (view.outputs![0]!.shape as number[]).reduce((n, d) => n * d, 1) * k;
  },
  channels: ({ inputs: [a, b, c], outputs: [y], attributes }) => {
    const [tA, tB] = [num(attributes, 'transA', 0), num(attributes, 'transB', 0)];
    const axes = [
      { value: b!, axis: tB ? 0 : 1 },
      { value: y!, axis: 1 },
    ];
    if (c) axes.push({ value: c, axis: c.shape.length - 1 });
    return [
      {
        kind: 'tie',
        axes: [
          { value: a!, axis: tA ? 0 : 1 },
          { value: b!, axis: tB ? 1 : 0 },
        ],
      },
      {
        kind: 'tie',
        axes: [
          { value: a!, axis: tA ? 1 : 0 },
          { value: y!, axis: 0 },
        ],
      },
      { kind: 'tie', axes },
    ];
  },
};

/** Matrix product over the last two axes, [M, K]·[K, N]; axes before them broadcast. */
export const matMul = (a: Value, b: Value): Value => emit(MatMul, [a, b]);

/** Fully connected layer: x [N, in], w [out, in] as PyTorch keeps it, b [out]. */
export const linear = (x: Value, w: Value, b?: Value): Value =>
  b ? emit(Gemm, [x, w, b], { transB: 1 }) : matMul(x, swapLast(w));
