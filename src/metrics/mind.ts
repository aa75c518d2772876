import { randomState } from '../util/mt19937.ts';
import { rng } from '../util/rng.ts';
import { type Matrix, product } from './algebra/matrix.ts';
import { type Features, inMemory, needComparable, selected } from './features.ts';

/**
 * Monge distance of features by slices: both sets are projected on random directions, the projections sorted, and
 * 3·dimension times their mean squared difference averaged over directions. A shift of all features by m gives 3·d·m². No
 * covariance is needed, so it is cheap at any dimension; like all such distances it is too large for few pictures. The larger
 * set is cut to the size of the smaller by numpy's choice for `seed`. Directions: unit rows, 1000 random ones by default.
 */
export async function slicedDistance(
  real: Features,
  fake: Features,
  { directions, seed = 2020 }: { directions?: Matrix; seed?: number } = {},
): Promise<number> {
  needComparable(real, fake, 1);
  const d = real.dimension;
  const count = Math.min(real.count, fake.count);
  const units = directions ?? randomDirections(1000, d, seed);
  const sortedProjections = async (set: Features) => {
    const part = set.count === count ? set : selected(set, randomState(seed).choice(set.count, count));
    const { data } = await product(units, await inMemory(part), 'right');
    for (let i = 0; i < units.rows; i++) data.subarray(i * count, (i + 1) * count).sort();
    return data;
  };
  const [a, b] = [await sortedProjections(real), await sortedProjections(fake)];
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return (3 * d * sum) / a.length;
}

function randomDirections(rows: number, columns: number, seed: number): Matrix {
  const stream = rng(seed, 'sliced distance');
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * columns, (i + 1) * columns);
    for (let j = 0; j < columns; j++) row[j] = stream.normal();
    const length = Math.hypot(...row);
    for (let j = 0; j < columns; j++) row[j]! /= length;
  }
  return { rows, columns, data };
}
