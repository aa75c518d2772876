import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { symmetricEigenvalues } from '../../../src/metrics/algebra/linalg.ts';
import { type Matrix, product, type Transposed } from '../../../src/metrics/algebra/matrix.ts';
import { semidefiniteRoot } from '../../../src/metrics/algebra/semidefinite-root.ts';
import { singularValues, transpose } from '../../../src/metrics/algebra/singular-values.ts';
import { type Features, inMemory, selected } from '../../../src/metrics/features.ts';
import { centre } from '../../../src/metrics/moments.ts';
import { randomState } from '../../../src/util/mt19937.ts';
import { rng } from '../../../src/util/rng.ts';
import { normal } from '../metric-data.ts';

function random(rows: number, columns: number, seed: number): Matrix {
  const state = randomState(seed);
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => state.randn()) };
}

const diagonal = (values: readonly number[]): Matrix => {
  const n = values.length;
  const data = new Float64Array(n * n);
  for (const [i, value] of values.entries()) data[i * n + i] = value;
  return { rows: n, columns: n, data };
};

/** Random orthogonal columns by Gram–Schmidt, twice for good measure. */
function orthogonal(n: number, seed: number): Matrix {
  const { data } = random(n, n, seed);
  for (let pass = 0; pass < 2; pass++) {
    for (let i = 0; i < n; i++) {
      const row = data.subarray(i * n, (i + 1) * n);
      for (let k = 0; k < i; k++) {
        const other = data.subarray(k * n, (k + 1) * n);
        const along = row.reduce((sum, x, j) => sum + x * other[j]!, 0);
        for (let j = 0; j < n; j++) row[j]! -= along * other[j]!;
      }
      const length = Math.hypot(...row);
      for (let j = 0; j < n; j++) row[j]! /= length;
    }
  }
  return { rows: n, columns: n, data };
}

const small = fc.tuple(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 0, max: 2 ** 31 }));

describe('products', () => {
  it.each<[Transposed, number]>([
    ['neither', 40],
    ['left', 40],
    ['right', 40],
    ['neither', 5],
    ['left', 5],
    ['right', 5],
  ])('with %s transposed equal sums of products, of size %i', async (transposed, n) => {
    const [rows, inner, columns] = [n, n + 3, n - 2];
    const a = random(rows, inner, 1);
    const b = random(inner, columns, 2);
    const expected = Float64Array.from({ length: rows * columns }, (_, o) => {
      const [i, j] = [Math.floor(o / columns), o % columns];
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += a.data[i * inner + k]! * b.data[k * columns + j]!;
      return sum;
    });
    const left = transposed === 'left' ? transpose(a) : a;
    const right = transposed === 'right' ? transpose(b) : b;
    const { data, ...size } = await product(left, right, transposed);
    expect(size).toEqual({ rows, columns });
    expect(data).toBeAllclose(expected, { atol: 1e-12, rtol: 1e-12 });
  });

  it('of matrices that do not fit are refused', async () => {
    await expect(product(random(2, 3, 1), random(2, 3, 1))).rejects.toThrow('equal inner sizes');
  });
});

describe('eigenvalues of symmetric matrices', () => {
  it('are those the matrix was made of, over sixteen orders of magnitude', async () => {
    const values = [1e-8, 1e-4, 0.5, 0.5, 1, 3, 1e4, 1e8];
    const q = orthogonal(8, 3);
    const matrix = await product(await product(q, diagonal(values)), q, 'right');
    expect(symmetricEigenvalues(matrix)).toBeAllclose(values, { atol: 1e-7, rtol: 1e-15 });
  });

  it('of a diagonal matrix are its diagonal, of zeros 0', () => {
    expect([...symmetricEigenvalues(diagonal([3, -1, 2]))]).toEqual([-1, 2, 3]);
    expect([...symmetricEigenvalues(diagonal([0, 0, 0, 0]))]).toEqual([0, 0, 0, 0]);
  });

  it('keep trace and sum of squares', () => {
    fc.assert(
      fc.property(small, ([n, seed]) => {
        const { data } = random(n, n, seed);
        for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) data[j * n + i] = data[i * n + j]!;
        const values = symmetricEigenvalues({ rows: n, columns: n, data });
        let [trace, squares] = [0, 0];
        for (let i = 0; i < n; i++) trace += data[i * n + i]!;
        for (const x of data) squares += x * x;
        const sums = [values.reduce((sum, x) => sum + x, 0), values.reduce((sum, x) => sum + x * x, 0)];
        expect(sums).toBeAllclose([trace, squares], { atol: 1e-11, rtol: 1e-12 });
      }),
      { numRuns: 40 },
    );
  });

  it('of a matrix with NaN are refused', () => {
    expect(() => symmetricEigenvalues(diagonal([1, Number.NaN]))).toThrow('finite numbers');
  });
});

describe('roots of semi-definite matrices', () => {
  it('have the matrix as their square and its rank', async () => {
    await fc.assert(
      fc.asyncProperty(small, fc.integer({ min: 1, max: 24 }), async ([n, seed], columns) => {
        const a = random(n, columns, seed);
        const matrix = await product(a, a, 'right');
        const { factor, rank, residue } = await semidefiniteRoot(matrix);
        expect(rank).toBe(Math.min(n, columns));
        expect(Math.abs(residue)).toBeLessThan(1e-12);
        const again = await product(factor, factor, 'right');
        expect(again.data).toBeAllclose(matrix.data, { atol: 1e-11, rtol: 1e-12 });
      }),
      { numRuns: 40 },
    );
  });

  it('are right when they take several rounds of pivots', async () => {
    const a = random(200, 150, 4);
    const matrix = await product(a, a, 'right');
    const { factor, rank } = await semidefiniteRoot(matrix);
    expect(rank).toBe(150);
    const again = await product(factor, factor, 'right');
    expect(again.data).toBeAllclose(matrix.data, { atol: 1e-11, rtol: 0 });
  });

  it('of zeros have rank 0', async () => {
    expect((await semidefiniteRoot(diagonal([0, 0]))).rank).toBe(0);
  });
});

describe('singular values', () => {
  it('are the roots of eigenvalues, of wide and of tall matrices', async () => {
    await fc.assert(
      fc.asyncProperty(small, fc.integer({ min: 1, max: 24 }), async ([n, seed], columns) => {
        const a = random(n, columns, seed);
        const values = singularValues(a);
        const gram = n <= columns ? await product(a, a, 'right') : await product(a, a, 'left');
        const expected = symmetricEigenvalues(gram).reverse();
        expect(values.map((x) => x * x)).toBeAllclose(expected, { atol: 1e-10, rtol: 1e-10 });
        expect(singularValues(transpose(a))).toBeAllclose(values, { atol: 1e-12, rtol: 1e-12 });
      }),
      { numRuns: 40 },
    );
  });

  it('are exact to the machine epsilon times the largest where roots of squares would not be', async () => {
    const values = [1, 1e-3, 1e-9, 1e-12, 0];
    const matrix = await product(await product(orthogonal(5, 1), diagonal(values)), orthogonal(5, 2));
    expect(singularValues(matrix)).toBeAllclose(values, { atol: 2e-15, rtol: 0 });
  });

  it('are found of many that are zero together, as pictures drawn with repeats have', async () => {
    // One of the draws for which iterations that wait for less than rounding never end.
    const stream = rng(0, 'bootstrap', 6);
    const draws = Uint32Array.from({ length: 313 }, () => stream.int(0, 312));
    const drawn = selected(normal(3, 313, 512), draws);
    const rows = async (from: Features) => {
      const matrix = await inMemory(from);
      centre(matrix);
      return { ...matrix, data: matrix.data.map((x) => x * (1 / Math.sqrt(312))) };
    };
    const products = await product(await rows(normal(1, 313, 512)), await rows(drawn), 'right');
    const values = singularValues(products);
    const squares = (list: Float64Array) => list.reduce((total, x) => total + x * x, 0);
    expect([squares(values)]).toBeAllclose([squares(products.data)], { rtol: 1e-12, atol: 0 });
    expect(values.filter((x) => x > 1e-12 * values[0]!).length).toBe(new Set(draws).size - 1);
  });
});
