import { type Dim, Graph, type Value } from '../graph/graph.ts';
import { leakyRelu } from '../ops/activation.ts';
import { GanletError } from '../util/errors.ts';
import { checkWhole, convolution, type Norm, normalise } from './layers.ts';

export interface DiscriminatorOptions {
  /** Channels of the first layer ("ndf"). */
  baseWidth: number;
  norm?: Norm;
  /** 6 for condition and image one after the other on axis 1, 3 for the image alone. */
  inputChannels?: number;
  /** Side of the square image, or [height, width]; left out, they are symbols. */
  size?: number | readonly [height: number, width: number];
  /** Spectral norms on the convolutions that have a norm. */
  spectralNorm?: boolean;
}

/**
 * The PatchGAN discriminator (Isola et al. 2017): `layers` 4×4 convolutions of stride 2, one of stride 1, one to a single
 * logit per patch; widths double up to 8·baseWidth. Leaky ReLU of slope 0.2, no norm on the first layer, no sigmoid.
 * Input `pair` float32 [batch, inputChannels, size, size] in [−1, 1], output `score` [batch, 1, size/2^layers − 2, same].
 * Parameters `conv<k>.weight`, `.bias` (none before a batch norm) and, under batch norm, `conv<k>.norm.*`; the values
 * `conv<k>` are the layers' activations. Throws SIZE_INVALID when not one patch fits the image.
 */
export function patchDiscriminator(options: DiscriminatorOptions & { layers?: number }): Graph {
  const { baseWidth, layers = 3, norm = 'instance', inputChannels = 6, spectralNorm = false } = options;
  checkWhole('baseWidth', baseWidth, 1);
  checkWhole('layers', layers, 1);
  const least = Math.min(...sidesOf(options.size).map(Number).filter(Number.isInteger));
  if (Math.floor(least / 2 ** layers) < 3) {
    throw new GanletError(
      'SIZE_INVALID',
      `images must have at least ${3 * 2 ** layers} pixels a side for a patch discriminator of ${layers} layers, got ${least}`,
      { hint: 'use fewer layers' },
    );
  }
  const graph = new Graph('patch-discriminator');
  let x = pairInput(graph, inputChannels, options.size);
  for (let k = 1; k <= layers + 1; k++) {
    const channels = baseWidth * Math.min(2 ** (k - 1), 8);
    const stride = k <= layers ? 2 : 1;
    const name = `conv${k}`;
    const own = k === 1 ? 'none' : norm;
    const spectral = k > 1 && spectralNorm;
    const layer = { kernel: 4, stride, pad: 1, bias: own !== 'batch', spectralNorm: spectral };
    const y = convolution(x, name, channels, layer);
    x = graph.named(leakyRelu(normalise(y, name, own), 0.2), name);
  }
  graph.output(convolution(x, `conv${layers + 2}`, 1, { kernel: 4, pad: 1 }), 'score');
  return graph;
}

/**
 * The pixel discriminator (pix2pix's 1×1 PatchGAN): 1×1 convolutions to baseWidth, 2·baseWidth (normalised) and one logit,
 * leaky ReLU of slope 0.2. Input `pair` as for `patchDiscriminator`, output `score` [batch, 1, size, size].
 * Parameters `conv1`, `conv2`, `conv3`; under batch norm only `conv1` has a bias.
 */
export function pixelDiscriminator(options: DiscriminatorOptions): Graph {
  const { baseWidth, norm = 'instance', inputChannels = 6, spectralNorm = false, size } = options;
  checkWhole('baseWidth', baseWidth, 1);
  const graph = new Graph('pixel-discriminator');
  const bias = norm !== 'batch';
  const first = convolution(pairInput(graph, inputChannels, size), 'conv1', baseWidth, { kernel: 1 });
  const x = graph.named(leakyRelu(first, 0.2), 'conv1');
  const inner = convolution(x, 'conv2', 2 * baseWidth, { kernel: 1, bias, spectralNorm });
  const second = normalise(inner, 'conv2', norm);
  const y = graph.named(leakyRelu(second, 0.2), 'conv2');
  graph.output(convolution(y, 'conv3', 1, { kernel: 1, bias }), 'score');
  return graph;
}

/** The input `pair` of a discriminator for images of this size. */
export function pairInput(graph: Graph, channels: number, size: DiscriminatorOptions['size']): Value {
  return graph.input('pair', 'float32', ['batch', channels, ...sidesOf(size)]);
}

function sidesOf(size: DiscriminatorOptions['size']): readonly [Dim, Dim] {
  if (size === undefined) return ['height', 'width'];
  return typeof size === 'number' ? [size, size] : size;
}
