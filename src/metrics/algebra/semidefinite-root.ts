import { type Matrix, product } from './matrix.ts';

/** A root of a positive semi-definite matrix, and what was found on the way. */
export interface Root {
  /** n × rank, with `factor·factorᵀ` the matrix but for what rounding explains. */
  factor: Matrix;
  rank: number;
  /** The trace of what is left out (the matrix minus factor·factorᵀ); about 0. */
  residue: number;
}

/** Pivots between two updates of the rest. */
const panel = 64;

/**
 * A root of a symmetric positive semi-definite matrix of any rank: Cholesky with complete pivoting that stops where the
 * largest pivot left is no more than rounding, n·ε of the largest diagonal element (Higham, "Accuracy and Stability of
 * Numerical Algorithms", §10.3). Each row of the factor is that of the same row of the matrix; only the lower triangle is read.
 * The rest of the matrix is brought up to date once in 64 pivots, by a matrix product.
 */
export async function semidefiniteRoot({ rows: n, data }: Matrix): Promise<Root> {
  const rest = data.slice();
  const left = new Float64Array(n);
  for (let i = 0; i < n; i++) left[i] = data[i * n + i]!;
  const tolerance = n * Number.EPSILON * left.reduce((a, b) => Math.max(a, b), 0);
  const factor = new Float64Array(n * n);
  const open = Array.from({ length: n }, (_, i) => i);
  let rank = 0;
  let from = 0;
  for (;;) {
    let best = 0;
    for (let i = 1; i < open.length; i++) if (left[open[i]!]! > left[open[best]!]!) best = i;
    const pivot = open[best] ?? 0;
    if (open.length === 0 || !(left[pivot]! > tolerance)) break;
    open[best] = open[open.length - 1]!;
    open.pop();
    const root = Math.sqrt(left[pivot]!);
    const pivotRow = factor.subarray(pivot * n + from, pivot * n + rank);
    for (const i of open) {
      const value =
        (rest[Math.max(i, pivot) * n + Math.min(i, pivot)]! - dot(pivotRow, factor, i * n + from)) / root;
      factor[i * n + rank] = value;
      left[i]! -= value * value;
    }
    factor[pivot * n + rank++] = root;
    if (rank - from === panel) {
      await takeOff(rest, n, open, factor, from);
      from = rank;
    }
  }
  const residue = open.reduce((sum, i) => sum + left[i]!, 0);
  return { factor: { rows: n, columns: rank, data: narrowed(factor, n, rank) }, rank, residue };
}

/** Subtracts the products of the panel's columns from the rows and columns of the rest that are still open. */
async function takeOff(
  rest: Float64Array,
  n: number,
  open: readonly number[],
  factor: Float64Array,
  from: number,
): Promise<void> {
  const m = open.length;
  const columns = new Float64Array(m * panel);
  for (let i = 0; i < m; i++) {
    const row = open[i]! * n + from;
    columns.set(factor.subarray(row, row + panel), i * panel);
  }
  const matrix = { rows: m, columns: panel, data: columns };
  const { data: products } = await product(matrix, matrix, 'right');
  for (let i = 0; i < m; i++) {
    const a = open[i]!;
    for (let j = 0; j <= i; j++) {
      const b = open[j]!;
      rest[a > b ? a * n + b : b * n + a]! -= products[i * m + j]!;
    }
  }
}

/** Four sums at once: a single one would wait for each addition. */
function dot(a: Float64Array, b: Float64Array, offset: number): number {
  const whole = a.length - (a.length % 4);
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let k = 0; k < whole; k += 4) {
    s0 += a[k]! * b[offset + k]!;
    s1 += a[k + 1]! * b[offset + k + 1]!;
    s2 += a[k + 2]! * b[offset + k + 2]!;
    s3 += a[k + 3]! * b[offset + k + 3]!;
  }
  for (let k = whole; k < a.length; k++) s0 += a[k]! * b[offset + k]!;
  return s0 + s1 + s2 + s3;
}

function narrowed(data: Float64Array, n: number, columns: number): Float64Array {
  if (columns === n) return data;
  const narrow = new Float64Array(n * columns);
  for (let i = 0; i < n; i++) narrow.set(data.subarray(i * n, i * n + columns), i * columns);
  return narrow;
}
