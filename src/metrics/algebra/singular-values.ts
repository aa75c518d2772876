import { implicitQl } from './linalg.ts';
import type { Matrix } from './matrix.ts';

/**
 * Singular values of a matrix, largest first, min(rows, columns) of them. Householder reduction to bidiagonal form; its
 * singular values are the non-negative half of the eigenvalues ±σ of the tridiagonal matrix with zero diagonal and the
 * bidiagonal's elements beside it (Golub and Kahan 1965). Nothing is squared, so each is right to the machine epsilon times the
 * largest, where roots of the eigenvalues of AᵀA would be right only to the root of that.
 */
export function singularValues(matrix: Matrix): Float64Array {
  const { rows, columns, data } = matrix.rows >= matrix.columns ? matrix : transpose(matrix);
  if (columns === 0) return new Float64Array(0);
  const beside = bidiagonal(Float64Array.from(data), rows, columns);
  const values = new Float64Array(2 * columns);
  implicitQl(values, beside);
  return values.sort().reverse().subarray(0, columns).map(Math.abs);
}

export function transpose({ rows, columns, data }: Matrix): Matrix {
  const turned = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j]!;
  }
  return { rows: columns, columns: rows, data: turned };
}

/** The bidiagonal's elements d0, e0, d1, e1, … from index 1 on; `a` (rows ≥ columns) is used up. */
function bidiagonal(a: Float64Array, rows: number, columns: number): Float64Array {
  const found = new Float64Array(2 * columns);
  const left = new Float64Array(rows);
  const right = new Float64Array(columns);
  const sums = new Float64Array(columns);
  for (let k = 0; k < columns; k++) {
    for (let i = k; i < rows; i++) left[i] = a[i * columns + k]!;
    const column = reflector(left, k, rows);
    found[2 * k + 1] = column.length;
    if (column.scale > 0) {
      sums.fill(0, k);
      for (let i = k; i < rows; i++) addScaled(sums, k + 1, columns, left[i]!, a, i * columns);
      for (let i = k; i < rows; i++)
        subtractScaled(a, i * columns, k + 1, columns, left[i]! * column.scale, sums);
    }
    if (k + 1 >= columns) break;
    for (let j = k + 1; j < columns; j++) right[j] = a[k * columns + j]!;
    const across = reflector(right, k + 1, columns);
    found[2 * k + 2] = across.length;
    if (across.scale === 0) continue;
    for (let i = k + 1; i < rows; i++) {
      const sum = across.scale * partialDot(a, i * columns, k + 1, columns, right);
      subtractScaled(a, i * columns, k + 1, columns, sum, right);
    }
  }
  return found;
}

/** The three inner loops are functions of their own, which compilers take to machine code early. */
function addScaled(
  sums: Float64Array,
  from: number,
  to: number,
  factor: number,
  a: Float64Array,
  row: number,
): void {
  for (let j = from; j < to; j++) sums[j]! += factor * a[row + j]!;
}

function subtractScaled(
  a: Float64Array,
  row: number,
  from: number,
  to: number,
  factor: number,
  x: Float64Array,
): void {
  for (let j = from; j < to; j++) a[row + j]! -= factor * x[j]!;
}

function partialDot(a: Float64Array, row: number, from: number, to: number, x: Float64Array): number {
  let [even, odd] = [0, 0];
  let j = from;
  for (; j + 1 < to; j += 2) {
    even += a[row + j]! * x[j]!;
    odd += a[row + j + 1]! * x[j + 1]!;
  }
  if (j < to) even += a[row + j]! * x[j]!;
  return even + odd;
}

/**
 * Turns x[from..to) into the vector u of the reflection 1 − scale·u·uᵀ that takes x to a multiple `length` of its first axis;
 * scale 0 where there is nothing to do.
 */
function reflector(x: Float64Array, from: number, to: number): { length: number; scale: number } {
  let largest = 0;
  for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(x[i]!));
  if (largest === 0) return { length: 0, scale: 0 };
  let square = 0;
  for (let i = from; i < to; i++) {
    x[i]! /= largest;
    square += x[i]! * x[i]!;
  }
  const first = x[from]!;
  const signed = first > 0 ? -Math.sqrt(square) : Math.sqrt(square);
  x[from] = first - signed;
  return { length: signed * largest, scale: 1 / (square - first * signed) };
}
