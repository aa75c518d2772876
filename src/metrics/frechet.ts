import { GanletError } from '../util/errors.ts';
import { symmetricEigenvalues } from './algebra/linalg.ts';
import { type Matrix, product } from './algebra/matrix.ts';
import { semidefiniteRoot } from './algebra/semidefinite-root.ts';
import { singularValues, transpose } from './algebra/singular-values.ts';
import { type Features, inMemory, needComparable } from './features.ts';
import { centre, type Moments, momentsOf } from './moments.ts';

/** A Fréchet distance with what it is made of and how far it can be trusted. */
export interface FrechetDistance {
  /** |μr − μf|² + tr Σr + tr Σf − 2 tr (Σr Σf)^½; a tiny negative result of rounding is 0, see `clamped`. */
  value: number;
  meanTerm: number;
  traceReal: number;
  traceFake: number;
  /** tr (Σr Σf)^½. */
  traceRoot: number;
  /** The negative value that was set to 0 because rounding explains it (less than 1e-3 of the traces), else null. */
  clamped: number | null;
  /** Where `traceRoot` comes from: singular values are exact, roots of eigenvalues right to some 1e-6 where covariances are singular. */
  method: 'eigenvalues' | 'singular values';
  /** Numerical rank of the real covariance; null where the features themselves were used and it had not to be found. */
  rankReal: number | null;
  /** What was cut off as rounding before taking roots, a sum of eigenvalues: about 0. */
  clampedMass: number;
  countReal: number | null;
  countFake: number | null;
  dimension: number;
  warnings: string[];
}

/** Up to this many dimensions the exact way is quick enough. */
const exactDimensions = 768;

/**
 * The distance between two Gaussians of these moments, real first (Fréchet distance; Heusel et al. 2017 for FID).
 *
 * With Σr = KKᵀ and Σf = LLᵀ, tr (Σr Σf)^½ is the sum of the singular values of KᵀL, or of the roots of the eigenvalues of KᵀΣfK:
 * nothing complex appears and no ε is added. Singular values are exact also for singular covariances; above 768 dimensions
 * they would take too long (2048: some 20 s against 4 s), and eigenvalues are taken, for which null directions of a covariance add
 * errors of up to some 1e-6; `frechetFromFeatures` has none. Throws FEATURES_MISMATCH.
 */
export async function frechetFromMoments(real: Moments, fake: Moments): Promise<FrechetDistance> {
  const d = real.dimension;
  if (fake.dimension !== d || fake.ddof !== real.ddof) {
    throw new GanletError(
      'FEATURES_MISMATCH',
      `real and fake statistics must agree in dimension and divisor, got ${d} and ${fake.dimension} dimensions, N − ${real.ddof} and N − ${fake.ddof}`,
      { hint: 'measure both with the same feature network, layer and ddof' },
    );
  }
  const terms = {
    meanTerm: squaredDistance(real.mean, fake.mean),
    traceReal: trace(real),
    traceFake: trace(fake),
  };
  const root = await semidefiniteRoot(square(real.covariance, d));
  if (Math.min(d, root.rank) <= exactDimensions) {
    const other = await semidefiniteRoot(square(fake.covariance, d));
    const values = singularValues(await product(root.factor, other.factor, 'left'));
    const clampedMass = root.residue + other.residue;
    const numerics = { method: 'singular values' as const, rankReal: root.rank, clampedMass };
    return distance({ ...terms, traceRoot: sum(values) }, real, fake, numerics);
  }
  const half = await product(square(fake.covariance, d), root.factor);
  const inner = await product(root.factor, half, 'left');
  symmetrise(inner);
  // Pivoting put large rows first; the reduction keeps more digits of small eigenvalues when they come last.
  inner.data.reverse();
  let [traceRoot, clampedMass] = [0, root.residue];
  for (const value of symmetricEigenvalues(inner)) {
    if (value > 0) traceRoot += Math.sqrt(value);
    else clampedMass -= value;
  }
  return distance({ ...terms, traceRoot }, real, fake, {
    method: 'eigenvalues',
    rankReal: root.rank,
    clampedMass,
  });
}

/**
 * The distance between Gaussians fitted to features. With more rows than dimensions on both sides this is
 * `frechetFromMoments`. Otherwise, with A and B the centred features over the roots of their divisors, tr (Σr Σf)^½ is the sum
 * of the singular values of ABᵀ: a matrix of the counts' size, exact where the covariances are singular.
 * Throws FEATURES_MISMATCH, and TOO_FEW_PICTURES for fewer than two pictures.
 */
export async function frechetFromFeatures(
  real: Features,
  fake: Features,
  { ddof = 1 }: { ddof?: 0 | 1 } = {},
): Promise<FrechetDistance> {
  needComparable(real, fake, 2);
  if (Math.min(real.count, fake.count) > real.dimension) {
    return frechetFromMoments(await momentsOf(real, ddof), await momentsOf(fake, ddof));
  }
  const [a, b] = [await rootRows(real, ddof), await rootRows(fake, ddof)];
  const values = singularValues(await product(a.matrix, b.matrix, 'right'));
  const terms = {
    meanTerm: squaredDistance(a.mean, b.mean),
    traceReal: sumOfSquares(a.matrix.data),
    traceFake: sumOfSquares(b.matrix.data),
    traceRoot: sum(values),
  };
  return distance(terms, real, fake, { method: 'singular values', rankReal: null, clampedMass: 0 });
}

/** A matrix A with AᵀA the covariance: the centred, scaled features themselves, or, of very many, a root of the covariance. */
async function rootRows(all: Features, ddof: 0 | 1): Promise<{ matrix: Matrix; mean: Float64Array }> {
  if (all.count > 2 * all.dimension) {
    const { mean, covariance, dimension } = await momentsOf(all, ddof);
    return { mean, matrix: transpose((await semidefiniteRoot(square(covariance, dimension))).factor) };
  }
  const matrix = await inMemory(all);
  const mean = centre(matrix);
  const factor = 1 / Math.sqrt(all.count - ddof);
  for (let i = 0; i < matrix.data.length; i++) matrix.data[i]! *= factor;
  return { matrix, mean };
}

/** Below this share of the traces a negative distance is rounding; beyond it something is wrong and the value is shown. */
const roundingShare = 1e-3;

function distance(
  terms: { meanTerm: number; traceReal: number; traceFake: number; traceRoot: number },
  real: { count: number | null; dimension: number },
  fake: { count: number | null },
  numerics: Pick<FrechetDistance, 'method' | 'rankReal' | 'clampedMass'>,
): FrechetDistance {
  const traces = terms.traceReal + terms.traceFake;
  const exact = terms.meanTerm + (traces - 2 * terms.traceRoot);
  if (!Number.isFinite(exact)) {
    throw new GanletError(
      'METRIC_NUMERICS',
      'a Fréchet distance must be finite, these features have too large values',
    );
  }
  const rounding = exact < 0 && -exact < roundingShare * traces;
  return {
    value: rounding ? 0 : exact,
    ...terms,
    clamped: rounding ? exact : null,
    ...numerics,
    countReal: real.count,
    countFake: fake.count,
    dimension: real.dimension,
    warnings: countWarnings(real.count, fake.count, real.dimension),
  };
}

/** What the numbers of pictures mean for a Fréchet distance of this dimension; one sentence each. */
export function countWarnings(
  countReal: number | null,
  countFake: number | null,
  dimension: number,
): string[] {
  const known = [countReal, countFake].filter((n) => n !== null);
  if (known.length === 0) return [];
  const least = Math.min(...known);
  const many = dimension === 1 ? '1 dimension' : `${dimension} dimensions`;
  if (least < 100) {
    return [
      `${least} pictures are too few for any distance between distributions; compare pictures in pairs instead`,
    ];
  }
  if (least <= dimension) {
    return [
      `${least} pictures in ${many}: the distance is mostly sample noise; use KID, or features of fewer dimensions`,
    ];
  }
  if (least < 10 * dimension || (dimension >= 2048 && least < 10_000)) {
    return [
      `${least} pictures in ${many} make the distance too large; compare only equal counts, or use KID or the distance extrapolated to infinitely many`,
    ];
  }
  return [];
}

/** A d × d matrix over existing numbers. */
export function square(data: Float64Array, d: number): Matrix {
  return { rows: d, columns: d, data };
}

function symmetrise({ rows, data }: Matrix): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) data[i * rows + j] = (data[i * rows + j]! + data[j * rows + i]!) / 2;
  }
}

function trace({ covariance, dimension }: Moments): number {
  let total = 0;
  for (let i = 0; i < dimension; i++) total += covariance[i * dimension + i]!;
  return total;
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i]! - b[i]!) ** 2;
  return total;
}

function sum(values: Float64Array): number {
  return values.reduce((total, x) => total + x, 0);
}

function sumOfSquares(data: Float64Array): number {
  let total = 0;
  for (let i = 0; i < data.length; i++) total += data[i]! * data[i]!;
  return total;
}
