import { GanletError } from '../util/errors.ts';
import { type RandomState, randomState } from '../util/mt19937.ts';
import { type InterpolationName, interpolations } from './interpolation.ts';
import { bootstrapInterval, type Interval } from './resampling.ts';
import { type TrimmedMean, trimmedMean } from './trimmed.ts';

/** A batch of latents, row-major, and one class label each (empty for a generator without classes). */
export interface LatentBatch {
  latents: Float64Array;
  labels: Uint32Array;
  count: number;
}

/** What the path length is of: P is a batch of pictures in whatever form generator and distance agree on. */
export interface PathLengthSubject<P> {
  /** Length of a latent z. */
  latentSize: number;
  /** Number of classes labels are drawn from; 0 for none. */
  classes?: number;
  /** Maps latents z to w; then paths run in w, which may have another length. Without it they run in z. */
  map?(batch: LatentBatch): Promise<Float64Array>;
  /**
   * Pictures of latents (z, or w if there is a map), not rounded to 8 bits: at small epsilon the steps between levels are all that
   * would be measured. Noise inputs must be the same in the two calls for a batch, which have the same `index`.
   */
  generate(batch: LatentBatch, index: number): Promise<P>;
  /** One distance for each pair of pictures, LPIPS with VGG features in the published numbers. */
  distance(a: P, b: P): Promise<ArrayLike<number>>;
}

export interface PathLengthOptions {
  /** Pairs; 50,000 in the published numbers. */
  count: number;
  /** Pairs at once, default 16. */
  batch?: number;
  /** Default 1e-4. */
  epsilon?: number;
  /** `end` steps off at t = 0 (default), `full` at uniform t. */
  sampling?: 'end' | 'full';
  /** Default `lerp` with a map (W), `slerpUnit` without. */
  interpolation?: InterpolationName;
  /** Default 2020. */
  seed?: number;
  /** Percentiles kept, default 1 to 99. */
  lower?: number;
  upper?: number;
}

export interface PathLength extends TrimmedMean {
  space: 'z' | 'w';
  sampling: 'end' | 'full';
  epsilon: number;
  interpolation: InterpolationName;
  seed: number;
  /** Bootstrap interval of the trimmed mean; null for fewer than 20 pairs. */
  interval: Interval | null;
  /** All distances over ε², in order. */
  values: Float64Array;
}

/**
 * Perceptual path length (Karras et al. 2019, §4.1): the trimmed mean of d(G(p(t)), G(p(t + ε)))/ε² over random paths p. Latents are
 * drawn like torch-fidelity does: all first ends, then all second ends, then all labels from one numpy generator; here three
 * generators run in step, so memory does not grow with the count. Throws METRIC_NUMERICS for a distance that is not finite and
 * RangeError for options out of range.
 */
export async function pathLength<P>(
  subject: PathLengthSubject<P>,
  options: PathLengthOptions,
): Promise<PathLength> {
  const { count, batch = 16, epsilon = 1e-4, sampling = 'end', seed = 2020, lower = 1, upper = 99 } = options;
  if (!(count >= 1 && batch >= 1 && epsilon > 0)) {
    throw new RangeError(`count, batch and epsilon must be positive, got ${count}, ${batch}, ${epsilon}`);
  }
  const interpolation = options.interpolation ?? (subject.map ? 'lerp' : 'slerpUnit');
  const values = await steps(subject, { count, batch, epsilon, sampling, interpolation, seed }, epsilon);
  const mean = (list: ArrayLike<number>) => trimmedMean(list, { lower, upper });
  const interval =
    count < 20
      ? null
      : await bootstrapInterval(
          count,
          (indices) => mean(Float64Array.from(indices, (i) => values[i]!)).mean,
          {
            resamples: 1000,
            seed,
          },
        );
  return {
    ...mean(values),
    space: subject.map ? 'w' : 'z',
    sampling,
    epsilon,
    interpolation,
    seed,
    interval,
    values,
  };
}

/**
 * What the path length would be if nothing moved: distances between two pictures of the same latents, over ε². It is 0 for a
 * deterministic generator; anything else is noise that 1/ε² has blown up, to be told beside the path length.
 */
export async function pathLengthFloor<P>(
  subject: PathLengthSubject<P>,
  { count, batch = 16, epsilon = 1e-4, sampling = 'end', seed = 2020, ...rest }: PathLengthOptions,
): Promise<number> {
  const interpolation = rest.interpolation ?? (subject.map ? 'lerp' : 'slerpUnit');
  const values = await steps(subject, { count, batch, epsilon, sampling, interpolation, seed }, 0);
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

type Settled = Required<Omit<PathLengthOptions, 'lower' | 'upper'>>;

async function steps<P>(
  subject: PathLengthSubject<P>,
  { count, batch, epsilon, sampling, interpolation, seed }: Settled,
  step: number,
): Promise<Float64Array> {
  const { latentSize, classes = 0 } = subject;
  const [ends, others, labelling] = [randomState(seed), randomState(seed), randomState(seed)];
  skip(others, count * latentSize);
  skip(labelling, 2 * count * latentSize);
  const times = randomState((seed + 1) % 2 ** 32);
  const values = new Float64Array(count);
  for (let first = 0, index = 0; first < count; first += batch, index++) {
    const rows = Math.min(batch, count - first);
    const normal = (from: RandomState) =>
      Float64Array.from({ length: rows * latentSize }, () => from.randn());
    let [a, b] = [normal(ends), normal(others)];
    const labels = Uint32Array.from({ length: classes > 0 ? rows : 0 }, () => labelling.randint(classes));
    if (subject.map) {
      const map = (latents: Float64Array) => subject.map!({ latents, labels, count: rows });
      [a, b] = [await map(a), await map(b)] as [typeof a, typeof b];
    }
    const t = Float64Array.from({ length: rows }, () => (sampling === 'full' ? times.rand() : 0));
    const picturesAt = (offset: number) => {
      const latents = new Float64Array(a.length);
      const size = a.length / rows;
      for (let i = 0; i < rows; i++) {
        const [from, to] = [a.subarray(i * size, (i + 1) * size), b.subarray(i * size, (i + 1) * size)];
        latents.set(interpolations[interpolation](from, to, t[i]! + offset), i * size);
      }
      return subject.generate({ latents, labels, count: rows }, index);
    };
    const found = await subject.distance(await picturesAt(0), await picturesAt(step));
    for (let i = 0; i < rows; i++) {
      const value = found[i]! / epsilon ** 2;
      if (!Number.isFinite(value)) {
        throw new GanletError(
          'METRIC_NUMERICS',
          `distances must be finite numbers, pair ${first + i} has ${found[i]}`,
          {
            hint: 'check the generator for NaN and the distance for its input range',
          },
        );
      }
      values[first + i] = value;
    }
  }
  return values;
}

function skip(random: RandomState, normals: number): void {
  for (let i = 0; i < normals; i++) random.randn();
}
