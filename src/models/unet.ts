import { Graph, type Value } from '../graph/graph.ts';
import { leakyRelu, relu, tanh } from '../ops/activation.ts';
import { concat } from '../ops/segments.ts';
import { GanletError } from '../util/errors.ts';
import { checkWhole, convolution, dropout, type Norm, normalise, upConvolution } from './layers.ts';
import type { ValueNames } from './value-names.ts';

export interface UnetOptions {
  /** Channels of the first level; deeper levels have 2, 4, then 8 times as many. */
  baseWidth: number;
  /** Halvings of the image, 8 for the generator of pix2pix at 256 pixels. */
  levels?: number;
  norm?: Norm;
  inputChannels?: number;
  outputChannels?: number;
  /** Side of the square image; left out, `height` and `width` are symbols. */
  size?: number;
  /** Fraction of activations dropped while training, in the decoder levels of full width but the innermost. */
  dropout?: number;
}

/**
 * The U-Net generator of pix2pix (Isola et al. 2017): `levels` 4×4 convolutions of stride 2, as many transposed ones, each
 * fed with the mirrored level's result as well. Leaky ReLU of slope 0.2 on the way down, ReLU on the way up, tanh at the
 * end; no norm on the first and the innermost level. Input `condition` float32 [batch, 3, size, size] in [−1, 1], output
 * `image` of the same shape in [−1, 1]; the size must be a multiple of 2^levels.
 *
 * Parameters `down<k>.weight` and `up<k>.weight` (up1 innermost), `.bias`, and `.norm.*` under batch norm, where the other
 * layers have no bias (the last has). Values that can be tapped: `down<k>` after the norm (both paths put their own
 * activation after it), `up<k>` the skip and the decoder's result, concatenated and rectified.
 * Throws SIZE_INVALID, OPTION_INVALID.
 */
export function unetGenerator(options: UnetOptions): Graph {
  const { baseWidth, levels = 8, norm = 'instance', inputChannels = 3, outputChannels = 3 } = options;
  const { size, dropout: rate = 0 } = options;
  checkWhole('baseWidth', baseWidth, 1);
  checkWhole('levels', levels, 2);
  if (size !== undefined && (size < 1 || size % 2 ** levels !== 0)) {
    throw new GanletError(
      'SIZE_INVALID',
      `image size must be a multiple of ${2 ** levels} for a U-Net of ${levels} levels, got ${size}`,
      { hint: 'use fewer levels' },
    );
  }
  const graph = new Graph('unet');
  const widthAt = (level: number) => baseWidth * Math.min(2 ** (level - 1), 8);
  const bias = norm !== 'batch';

  let x = graph.input('condition', 'float32', ['batch', inputChannels, size ?? 'height', size ?? 'width']);
  const skips: Value[] = [];
  for (let level = 1; level <= levels; level++) {
    const name = `down${level}`;
    const input = level === 1 ? x : leakyRelu(x, 0.2);
    const y = convolution(input, name, widthAt(level), { kernel: 4, stride: 2, pad: 1, bias });
    x = graph.named(normalise(y, name, level === 1 || level === levels ? 'none' : norm), name);
    skips.push(x);
  }
  x = relu(x);
  for (let k = 1; k < levels; k++) {
    const name = `up${k}`;
    const level = levels - k;
    const y = upConvolution(x, name, widthAt(level), { kernel: 4, stride: 2, pad: 1, bias });
    const kept = dropout(normalise(y, name, norm), name, k > 1 && level >= 4 ? rate : 0);
    x = graph.named(relu(concat([skips[level - 1]!, kept], 1)), name);
  }
  const image = upConvolution(x, `up${levels}`, outputChannels, { kernel: 4, stride: 2, pad: 1 });
  graph.output(tanh(image), 'image');
  return graph;
}

/** Levels 2 and 4 on the way down and their decoder inputs: of 8 down2, down4, up4, up6 (OMGD, Ren et al. 2021). */
export function unetTaps(names: ValueNames): string[] | undefined {
  const levels = names.count('down');
  if (levels < 2 || names.count('up') !== levels - 1) return undefined;
  const taken = [...new Set([Math.min(2, levels - 1), Math.min(4, levels - 1)])];
  return [...taken.map((k) => `down${k}`), ...taken.map((k) => `up${levels - k}`).reverse()];
}
