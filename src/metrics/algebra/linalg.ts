import { GanletError } from '../../util/errors.ts';
import type { Matrix } from './matrix.ts';

/**
 * Eigenvalues of a symmetric matrix in ascending order; only the lower triangle is read. Householder reduction to tridiagonal
 * form, then implicit QL (Golub and Van Loan, "Matrix Computations", §8.3). The error of each is a small multiple of the
 * machine epsilon times the largest. About 3 s for 2048 × 2048. Throws METRIC_NUMERICS when an element is not finite.
 */
export function symmetricEigenvalues({ rows: n, data }: Matrix): Float64Array {
  const triangle = packed(data, n);
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  tridiagonalise(triangle, n, diagonal, beside);
  implicitQl(diagonal, beside);
  return diagonal.sort();
}

/** The rows of the lower triangle one after the other: half the memory to go through. */
function packed(data: Float64Array, n: number): Float64Array {
  const triangle = new Float64Array((n * (n + 1)) / 2);
  for (let i = 0; i < n; i++) triangle.set(data.subarray(i * n, i * n + i + 1), (i * (i + 1)) / 2);
  return triangle;
}

/**
 * Takes off one row at a time from the end. The rank-two update of a step and the product the next step needs, A·v, are done
 * in one pass, so that the triangle is read once a step: the reduction is bound by memory.
 */
function tridiagonalise(a: Float64Array, n: number, diagonal: Float64Array, beside: Float64Array): void {
  let v = new Float64Array(n);
  let w = new Float64Array(n);
  let u = new Float64Array(n);
  let p = new Float64Array(n);
  for (let m = n - 1; m >= 0; m--) {
    const last = (m * (m + 1)) / 2;
    const [vm, wm] = [v[m]!, w[m]!];
    for (let j = 0; j <= m; j++) a[last + j]! -= vm * w[j]! + wm * v[j]!;
    diagonal[m] = a[last + m]!;
    if (m === 0) break;
    // The reflector that turns row m, without its diagonal, into a multiple of its last element.
    let largest = 0;
    for (let j = 0; j < m; j++) largest = Math.max(largest, Math.abs(a[last + j]!));
    let square = 0;
    if (largest > 0) {
      for (let j = 0; j < m; j++) {
        u[j] = a[last + j]! / largest;
        square += u[j]! * u[j]!;
      }
    } else u.fill(0, 0, m);
    const alpha = u[m - 1]!;
    const norm = Math.sqrt(square);
    const signed = alpha > 0 ? -norm : norm;
    beside[m] = signed * largest;
    const half = square - alpha * signed;
    if (half > 0) u[m - 1]! -= signed;
    const scale = half > 0 ? 1 / half : 0;
    p.fill(0, 0, m);
    if (m % 2 === 1) updateFirst(a, v, w, u, p);
    for (let i = m % 2; i < m; i += 2) updateTwoRows(a, i, v, w, u, p);
    let projection = 0;
    for (let j = 0; j < m; j++) {
      p[j]! *= scale;
      projection += p[j]! * u[j]!;
    }
    const correction = (projection * scale) / 2;
    for (let j = 0; j < m; j++) p[j]! -= correction * u[j]!;
    [v, u] = [u, v];
    [w, p] = [p, w];
  }
}

/** `updateTwoRows` for row 0 alone. */
function updateFirst(
  a: Float64Array,
  v: Float64Array,
  w: Float64Array,
  u: Float64Array,
  p: Float64Array,
): void {
  a[0]! -= 2 * v[0]! * w[0]!;
  p[0]! += a[0]! * u[0]!;
}

/** Rows i and i + 1 of A − v·wᵀ − w·vᵀ, and their part of p = A·u. Two at a time share what they read of the vectors. */
function updateTwoRows(
  a: Float64Array,
  i: number,
  v: Float64Array,
  w: Float64Array,
  u: Float64Array,
  p: Float64Array,
): void {
  const row = (i * (i + 1)) / 2;
  const below = row + i + 1;
  const [v0, w0, u0] = [v[i]!, w[i]!, u[i]!];
  const [v1, w1, u1] = [v[i + 1]!, w[i + 1]!, u[i + 1]!];
  let sum0 = 0;
  let sum1 = 0;
  for (let j = 0; j < i; j++) {
    const vj = v[j]!;
    const wj = w[j]!;
    const uj = u[j]!;
    const x0 = a[row + j]! - v0 * wj - w0 * vj;
    const x1 = a[below + j]! - v1 * wj - w1 * vj;
    a[row + j] = x0;
    a[below + j] = x1;
    sum0 += x0 * uj;
    sum1 += x1 * uj;
    p[j]! += x0 * u0 + x1 * u1;
  }
  const corner = a[row + i]! - 2 * v0 * w0;
  const beside = a[below + i]! - v1 * w0 - w1 * v0;
  const end = a[below + i + 1]! - 2 * v1 * w1;
  a[row + i] = corner;
  a[below + i] = beside;
  a[below + i + 1] = end;
  p[i]! += sum0 + corner * u0 + beside * u1;
  p[i + 1]! += sum1 + beside * u0 + end * u1;
}

/**
 * Eigenvalues of the tridiagonal matrix with this diagonal and, beside its element i, `beside[i]` (i ≥ 1), in place and in no
 * order. Implicit QL with Wilkinson's shift.
 */
export function implicitQl(diagonal: Float64Array, beside: Float64Array): void {
  const n = diagonal.length;
  const d = diagonal;
  const e = new Float64Array(n + 1);
  for (let i = 1; i < n; i++) e[i - 1] = beside[i]!;
  if (!d.every(Number.isFinite) || !e.every(Number.isFinite)) {
    throw new GanletError('METRIC_NUMERICS', 'a covariance must hold finite numbers, it does not', {
      hint: 'look for NaN or infinity in the features',
    });
  }
  // What is far below rounding of the whole is zero, or rows that should be zero would go on being sorted out.
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(d[i]!), Math.abs(e[i]!));
  const negligible = (Number.EPSILON / 64) * largest;
  for (let l = 0; l < n; l++) {
    for (let iteration = 0; ; iteration++) {
      // Where zeros come many together, rotations keep leaving rounding of the whole among them: then that is taken as zero.
      const zero = iteration < 30 ? negligible : (iteration < 60 ? 1 : 4) * Number.EPSILON * largest;
      let m = l;
      for (; m < n - 1; m++) {
        const size = Math.abs(d[m]!) + Math.abs(d[m + 1]!);
        if (Math.abs(e[m]!) <= Math.max(Number.EPSILON * size, zero)) break;
      }
      if (m === l) break;
      if (iteration === 100) {
        throw new GanletError(
          'METRIC_NUMERICS',
          'the eigenvalues of a covariance must converge, they do not',
        );
      }
      let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
      let r = Math.hypot(g, 1);
      g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r));
      let [s, c, p] = [1, 1, 0];
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i]!;
        const b = c * e[i]!;
        r = Math.abs(f) + Math.abs(g) > 1e-140 ? Math.sqrt(f * f + g * g) : Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1]! -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1]! - p;
        r = (d[i]! - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
      }
      if (r === 0 && i >= l) continue;
      d[l]! -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
}
