import {
  type Interpolation,
  interpolationWeights,
  nearestSources,
  sourceCoordinate,
} from '../../ops/interpolation.ts';
import { num, str } from '../../ops/op.ts';
import { axisMatrix } from '../../ops/separable.ts';
import { type Item, numbers, share, type Tf } from './item.ts';
import { type Call, input, type Kernel } from './kernel.ts';
import { type AlongAxis, alongAxis } from './separable.ts';

/** Interpolation one axis after the other, each as a copy of positions (nearest) or a product with its weights. */
const resize: Kernel = (call) => {
  const { tf } = call;
  const x = input(call, 0);
  const { sizes, scales } = target(call, x);
  const y = x.shape.reduce((item: Item, from, axis) => {
    const map = axisMap(call, from, sizes[axis]!, scales[axis]!);
    return map ? alongAxis(tf, item, axis, map) : item;
  }, x);
  return y === x ? share(x) : y;
};

function target(call: Call, x: Item): { sizes: number[]; scales: number[] } {
  const [, , byScale, bySize] = call.inputs;
  if (byScale && byScale.shape[0] !== 0) {
    const scales = numbers(call.tf, byScale);
    return { scales, sizes: x.shape.map((d, k) => Math.floor(d * Math.fround(scales[k]!))) };
  }
  const sizes = numbers(call.tf, bySize!);
  return { sizes, scales: x.shape.map((d, k) => Math.fround(sizes[k]! / d)) };
}

function axisMap({ tf, attributes }: Call, from: number, to: number, scale: number): AlongAxis | undefined {
  if (from === to && scale === 1) return undefined;
  const how: Interpolation = {
    mode: str(attributes, 'mode', 'nearest') as Interpolation['mode'],
    transform: str(attributes, 'coordinate_transformation_mode', 'half_pixel'),
    nearest: str(attributes, 'nearest_mode', 'round_prefer_floor'),
  };
  if (how.mode === 'nearest') return { sources: nearestSources(scale, from, to, how) };
  const weights =
    how.mode === 'linear'
      ? interpolationWeights(scale, from, to, how)
      : cubicWeights(scale, from, to, how.transform, {
          a: num(attributes, 'cubic_coeff_a', -0.75),
          outside: num(attributes, 'exclude_outside', 0) === 0,
        });
  return matrixOf(tf, from, to, weights);
}

function matrixOf(
  tf: Tf,
  from: number,
  to: number,
  weights: Iterable<readonly [number, number, number]>,
): AlongAxis {
  const { data } = axisMatrix('resize', to, from, weights);
  return { matrix: tf.tensor2d(data, [to, from]) };
}

/**
 * Cubic convolution (Keys 1981) with parameter `a`: four weights for each output. Positions beyond the border read what is
 * nearest to them, or, without `outside`, count for nothing and the other weights are scaled up.
 */
function* cubicWeights(
  scale: number,
  from: number,
  to: number,
  transform: string,
  { a, outside }: { a: number; outside: boolean },
): Generator<[row: number, column: number, weight: number]> {
  for (let i = 0; i < to; i++) {
    const at = sourceCoordinate(i, transform, scale, from, to);
    const low = Math.floor(at);
    const taps = [-1, 0, 1, 2].map((k) => ({ column: low + k, weight: cubic(Math.abs(at - low - k), a) }));
    const used = outside ? taps : taps.filter(({ column }) => column >= 0 && column < from);
    const total = outside ? 1 : used.reduce((sum, { weight }) => sum + weight, 0);
    for (const { column, weight } of used) yield [i, Math.min(Math.max(column, 0), from - 1), weight / total];
  }
}

function cubic(distance: number, a: number): number {
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance ** 2 + 1;
  return distance < 2 ? ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a : 0;
}

export const resizeKernels = { Resize: resize } satisfies Record<string, Kernel>;
