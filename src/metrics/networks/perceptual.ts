import { openOnnxFile } from '../../backend/onnx-file.ts';
import type { Provider } from '../../backend/onnxruntime.ts';
import { GanletError } from '../../util/errors.ts';
import { inColour, type Levels } from '../levels.ts';
import type { PerceptualNetwork } from './find.ts';

/** LPIPS ready to compare pictures. */
export interface PerceptualDistance {
  readonly network: PerceptualNetwork;
  /** One distance for each pair; the pictures must all have one size. Throws METRIC_NUMERICS when one is not finite. */
  distances(pairs: readonly (readonly [Levels, Levels])[]): Promise<Float32Array>;
  /** The same for pictures in [−1, 1], channels first, pair after pair. Throws LPIPS_RANGE for what lies outside. */
  distancesOf(a: Float32Array, b: Float32Array, shape: Shape): Promise<Float32Array>;
  /** What is suspicious about all pictures so far; a sentence each. */
  warnings(): string[];
  dispose(): Promise<void>;
}

/** Colour pictures: `count` of 3 × height × width. */
interface Shape {
  count: number;
  height: number;
  width: number;
}

/** Beyond this a picture was not brought to [−1, 1]; rounding explains less. */
const widest = 1.01;

/**
 * Opens an LPIPS network. Pictures are compared at their own size, as in the published numbers: LPIPS depends on it. Throws
 * FEATURES_MISMATCH for a file without the inputs `a` and `b` and the output `distance`, and as `openOnnxFile`.
 */
export async function openPerceptual(
  network: PerceptualNetwork,
  { threads = 0, provider = 'cpu' }: { threads?: number | undefined; provider?: Provider | undefined } = {},
): Promise<PerceptualDistance> {
  const file = await openOnnxFile(network.path, { provider, threads });
  const inputs = file.inputs.map(({ name }) => name).sort();
  const outputs = file.outputs.map(({ name }) => name);
  if (String(inputs) !== 'a,b' || !outputs.includes('distance')) {
    throw new GanletError(
      'FEATURES_MISMATCH',
      `${network.path} must take a and b and give distance, it takes ${inputs.join(', ')} and gives ${outputs.join(', ')}`,
      { hint: 'ganlet import lpips-alex writes such a file' },
    );
  }
  const seen = { low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY };
  const distancesOf: PerceptualDistance['distancesOf'] = async (a, b, { count, height, width }) => {
    for (const pictures of [a, b]) {
      needRange(pictures);
      for (const x of pictures) {
        if (x < seen.low) seen.low = x;
        if (x > seen.high) seen.high = x;
      }
    }
    const shape = [count, 3, height, width];
    const { distance } = await file.run({ a: { shape, data: a }, b: { shape, data: b } }, ['distance']);
    if (distance!.length !== count || !distance!.every(Number.isFinite)) {
      throw new GanletError(
        'METRIC_NUMERICS',
        `${network.path} must give one finite distance a pair, it does not`,
      );
    }
    return distance!.slice();
  };
  return {
    network,
    distances(pairs) {
      const [first] = pairs[0]!;
      const { height, width } = first;
      const size = 3 * height * width;
      const fill = (side: 0 | 1) => {
        const all = new Float32Array(pairs.length * size);
        for (const [i, pair] of pairs.entries()) {
          const { data } = inColour(pair[side]);
          if (data.length !== size) {
            throw new RangeError(`pictures to compare must have ${size} levels, got ${data.length}`);
          }
          for (let k = 0; k < size; k++) all[i * size + k] = data[k]! / 127.5 - 1;
        }
        return all;
      };
      return distancesOf(fill(0), fill(1), { count: pairs.length, height, width });
    },
    distancesOf,
    warnings: () => rangeWarnings(seen),
    dispose: () => file.dispose(),
  };
}

/** Pairs that one run takes: as many as make about two megapixels. */
export function pairsAtOnce({ height, width }: Pick<Levels, 'height' | 'width'>, batch = 16): number {
  return Math.max(1, Math.min(batch, Math.floor(2 ** 21 / (height * width * 2))));
}

function needRange(pictures: Float32Array): void {
  const at = pictures.findIndex((x) => !(Math.abs(x) <= widest));
  if (at < 0) return;
  throw new GanletError('LPIPS_RANGE', `LPIPS takes pictures in [−1, 1], element ${at} is ${pictures[at]}`, {
    hint: 'bring levels 0..255 to x / 127.5 − 1 first',
  });
}

/** A set that uses but a half or less of the range was most likely scaled wrongly on the way; a flat one says nothing. */
function rangeWarnings({ low, high }: { low: number; high: number }): string[] {
  if (!(high > low)) return [];
  // 0 becomes level 127 where numbers are cut and not rounded.
  if (low >= 127 / 127.5 - 1.001) {
    return [
      'all pictures given to LPIPS lie in the upper half of their range, as those do that were made in [0, 1] and taken for [−1, 1]: the distance is then too small',
    ];
  }
  if (high <= 1 / 127.5 - 1) {
    return [
      'all levels given to LPIPS are 0 or 1, as when numbers in [0, 1] are saved as bytes: the distance says nothing',
    ];
  }
  return [];
}
