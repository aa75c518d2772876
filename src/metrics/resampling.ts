import { GanletError } from '../util/errors.ts';
import { rng } from '../util/rng.ts';
import { type Features, needComparable, selected } from './features.ts';
import { frechetFromFeatures, frechetFromMoments } from './frechet.ts';
import { type Moments, momentsOf } from './moments.ts';

/** A value and the interval that holds the truth with probability `level`. */
export interface Interval {
  value: number;
  low: number;
  high: number;
  level: number;
  resamples: number;
}

export interface Resampling {
  /** Default 200. */
  resamples?: number;
  /** Default 0.95. */
  level?: number;
  /** Default 0. */
  seed?: number;
}

/**
 * Bootstrap interval of a statistic of `count` items: it is computed again for items drawn with repeats, `resamples` times. The
 * spread of these is put round the value for all items, not round their own mean, because statistics biased by the number of
 * distinct items (all Fréchet distances) come out shifted in every resample. `statistic` is given indices into 0..count − 1.
 */
export async function bootstrapInterval(
  count: number,
  statistic: (indices: Uint32Array) => number | Promise<number>,
  { resamples = 200, level = 0.95, seed = 0 }: Resampling = {},
): Promise<Interval> {
  if (!(resamples >= 20) || !(level > 0 && level < 1)) {
    throw new RangeError(
      `an interval needs at least 20 resamples and a level in (0, 1), got ${resamples}, ${level}`,
    );
  }
  const value = await statistic(Uint32Array.from({ length: count }, (_, i) => i));
  const drawn = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) {
    const stream = rng(seed, 'bootstrap', i);
    drawn[i] = await statistic(Uint32Array.from({ length: count }, () => stream.int(0, count - 1)));
  }
  const mean = drawn.reduce((sum, x) => sum + x, 0) / resamples;
  drawn.sort();
  const at = (share: number) => {
    const h = share * (resamples - 1);
    const [low, high] = [drawn[Math.floor(h)]!, drawn[Math.ceil(h)]!];
    return low + (h - Math.floor(h)) * (high - low);
  };
  const tail = (1 - level) / 2;
  return { value, low: value + at(tail) - mean, high: value + at(1 - tail) - mean, level, resamples };
}

/** How much further from the real pictures the student is than the teacher. */
export interface PairedDifference extends Interval {
  teacher: number;
  student: number;
  /** Which one the interval says is nearer to the real pictures; `neither` when it holds 0. */
  better: 'teacher' | 'student' | 'neither';
  countReal: number;
  countPairs: number;
  dimension: number;
}

/**
 * Student's Fréchet distance minus teacher's, with an interval from paired resampling: row i of both comes from the same source
 * picture or latent, and the same rows are drawn for both, so what the pictures share cancels out. The real pictures stay
 * fixed; the interval is about other sources for the same reals. Throws FEATURES_MISMATCH for unequal counts or dimensions.
 */
export async function pairedFrechet(
  real: Features,
  teacher: Features,
  student: Features,
  options: Resampling & { ddof?: 0 | 1 } = {},
): Promise<PairedDifference> {
  const { ddof = 1 } = options;
  const reals: Moments | null = real.count > real.dimension ? await momentsOf(real, ddof) : null;
  const to = async (made: Features): Promise<number> => {
    if (!reals || made.count <= made.dimension)
      return (await frechetFromFeatures(real, made, { ddof })).value;
    return (await frechetFromMoments(reals, await momentsOf(made, ddof))).value;
  };
  return pairedDifference(real, teacher, student, to, options);
}

/** `pairedFrechet` for any distance of made pictures to the real ones, for example KID. */
export async function pairedDifference(
  real: Features,
  teacher: Features,
  student: Features,
  distanceToReal: (made: Features) => Promise<number>,
  options: Resampling = {},
): Promise<PairedDifference> {
  needComparable(real, teacher, 2);
  needComparable(real, student, 2);
  if (teacher.count !== student.count) {
    throw new GanletError(
      'FEATURES_MISMATCH',
      `teacher and student must have made the same pictures, got ${teacher.count} and ${student.count}`,
      { hint: 'run both on the same sources, in the same order' },
    );
  }
  const distances = { teacher: 0, student: 0 };
  let whole = true;
  const interval = await bootstrapInterval(
    teacher.count,
    async (indices) => {
      const found = {
        teacher: await distanceToReal(selected(teacher, indices)),
        student: await distanceToReal(selected(student, indices)),
      };
      if (whole) Object.assign(distances, found);
      whole = false;
      return found.student - found.teacher;
    },
    options,
  );
  return {
    ...interval,
    ...distances,
    better: interval.low > 0 ? 'teacher' : interval.high < 0 ? 'student' : 'neither',
    countReal: real.count,
    countPairs: teacher.count,
    dimension: real.dimension,
  };
}
