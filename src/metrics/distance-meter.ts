import type { Provider } from '../backend/onnxruntime.ts';
import { GanletError } from '../util/errors.ts';
import { featureStore } from './feature-store.ts';
import type { Features } from './features.ts';
import { frechetFromFeatures, frechetFromMoments } from './frechet.ts';
import { kernelDiscrepancy } from './kid.ts';
import { l1 } from './l1.ts';
import type { Levels, PictureSet } from './levels.ts';
import { type Moments, momentsOf } from './moments.ts';
import { openFeatures } from './networks/extract.ts';
import { featureNetwork, perceptualNetwork } from './networks/find.ts';
import { openPerceptual, pairsAtOnce } from './networks/perceptual.ts';

export const distanceKinds = ['frechet', 'kid', 'lpips', 'teacher-l1'] as const;
export type DistanceKind = (typeof distanceKinds)[number];

export interface DistanceMeterOptions {
  /**
   * `frechet`: Fréchet distance of features, between the pictures as two sets. `kid`: unbiased kernel distance of all pictures,
   * which may be slightly negative. `lpips`: mean perceptual distance of picture i to picture i. `teacher-l1`: mean absolute
   * difference of picture i to picture i in 8-bit levels, 0..255.
   */
  kind: DistanceKind;
  /**
   * Feature network of `frechet` and `kid`: `emoji` (default), `inception`, `vgg16` or an `.onnx` file; of `lpips`: `alex` (default),
   * `vgg`, `squeeze` or a file. Not for `teacher-l1`.
   */
  features?: string;
  /**
   * What candidates are compared with: true pictures, or the teacher's (`teacher-l1`). For `frechet` and `kid` each is asked for
   * once, when the meter is made; for the paired kinds again at every measurement.
   */
  reference: PictureSet;
  /** Pictures at once in the network, default 16. */
  batch?: number;
  /** 0 (default) is all cores. Results agree to some 1e-6 whatever it is. */
  threads?: number;
  provider?: Provider;
}

/** Measures candidates against one reference. */
export interface DistanceMeter {
  /** What the number is called where it is shown: `FD-emoji-64`, `KD-emoji-64`, `LPIPS-alex`, `L1 to teacher`. */
  readonly label: string;
  /** SHA-256 of the network; null where there is none. With `label` and the reference it identifies a measurement. */
  readonly network: string | null;
  /**
   * The distance of a candidate's pictures from the reference: one number, lower is better, the same for the same pictures. They are
   * taken one after the other, so that memory does not grow with their number (but for the features of at most 128 MiB). Paired
   * kinds need picture i of the candidate to answer picture i of the reference, all of them. One measurement at a time.
   * Throws TOO_FEW_PICTURES, FEATURES_MISMATCH for a wrong number of pictures or a wrong size in a paired kind.
   */
  measure(candidate: AsyncIterable<Levels> | Iterable<Levels>): Promise<number>;
  dispose(): Promise<void>;
}

/**
 * Makes a meter, which opens the network and, for distances between sets, measures the reference once. Pictures are 8-bit levels,
 * channels first, grey or colour (`quantise` makes them of generated ones).
 *
 * ```ts
 * const meter = await distanceMeter({ kind: 'frechet', features: 'emoji', reference: { count, picture: (i) => truth(i) } });
 * const value = await meter.measure(picturesOf(candidate)); // async function* that yields Levels
 * await meter.dispose();
 * ```
 *
 * Throws TOO_FEW_PICTURES for a reference of fewer than 2 pictures (paired kinds: 1), what `featureNetwork` and `perceptualNetwork`
 * throw, and FEATURES_MISMATCH.
 */
export async function distanceMeter(options: DistanceMeterOptions): Promise<DistanceMeter> {
  const { kind, reference } = options;
  const least = kind === 'frechet' || kind === 'kid' ? 2 : 1;
  if (reference.count < least) {
    throw new GanletError(
      'TOO_FEW_PICTURES',
      `a distance needs a reference of at least ${least} pictures, got ${reference.count}`,
    );
  }
  if (kind === 'teacher-l1') return pairedL1(reference);
  return kind === 'lpips' ? pairedPerceptual(options) : betweenSets(kind, options);
}

async function betweenSets(
  kind: 'frechet' | 'kid',
  { features = 'emoji', reference, batch, threads, provider }: DistanceMeterOptions,
): Promise<DistanceMeter> {
  const network = await featureNetwork(features);
  const extractor = await openFeatures(network, { batch, threads, provider });
  const { dimension } = network.output;
  const featuresOf = async (pictures: AsyncIterable<Levels> | Iterable<Levels>) => {
    const store = featureStore(dimension);
    try {
      for await (const some of batches(pictures, extractor.batch)) {
        await store.add((await extractor.extract(some)).features);
      }
      return { store, rows: await store.features() };
    } catch (error) {
      await store.dispose();
      throw error;
    }
  };
  const real = await featuresOf(picturesOf(reference)).catch(async (error) => {
    await extractor.dispose();
    throw error;
  });
  let moments: Moments | undefined;
  const frechet = async (made: Features) => {
    if (real.rows.count <= dimension || made.count <= dimension) {
      return (await frechetFromFeatures(real.rows, made)).value;
    }
    moments ??= await momentsOf(real.rows);
    return (await frechetFromMoments(moments, await momentsOf(made))).value;
  };
  return {
    label: kind === 'frechet' ? network.frechet : network.kernel,
    network: network.sha256,
    async measure(candidate) {
      const made = await featuresOf(candidate);
      try {
        return kind === 'frechet' ? await frechet(made.rows) : await kernelDiscrepancy(real.rows, made.rows);
      } finally {
        await made.store.dispose();
      }
    },
    async dispose() {
      await real.store.dispose();
      await extractor.dispose();
    },
  };
}

async function pairedPerceptual(options: DistanceMeterOptions): Promise<DistanceMeter> {
  const { features = 'alex', reference, batch = 16, threads, provider } = options;
  const network = await perceptualNetwork(features);
  const distance = await openPerceptual(network, { threads, provider });
  return {
    label: network.label,
    network: network.sha256,
    async measure(candidate) {
      let sum = 0;
      let waiting: [Levels, Levels][] = [];
      const flush = async () => {
        if (waiting.length > 0) for (const d of await distance.distances(waiting)) sum += d;
        waiting = [];
      };
      await eachPair(candidate, reference, async (made, wanted) => {
        if (waiting[0] && waiting[0][0].data.length !== made.data.length) await flush();
        waiting.push([made, wanted]);
        if (waiting.length >= pairsAtOnce(made, batch)) await flush();
      });
      await flush();
      return sum / reference.count;
    },
    dispose: () => distance.dispose(),
  };
}

function pairedL1(reference: PictureSet): DistanceMeter {
  return {
    label: 'L1 to teacher',
    network: null,
    async measure(candidate) {
      let sum = 0;
      await eachPair(candidate, reference, async (made, wanted) => {
        sum += l1(made.data, wanted.data);
      });
      return sum / reference.count;
    },
    dispose: async () => {},
  };
}

/** Goes through a candidate's pictures and those they answer; throws FEATURES_MISMATCH unless they correspond. */
async function eachPair(
  candidate: AsyncIterable<Levels> | Iterable<Levels>,
  reference: PictureSet,
  take: (made: Levels, wanted: Levels) => Promise<void>,
): Promise<void> {
  let count = 0;
  for await (const made of candidate) {
    if (count === reference.count) throw wrongNumber(reference.count, `${count + 1} or more`);
    const wanted = await reference.picture(count++);
    const [a, b] = [made, wanted].map(({ channels, height, width }) => `${width} × ${height} × ${channels}`);
    if (a !== b) {
      throw new GanletError(
        'FEATURES_MISMATCH',
        `picture ${count - 1} must be of the size of its reference, ${b}, it is ${a}`,
      );
    }
    await take(made, wanted);
  }
  if (count < reference.count) throw wrongNumber(reference.count, String(count));
}

function wrongNumber(wanted: number, got: string): GanletError {
  return new GanletError('FEATURES_MISMATCH', `a candidate must have ${wanted} pictures, got ${got}`, {
    hint: 'run it on the sources of the reference, in their order',
  });
}

/** The pictures of a set one after the other. */
export async function* picturesOf(set: PictureSet): AsyncGenerator<Levels> {
  for (let i = 0; i < set.count; i++) yield await set.picture(i);
}

/** At most `size` pictures at a time. */
export async function* batches(
  pictures: AsyncIterable<Levels> | Iterable<Levels>,
  size: number,
): AsyncGenerator<Levels[]> {
  let some: Levels[] = [];
  for await (const picture of pictures) {
    some.push(picture);
    if (some.length < size) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}
