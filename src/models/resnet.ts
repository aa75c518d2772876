import { Graph, type Value } from '../graph/graph.ts';
import { relu, tanh } from '../ops/activation.ts';
import { add, clip } from '../ops/elementwise.ts';
import { GanletError } from '../util/errors.ts';
import { noteClasses, splitClass } from './class-planes.ts';
import { conditionalNorm } from './conditional-norm.ts';
import {
  checkWhole,
  convolution,
  dropout,
  type Norm,
  type Padding,
  separableConvolution,
  upConvolution,
} from './layers.ts';
import type { ValueNames } from './value-names.ts';

export interface ResnetOptions {
  /** Channels of the stem; the trunk has four times as many. */
  baseWidth: number;
  /** Residual blocks, 9 for the generator of Johnson et al. (2016) and CycleGAN at 256 pixels. */
  blocks?: number;
  norm?: Norm;
  /** Inside the residual blocks; stem and head always mirror. */
  padding?: Padding;
  /** Residual blocks of depthwise 3×3 → instance norm → pointwise 1×1 convolutions (GAN Compression, Li et al. 2020). */
  separable?: boolean;
  /** [stem, down1, trunk, inner…, up1, up2], instead of `baseWidth` for all; see below. */
  widths?: readonly number[];
  inputChannels?: number;
  /** How many of the last input channels are planes of a class, see below. */
  classes?: number | undefined;
  outputChannels?: number;
  /** Side of the square image; left out, `height` and `width` are symbols. */
  size?: number;
  /** Fraction of activations dropped inside each block while training. */
  dropout?: number;
  /** Clamps the condition to [−1, 1] first, as the dense generator of GAN Compression does. */
  clampInput?: boolean;
}

/**
 * The ResNet generator: 7×7 stem, two stride-2 convolutions, residual blocks, two transposed convolutions, 7×7 head, tanh.
 * Input `condition` float32 [batch, 3, size, size] in [−1, 1], output `image` [batch, 3, size, size] in [−1, 1]; the size
 * must be a multiple of 4 for the output to have the input's.
 *
 * Parameters: `stem`, `down1`, `down2`, `block<i>.conv1`, `block<i>.conv2` (i from 1; separable ones have `.depthwise` and
 * `.pointwise`), `up1`, `up2`, `head`, each with `.weight` and `.bias`, and `.norm.*` under batch norm, where dense
 * convolutions have no bias. Values with the same names can be tapped: `stem`, `down1`, `down2`, `up1`, `up2` after the
 * activation, `block<i>` after the sum.
 *
 * The width vector of GAN Compression is [c0 … c7]: stem c0, down1 2·c1, down2 and the trunk 4·c2, the inside of the blocks
 * of the first, second and last third 4·c3, 4·c4, 4·c5, up1 2·c6, up2 c7. Any number of inner entries is taken: one for all
 * blocks (the older six numbers) up to one for each block.
 * With `classes` the norms scale and shift by class (see `conditionalNorm`), and the convolutions see the other channels alone: planes
 * of equal numbers would add the same at all pixels, which instance norm takes away again. Without norms they see the planes.
 * Throws WIDTHS_INVALID, SIZE_INVALID, OPTION_INVALID.
 */
export function resnetGenerator(options: ResnetOptions): Graph {
  const { baseWidth, blocks = 9, norm = 'instance', padding = 'reflect', separable = false } = options;
  const { inputChannels = 3, outputChannels = 3, size, dropout: rate = 0, clampInput = false } = options;
  const { classes = 0 } = options;
  checkWhole('baseWidth', baseWidth, 1);
  checkWhole('blocks', blocks, 1);
  const c = resnetWidths(options.widths ?? new Array(6).fill(baseWidth), blocks);
  if (size !== undefined && (size < 8 || size % 4 !== 0)) {
    throw new GanletError(
      'SIZE_INVALID',
      `image size must be a multiple of 4 and at least 8 for a ResNet, got ${size}`,
    );
  }
  const graph = new Graph('resnet');
  const bias = norm !== 'batch';
  const activated = (y: Value, name: string) => {
    const normal = conditionalNorm(y, name, norm, label);
    return graph.named(
      graph.scoped(name, () => relu(normal)),
      name,
    );
  };

  let x = graph.input('condition', 'float32', ['batch', inputChannels, size ?? 'height', size ?? 'width']);
  const apart = classes > 0 && norm !== 'none' ? splitClass(x, classes) : undefined;
  const label = apart?.label;
  x = apart?.picture ?? x;
  if (clampInput) x = clip(x, -1, 1);
  x = activated(convolution(x, 'stem', c.stem, { kernel: 7, pad: 3, padding: 'reflect', bias }), 'stem');
  x = activated(convolution(x, 'down1', 2 * c.down1, { kernel: 3, stride: 2, pad: 1, bias }), 'down1');
  x = activated(convolution(x, 'down2', 4 * c.trunk, { kernel: 3, stride: 2, pad: 1, bias }), 'down2');
  for (let i = 0; i < blocks; i++) {
    const inner = 4 * c.inner[Math.floor((i * c.inner.length) / blocks)]!;
    x = residualBlock(x, `block${i + 1}`, inner, { norm, padding, separable, rate, label });
  }
  const up = { kernel: 3, stride: 2, pad: 1, outputPadding: 1, bias };
  x = activated(upConvolution(x, 'up1', 2 * c.up1, up), 'up1');
  x = activated(upConvolution(x, 'up2', c.up2, up), 'up2');
  const image = convolution(x, 'head', outputChannels, { kernel: 7, pad: 3, padding: 'reflect' });
  graph.output(tanh(image), 'image');
  noteClasses(graph, classes);
  return graph;
}

interface BlockOptions {
  norm: Norm;
  padding: Padding;
  separable: boolean;
  rate: number;
  label: Value | undefined;
}

/** x + norm(conv(dropout(relu(norm(conv x))))), with `inner` channels between the convolutions. */
function residualBlock(
  x: Value,
  name: string,
  inner: number,
  { norm, padding, separable, rate, label }: BlockOptions,
): Value {
  const layer = (input: Value, at: string, channels: number) => {
    const y = separable
      ? separableConvolution(input, at, channels, padding)
      : convolution(input, at, channels, { kernel: 3, pad: 1, padding, bias: norm !== 'batch' });
    return conditionalNorm(y, at, norm, label);
  };
  const hidden = dropout(relu(layer(x, `${name}.conv1`, inner)), name, rate);
  const sum = add(x, layer(hidden, `${name}.conv2`, x.shape[1] as number));
  return x.graph.named(sum, name);
}

/** The end of the down-sampling and of each third of the blocks: of 9 down2, block3, block6, block9 (GAN Compression). */
export function resnetTaps(names: ValueNames): string[] | undefined {
  const blocks = names.count('block');
  if (blocks === 0 || !names.has('down2')) return undefined;
  return ['down2', ...new Set([1, 2, 3].map((third) => `block${Math.ceil((third * blocks) / 3)}`))];
}

/** Layer widths of a ResNet, before the factors 1, 2 and 4 of its stages. */
export interface ResnetWidths {
  stem: number;
  down1: number;
  trunk: number;
  /** Between the two convolutions of each block, in equal shares of the blocks. */
  inner: readonly number[];
  up1: number;
  up2: number;
}

/** Names the numbers of a width vector [stem, down1, trunk, inner…, up1, up2]. Throws WIDTHS_INVALID. */
export function resnetWidths(widths: readonly number[], blocks: number): ResnetWidths {
  const count = widths.length - 5;
  if (count < 1 || (count > blocks && count !== 3) || !widths.every((c) => Number.isInteger(c) && c > 0)) {
    throw new GanletError(
      'WIDTHS_INVALID',
      `widths must be whole numbers above 0, three, then one for each share of the ${blocks} blocks, then two, got [${widths.join(', ')}]`,
      { hint: 'eight numbers give each third of the blocks its own inner width' },
    );
  }
  const [stem, down1, trunk] = widths as [number, number, number];
  const [up1, up2] = widths.slice(-2) as [number, number];
  return { stem, down1, trunk, inner: widths.slice(3, -2), up1, up2 };
}
