import { Graph, type Value } from '../graph/graph.ts';
import { leakyRelu } from '../ops/activation.ts';
import { flatten } from '../ops/layout.ts';
import { linear } from '../ops/matmul.ts';
import { checkWhole, convolution, normalise, parameter } from './layers.ts';

export interface SpadeEncoderOptions {
  /** Channels of the first layer ("ngf"); later ones have up to eight times as many. */
  baseWidth: number;
  /** Numbers of the latent vector. */
  latent: number;
  /** Side of the square images in pixels. */
  size: number;
  /** Channels of the images. */
  inputChannels?: number;
  /** Spectral norms on the convolutions, as the code of the paper has them. */
  spectralNorm?: boolean;
}

/**
 * The image encoder of GauGAN (Park et al. 2019, appendix A, fig. 14): what a latent vector for a picture is drawn from. Input
 * `image` float32 [batch, inputChannels, size, size] in [−1, 1]; outputs `mean` and `logVariance` [batch, latent].
 *
 * Layers `conv1`, `conv2`, … are 3×3 convolutions of stride 2 without bias, an instance norm without parameters and a leaky ReLU of
 * slope 0.2, of n, 2n, 4n, 8n, 8n, … channels; two linear layers `mean` and `logVariance` of all that is left follow. The paper
 * has six layers for 256 pixels, down to 4×4: there are as many as bring a side to at most 4 pixels, and one at least.
 * Throws OPTION_INVALID.
 */
export function spadeEncoder(options: SpadeEncoderOptions): Graph {
  const { baseWidth, latent, size, inputChannels = 3, spectralNorm = false } = options;
  for (const [name, value] of Object.entries({ baseWidth, latent, size, inputChannels }))
    checkWhole(name, value, 1);
  const graph = new Graph('spade-encoder');
  let x: Value = graph.input('image', 'float32', ['batch', inputChannels, size, size]);
  for (let k = 1; k === 1 || (x.shape[2] as number) > 4; k++) {
    const channels = baseWidth * Math.min(2 ** (k - 1), 8);
    const layer = { kernel: 3, stride: 2, pad: 1, bias: false, spectralNorm };
    const made = convolution(x, `conv${k}`, channels, layer);
    x = leakyRelu(normalise(made, `conv${k}`, 'instance'), 0.2);
  }
  const flat = flatten(x);
  for (const name of ['mean', 'logVariance']) {
    const weight = parameter(graph, `${name}.weight`, [latent, flat.shape[1] as number]);
    const bias = parameter(graph, `${name}.bias`, [latent]);
    graph.output(
      graph.scoped(name, () => linear(flat, weight, bias)),
      name,
    );
  }
  return graph;
}
