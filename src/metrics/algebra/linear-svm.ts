import { GanletError } from '../../util/errors.ts';
import { blocks, type Features } from '../features.ts';
import { product } from './matrix.ts';

/** A separating plane: class 1 where weights·x + intercept > 0. */
export interface LinearSvm {
  weights: Float64Array;
  intercept: number;
  /** ½|w|² + ½b² + C·Σ max(0, 1 − y·f)². */
  objective: number;
  /** Newton steps taken. */
  steps: number;
}

const blockRows = 1024;

/**
 * Linear support vector machine with squared hinge loss and L2 penalty on weights and intercept, the problem of scikit-learn's
 * `LinearSVC` defaults, solved in the primal by Newton's method on the set of points within the margin (Keerthi and DeCoste
 * 2005): H = 1 + 2C·AᵀA over that set. Converges in a few steps to rounding. `labels` are 0 or 1. Rows are read in blocks; memory
 * is dimension². Throws TOO_FEW_PICTURES unless both classes are present and METRIC_NUMERICS when it does not converge.
 */
export async function linearSvm(x: Features, labels: ArrayLike<number>, c = 1): Promise<LinearSvm> {
  let ones = 0;
  for (let i = 0; i < x.count; i++) ones += labels[i] === 1 ? 1 : 0;
  if (ones === 0 || ones === x.count) {
    throw new GanletError(
      'TOO_FEW_PICTURES',
      'a separating plane needs points of two classes, all have the same',
      {
        hint: 'leave the attribute out',
      },
    );
  }
  const d = x.dimension + 1;
  let plane = new Float64Array(d);
  let current = await lossAt(x, labels, plane, c);
  for (let steps = 0; steps < 100; steps++) {
    const step = solvePositive(current.hessian, current.gradient, d);
    const decrease = step.reduce((sum, s, i) => sum + s * current.gradient[i]!, 0);
    if (decrease <= 1e-14 * current.objective) {
      return { weights: plane.slice(0, -1), intercept: plane[d - 1]!, objective: current.objective, steps };
    }
    let length = 1;
    let next = moved(plane, step, length);
    let found = await lossAt(x, labels, next, c);
    while (found.objective > current.objective - 1e-4 * length * decrease && length > 1e-6) {
      length /= 2;
      next = moved(plane, step, length);
      found = await lossAt(x, labels, next, c);
    }
    if (found.objective >= current.objective) {
      return { weights: plane.slice(0, -1), intercept: plane[d - 1]!, objective: current.objective, steps };
    }
    plane = next;
    current = found;
  }
  throw new GanletError('METRIC_NUMERICS', 'the separating plane must converge in 100 steps, it does not');
}

/** The class of each row: 1 on the plane's positive side. */
export async function sidesOf(x: Features, { weights, intercept }: LinearSvm): Promise<Uint8Array> {
  const sides = new Uint8Array(x.count);
  for await (const { first, rows, columns, data } of blocks(x, blockRows)) {
    for (let i = 0; i < rows; i++) {
      let value = intercept;
      for (let j = 0; j < columns; j++) value += weights[j]! * data[i * columns + j]!;
      sides[first + i] = value > 0 ? 1 : 0;
    }
  }
  return sides;
}

function moved(from: Float64Array, step: Float64Array, length: number): Float64Array<ArrayBuffer> {
  return Float64Array.from(from, (x, i) => x - length * step[i]!);
}

interface Loss {
  objective: number;
  gradient: Float64Array;
  hessian: Float64Array;
}

async function lossAt(x: Features, labels: ArrayLike<number>, plane: Float64Array, c: number): Promise<Loss> {
  const d = plane.length;
  const gradient = plane.slice();
  const hessian = new Float64Array(d * d);
  for (let i = 0; i < d; i++) hessian[i * d + i] = 1;
  let objective = plane.reduce((sum, w) => sum + w * w, 0) / 2;
  for await (const { first, rows, columns, data } of blocks(x, blockRows)) {
    const active = new Float64Array(rows * d);
    let count = 0;
    for (let i = 0; i < rows; i++) {
      const y = labels[first + i] === 1 ? 1 : -1;
      let value = plane[columns]!;
      for (let j = 0; j < columns; j++) value += plane[j]! * data[i * columns + j]!;
      const lack = 1 - y * value;
      if (lack <= 0) continue;
      objective += c * lack * lack;
      active.set(data.subarray(i * columns, (i + 1) * columns), count * d);
      active[count * d + columns] = 1;
      for (let j = 0; j < d; j++) gradient[j]! -= 2 * c * y * lack * active[count * d + j]!;
      count++;
    }
    if (count === 0) continue;
    const matrix = { rows: count, columns: d, data: active.subarray(0, count * d) };
    const { data: gram } = await product(matrix, matrix, 'left');
    for (let i = 0; i < gram.length; i++) hessian[i]! += 2 * c * gram[i]!;
  }
  return { objective, gradient, hessian };
}

/** Solves A·s = b for symmetric positive definite A, which is used up, by Cholesky decomposition. */
function solvePositive(a: Float64Array, b: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!;
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j]!;
    }
  }
  const s = b.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) s[i]! -= a[i * n + k]! * s[k]!;
    s[i]! /= a[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) s[i]! -= a[k * n + i]! * s[k]!;
    s[i]! /= a[i * n + i]!;
  }
  return s;
}
