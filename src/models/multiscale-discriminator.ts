import { Graph, type Value } from '../graph/graph.ts';
import { leakyRelu } from '../ops/activation.ts';
import { averagePool } from '../ops/pool.ts';
import { multiscaleSide } from '../recipe/multiscale.ts';
import { GanletError } from '../util/errors.ts';
import { type DiscriminatorOptions, pairInput } from './discriminator.ts';
import { checkWhole, convolution, normalise } from './layers.ts';

export interface MultiscaleOptions extends DiscriminatorOptions {
  /** Discriminators; each sees the image at half the size of the one before. */
  scales?: number;
  /** Convolutions of stride 2 in each. */
  layers?: number;
}

/**
 * The multi-scale PatchGAN of pix2pixHD and GauGAN (Wang et al. 2018; Park et al. 2019): `scales` discriminators of equal
 * structure and own weights, on the image and on its halvings (means of 3×3, stride 2, edges not padded for). Each has
 * `layers` 4×4 convolutions of stride 2, one of stride 1 and one to a single logit per patch, all padded by 2; widths double up
 * to 8·baseWidth; leaky ReLU of slope 0.2; the inner ones are normalised, without bias, with spectral norms unless
 * `spectralNorm` is false. With 3 layers, 2 scales and width 64 it is GauGAN's ("n_layers 4").
 *
 * Input `pair` float32 [batch, inputChannels, height, width]. Outputs `score/<s>` [batch, 1, …] of each scale from 1, and for
 * feature matching the activations `feature/<s>/<k>` of its layers k from 1. Parameters `scale<s>.conv<k>.weight`, `.bias`,
 * `.norm.*` under batch norm, `.spectral.u` and `.v`. Throws SIZE_INVALID, OPTION_INVALID.
 */
export function multiscaleDiscriminator(options: MultiscaleOptions): Graph {
  const { baseWidth, scales = 2, layers = 3, inputChannels = 6, size } = options;
  checkWhole('baseWidth', baseWidth, 1);
  checkWhole('scales', scales, 1);
  checkWhole('layers', layers, 1);
  const least = Math.min(...[size ?? []].flat());
  if (least < multiscaleSide(scales, layers)) {
    throw new GanletError(
      'SIZE_INVALID',
      `images must have at least ${multiscaleSide(scales, layers)} pixels a side for ${scales} discriminators of ${layers} layers, got ${least}`,
      { hint: 'use fewer scales or layers' },
    );
  }
  const graph = new Graph('multiscale-discriminator');
  let image = pairInput(graph, inputChannels, size);
  const judged: Judged[] = [];
  for (let s = 1; s <= scales; s++) {
    if (s > 1) {
      const halved = { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
      const whole = image;
      image = graph.scoped(`scale${s}`, () => averagePool(whole, halved));
    }
    judged.push(judge(image, `scale${s}`, options));
  }
  for (const [i, { score }] of judged.entries()) graph.output(score, `score/${i + 1}`);
  for (const [i, { features }] of judged.entries())
    for (const [k, feature] of features.entries()) graph.output(feature, `feature/${i + 1}/${k + 1}`);
  return graph;
}

interface Judged {
  score: Value;
  features: Value[];
}

function judge(image: Value, at: string, options: MultiscaleOptions): Judged {
  const { baseWidth, layers = 3, norm = 'instance', spectralNorm = true } = options;
  const features: Value[] = [];
  let x = image;
  for (let k = 1; k <= layers + 1; k++) {
    const name = `${at}.conv${k}`;
    const [stride, inner] = [k <= layers ? 2 : 1, k > 1];
    const layer = { kernel: 4, stride, pad: 2, bias: !inner, spectralNorm: inner && spectralNorm };
    const y = convolution(x, name, baseWidth * Math.min(2 ** (k - 1), 8), layer);
    x = leakyRelu(inner ? normalise(y, name, norm) : y, 0.2);
    features.push(x);
  }
  return { score: convolution(x, `${at}.conv${layers + 2}`, 1, { kernel: 4, pad: 2 }), features };
}
