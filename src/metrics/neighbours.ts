import { type Matrix, product } from './algebra/matrix.ts';
import { blocks, type Features } from './features.ts';

const blockRows = 1024;

/** A block of squared distances: rows first, first + 1, … of one set against those of another. */
export interface DistanceBlock {
  firstRow: number;
  firstColumn: number;
  rows: number;
  columns: number;
  squared: Float64Array;
}

/**
 * All squared Euclidean distances between the rows of a and of b, block by block, so that memory does not grow with their
 * numbers. |x|² + |y|² − 2xy in float64, not below 0, and exactly 0 between row i and itself when a and b are the same object.
 */
export async function* squaredDistances(a: Features, b: Features): AsyncGenerator<DistanceBlock> {
  for await (const x of blocks(a, blockRows)) {
    const normsX = squaredNorms(x);
    for await (const y of blocks(b, blockRows)) {
      const normsY = squaredNorms(y);
      const squared = (await product(x, y, 'right')).data;
      for (let i = 0; i < x.rows; i++) {
        const row = i * y.rows;
        for (let j = 0; j < y.rows; j++) {
          squared[row + j] = Math.max(0, normsX[i]! + normsY[j]! - 2 * squared[row + j]!);
        }
      }
      if (a === b && x.first === y.first) for (let i = 0; i < x.rows; i++) squared[i * y.rows + i] = 0;
      yield { firstRow: x.first, firstColumn: y.first, rows: x.rows, columns: y.rows, squared };
    }
  }
}

function squaredNorms({ rows, columns, data }: Matrix): Float64Array {
  const norms = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += data[i * columns + j]! ** 2;
    norms[i] = sum;
  }
  return norms;
}

/**
 * For each row the squared distance to its k-th nearest neighbour in the same set, not counting itself, for each of the given
 * k in ascending order. Only the nearest max(k) are kept for a row.
 */
export async function neighbourRadii(set: Features, ks: readonly number[]): Promise<Float64Array[]> {
  // The row's distance to itself is the smallest, 0, so that the k-th neighbour is element k.
  const kept = Math.max(...ks) + 1;
  const nearest = new Float64Array(set.count * kept).fill(Number.POSITIVE_INFINITY);
  for await (const { firstRow, rows, columns, squared } of squaredDistances(set, set)) {
    for (let i = 0; i < rows; i++) {
      const list = nearest.subarray((firstRow + i) * kept, (firstRow + i + 1) * kept);
      for (let j = 0; j < columns; j++) {
        const distance = squared[i * columns + j]!;
        if (distance < list[kept - 1]!) insert(list, distance);
      }
    }
  }
  return ks.map((k) => Float64Array.from({ length: set.count }, (_, i) => nearest[i * kept + k]!));
}

/** Puts a value into an ascending list, dropping the largest. */
function insert(list: Float64Array, value: number): void {
  let at = list.length - 1;
  for (; at > 0 && list[at - 1]! > value; at--) list[at] = list[at - 1]!;
  list[at] = value;
}
