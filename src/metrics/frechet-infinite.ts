import { GanletError } from '../util/errors.ts';
import { randomState } from '../util/mt19937.ts';
import { type Features, needComparable, selected } from './features.ts';
import { frechetFromMoments } from './frechet.ts';
import { momentsOf } from './moments.ts';

/** A Fréchet distance extrapolated to infinitely many made pictures. */
export interface ExtrapolatedDistance {
  /** Where the line through distance against 1/N meets 1/N = 0. Noisier than the distances it comes from. */
  value: number;
  slope: number;
  /** Share of the distances' variance the line explains; null when they are all equal. */
  r2: number | null;
  /** The numbers of made pictures and the distances at them. */
  points: { count: number; distance: number }[];
  countReal: number;
  countFake: number;
  dimension: number;
}

/**
 * FID∞ (Chong and Forsyth 2020): the distance of all real pictures to random subsets of the made ones, of `sizes` sizes evenly
 * spaced from `smallest` to all, and a least-squares line in 1/N. Only the bias of the made pictures is taken out; the real
 * ones are what they are. `smallest` defaults to 5000, or half of the pictures if they are fewer than 10,000. Each size costs
 * one distance. Throws TOO_FEW_PICTURES when the smallest subset or the real pictures do not exceed the dimension, where the
 * distance is no straight line in 1/N, and RangeError for fewer than 5 sizes.
 */
export async function frechetInfinite(
  real: Features,
  fake: Features,
  {
    sizes = 15,
    smallest = Math.min(5000, Math.floor(fake.count / 2)),
    seed = 2020,
    ddof = 1,
  }: { sizes?: number; smallest?: number; seed?: number; ddof?: 0 | 1 } = {},
): Promise<ExtrapolatedDistance> {
  if (!(sizes >= 5)) throw new RangeError(`an extrapolation needs at least 5 sizes, got ${sizes}`);
  needComparable(real, fake, 2);
  const { dimension } = fake;
  if (smallest <= dimension || real.count <= dimension || fake.count < smallest + sizes) {
    throw new GanletError(
      'TOO_FEW_PICTURES',
      `extrapolating a distance of ${dimension} dimensions needs subsets of more than ${dimension} pictures, got ${fake.count} made ones (smallest subset ${smallest}) and ${real.count} real ones`,
      { hint: 'make more pictures, use features of fewer dimensions, or use KID' },
    );
  }
  const random = randomState(seed);
  const realMoments = await momentsOf(real, ddof);
  const points: { count: number; distance: number }[] = [];
  for (let i = 0; i < sizes; i++) {
    const count = Math.floor(smallest + ((fake.count - smallest) * i) / (sizes - 1));
    const subset = selected(fake, random.choice(fake.count, count));
    const { value, clamped } = await frechetFromMoments(realMoments, await momentsOf(subset, ddof));
    points.push({ count, distance: clamped ?? value });
  }
  const line = fitLine(
    points.map(({ count }) => 1 / count),
    points.map((point) => point.distance),
  );
  return {
    value: line.intercept,
    slope: line.slope,
    r2: line.r2,
    points,
    countReal: real.count,
    countFake: fake.count,
    dimension,
  };
}

/** Least squares for y = intercept + slope·x; x must not be all equal. */
export function fitLine(
  x: readonly number[],
  y: readonly number[],
): { intercept: number; slope: number; r2: number | null } {
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  let [xx, xy, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i]! - mx, y[i]! - my];
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  const slope = xy / xx;
  return { intercept: my - slope * mx, slope, r2: yy > 0 ? (xy * xy) / (xx * yy) : null };
}
