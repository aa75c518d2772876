import { Graph, type Value } from '../graph/graph.ts';
import { relu, tanh } from '../ops/activation.ts';
import { add } from '../ops/elementwise.ts';
import { reshape } from '../ops/layout.ts';
import { linear } from '../ops/matmul.ts';
import { upsample } from '../ops/resize.ts';
import { doublingsOfFour } from '../recipe/four-pixels.ts';
import { snganWidthCount } from '../recipe/sngan.ts';
import { GanletError } from '../util/errors.ts';
import { conditionalNorm } from './conditional-norm.ts';
import { checkWhole, convolution, type Norm, normalise, parameter, separableConvolution } from './layers.ts';
import type { ValueNames } from './value-names.ts';

export interface SnganOptions {
  /** Channels of the last block; earlier ones have up to eight times as many. */
  baseWidth: number;
  /** Side of the square image: 8, 16, 32, … */
  size: number;
  /** Numbers of the latent. */
  latent?: number;
  /** Classes the image may be asked to belong to; 0 for a generator that is given the latent alone. */
  classes?: number;
  norm?: Norm;
  /** Inside the blocks depthwise 3×3 → instance norm → pointwise 1×1 convolutions in the place of dense ones. */
  separable?: boolean;
  /** [stem, inner1, block1, inner2, block2, …] instead of `baseWidth` for all; see below. */
  widths?: readonly number[];
  outputChannels?: number;
}

/**
 * The ResNet generator of SNGAN (Miyato et al. 2018) with class-conditional norms (Miyato & Koyama 2018): the latent is mapped
 * to 4×4 pixels, residual blocks double the side up to `size`, then norm, ReLU, a 3×3 convolution and tanh. Each block adds
 * conv(relu(norm(conv(up(relu(norm x)))))) to a 1×1 convolution of x, up-sampled (nearest).
 *
 * Inputs: `class` float32 [batch, classes], one-hot, where there are classes; `latent` float32 [batch, latent], standard
 * normal. Output `image` [batch, 3, size, size] in [−1, 1].
 *
 * Parameters: `stem.weight` [16·C, latent] and `.bias`; `block<k>.conv1`, `.conv2` and `.shortcut` (k from 1), each `.weight`
 * alone (separable ones `.depthwise` and `.pointwise` with biases); `head.weight` and `.bias`. The norms behind `stem`,
 * `block<k>` and `block<k>.conv1` are `<layer>.norm.*`, by class (see `conditionalNorm`) save the last. The values `stem` and
 * `block<k>` can be tapped.
 *
 * Block k of n has 2^min(n − k, 3) times its width in channels, the stem as many as block 1. A width vector has a number for
 * the stem, then two for each block: between its convolutions, and of its result.
 * Throws WIDTHS_INVALID, SIZE_INVALID, OPTION_INVALID.
 */
export function snganGenerator(options: SnganOptions): Graph {
  const { baseWidth, size, latent = 128, classes = 0, norm = 'batch', separable = false } = options;
  checkWhole('baseWidth', baseWidth, 1);
  checkWhole('latent', latent, 1);
  checkWhole('classes', classes, 0);
  const blocks = blocksFor(size);
  const [stem, ...rest] = options.widths ?? new Array<number>(snganWidthCount(blocks)).fill(baseWidth);
  const units = snganUnits(blocks);
  checkWidths([stem ?? 0, ...rest], blocks);

  const graph = new Graph('sngan');
  const label = classes > 0 ? graph.input('class', 'float32', ['batch', classes]) : undefined;
  const z = graph.input('latent', 'float32', ['batch', latent]);
  let x = graph.named(stemOf(z, stem! * units[0]!, latent), 'stem');
  let name = 'stem';
  for (let k = 1; k <= blocks; k++) {
    const unit = units[k - 1]!;
    const normal = conditionalNorm(x, name, norm, label);
    name = `block${k}`;
    const [inner, outer] = [rest[2 * k - 2]! * unit, rest[2 * k - 1]! * unit];
    x = upBlock(x, normal, name, { inner, outer, norm, separable, label });
  }
  const image = convolution(relu(normalise(x, name, norm)), 'head', options.outputChannels ?? 3, {
    kernel: 3,
    pad: 1,
  });
  graph.output(tanh(image), 'image');
  return graph;
}

function blocksFor(size: number): number {
  const blocks = doublingsOfFour(size);
  if (blocks !== undefined) return blocks;
  throw new GanletError(
    'SIZE_INVALID',
    `image size must be a power of two and at least 8 for an SNGAN, which doubles 4 pixels, got ${size}`,
  );
}

/** Channels for one unit of width, of each block: 2^min(n − k, 3). */
export function snganUnits(blocks: number): number[] {
  return Array.from({ length: blocks }, (_, k) => 2 ** Math.min(blocks - 1 - k, 3));
}

/** The ends of the last four blocks. */
export function snganTaps(names: ValueNames): string[] | undefined {
  const blocks = names.count('block');
  if (blocks === 0 || !names.has('stem') || names.has('down1')) return undefined;
  return Array.from({ length: blocks }, (_, k) => `block${k + 1}`).slice(-4);
}

/** The latent as 4×4 pixels. */
function stemOf(z: Value, channels: number, latent: number): Value {
  const { graph } = z;
  const weight = parameter(graph, 'stem.weight', [16 * channels, latent]);
  const bias = parameter(graph, 'stem.bias', [16 * channels]);
  return graph.scoped('stem', () => reshape(linear(z, weight, bias), ['batch', channels, 4, 4]));
}

interface BlockOptions {
  inner: number;
  outer: number;
  norm: Norm;
  separable: boolean;
  label: Value | undefined;
}

function upBlock(x: Value, normal: Value, name: string, options: BlockOptions): Value {
  const { inner, outer, norm, separable, label } = options;
  const { graph } = x;
  // A bias here is the same number at all pixels of a channel: whichever way it takes, a norm takes it away again.
  const bias = false;
  const layer = (input: Value, at: string, channels: number) =>
    separable
      ? separableConvolution(input, at, channels)
      : convolution(input, at, channels, { kernel: 3, pad: 1, bias });
  const up = (y: Value) => graph.scoped(name, () => upsample(y, [2, 2]));
  const first = layer(up(relu(normal)), `${name}.conv1`, inner);
  const hidden = relu(conditionalNorm(first, `${name}.conv1`, norm, label));
  const second = layer(hidden, `${name}.conv2`, outer);
  // A 1×1 convolution before the doubling gives what it gives behind it, at a quarter of the cost.
  const shortcut = up(convolution(x, `${name}.shortcut`, outer, { kernel: 1, bias }));
  return graph.named(add(second, shortcut), name);
}

function checkWidths(widths: readonly number[], blocks: number): void {
  const count = snganWidthCount(blocks);
  if (widths.length === count && widths.every((c) => Number.isInteger(c) && c > 0)) return;
  throw new GanletError(
    'WIDTHS_INVALID',
    `widths must be ${count} whole numbers above 0, one for the stem and two for each of the ${blocks} blocks, got [${widths.join(', ')}]`,
  );
}
