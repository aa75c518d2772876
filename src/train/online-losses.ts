import type { Value } from '../graph/graph.ts';
import { float32, Graph } from '../graph/graph.ts';
import { initialise } from '../models/init.ts';
import { convolution, normalise } from '../models/layers.ts';
import { relu } from '../ops/activation.ts';
import { conv } from '../ops/conv.ts';
import { abs, add, div, mul, square, sub } from '../ops/elementwise.ts';
import { reshape } from '../ops/layout.ts';
import { matMul, swapLast } from '../ops/matmul.ts';
import { globalAveragePool } from '../ops/pool.ts';
import { mean, sum } from '../ops/reduce.ts';
import { concat, split } from '../ops/segments.ts';
import { slice } from '../ops/window.ts';
import { reconstructionLoss, summed } from './losses.ts';

const [side, sigma] = [11, 1.5];

/**
 * 1 − SSIM (Wang et al. 2004) of images [batch, C, H, W] in [−1, 1], each colour by itself: Gaussian window of 11 pixels, σ 1.5,
 * where it fits whole; C₁ = (0.01·2)², C₂ = (0.03·2)² for the range of 2. Smaller images have a window of their own size.
 */
export function ssimLoss(graph: Graph, a: Value, b: Value): Value {
  const [batch, channels, height, width] = a.shape as [number, number, number, number];
  const window = Math.min(side, height, width);
  const kernel = graph.constant(float32([1, 1, window, window], gaussian(window)), 'ssim/window');
  const planes = (x: Value) => reshape(x, [batch * channels, 1, height, width]);
  // A mean is measured from black.
  const [x, y] = [planes(add(a, 1)), planes(add(b, 1))];
  const blurred = conv(concat([x, y, mul(x, x), mul(y, y), mul(x, y)], 0), kernel);
  const parts = split(blurred, 0, Array(5).fill(batch * channels));
  const [mx, my, mxx, myy, mxy] = parts as [Value, Value, Value, Value, Value];
  const [c1, c2] = [(0.01 * 2) ** 2, (0.03 * 2) ** 2];
  const [product, squares] = [mul(mx, my), add(mul(mx, mx), mul(my, my))];
  const covariance = sub(mxy, product);
  const variances = sub(add(mxx, myy), squares);
  const above = mul(add(mul(product, 2), c1), add(mul(covariance, 2), c2));
  const below = mul(add(squares, c1), add(variances, c2));
  return sub(1, mean(div(above, below)));
}

function gaussian(size: number): number[] {
  const line = Array.from({ length: size }, (_, i) =>
    Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma ** 2)),
  );
  const whole = line.reduce((p, q) => p + q, 0) ** 2;
  return line.flatMap((p) => line.map((q) => (p * q) / whole));
}

/**
 * Style (Gatys et al. 2016; Johnson et al. 2016, §3.1, with L1): Σ over activations of mean |G(a) − G(b)|, with Gram matrices
 * G = FFᵀ/(C·H·W) of activations [batch, C, H, W] taken as F [C, H·W].
 */
export function styleLoss(a: readonly Value[], b: readonly Value[]): Value {
  return summed(a.map((x, i) => reconstructionLoss('l1', gram(x), gram(b[i]!))));
}

function gram(x: Value): Value {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const flat = reshape(x, [batch, channels, height * width]);
  return mul(matMul(flat, swapLast(flat)), 1 / (channels * height * width));
}

/** Total variation of images [batch, C, H, W]: the sum over an image of |differences| between neighbours, the mean over the batch. */
export function variationLoss(x: Value): Value {
  const [batch, , height, width] = x.shape as [number, number, number, number];
  const along = (axis: number, length: number) =>
    sum(abs(sub(slice(x, [axis], [1], [length]), slice(x, [axis], [0], [length - 1]))));
  return mul(add(along(2, height), along(3, width)), 1 / batch);
}

/**
 * Channel distillation (Ren et al. 2021, §3.3): Σ over taps of mean (GAP(f(S)) − GAP(T))², GAP being the mean of each channel
 * over the image and f what `channelAdaptors` learns.
 */
export function channelLoss(students: readonly Value[], teachers: readonly Value[]): Value {
  const distances = students.map((student, i) =>
    mean(square(sub(globalAveragePool(student), globalAveragePool(teachers[i]!)))),
  );
  return summed(distances);
}

/**
 * For each pair of activations a 1×1 convolution to the teacher's channels with batch norm and ReLU; inputs `tap1`, `tap2`, …
 * Weights N(0, 0.02).
 */
export function channelAdaptors(
  pairs: readonly { student: Value; teacher: Value }[],
  batch: number,
  seed: number,
): Graph {
  const graph = new Graph('channel-adaptors');
  for (const [i, { student, teacher }] of pairs.entries()) {
    const [, channels, ...sides] = student.shape;
    const x = graph.input(`tap${i + 1}`, 'float32', [batch, channels!, ...sides]);
    const name = `adaptor${i + 1}`;
    const wide = convolution(x, name, teacher.shape[1] as number, { kernel: 1, bias: false });
    graph.output(relu(normalise(wide, name, 'batch')), `adapted${i + 1}`);
  }
  return initialise(graph, { seed });
}
