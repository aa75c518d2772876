import type { Value } from '../graph/graph.ts';
import { leakyRelu, relu } from '../ops/activation.ts';
import { add, mul } from '../ops/elementwise.ts';
import { instanceNorm } from '../ops/norm.ts';
import { plainBatchNorm } from './conditional-norm.ts';
import { convolution, separableConvolution } from './layers.ts';

export interface SpadeBlockOptions {
  /** Channels of the result. */
  out: number;
  /** Channels between the two convolutions. */
  inner: number;
  /** Channels between the label map and the modulations, in each of them. */
  hidden: number;
  /** A 1×1 convolution on the way around; without it `out` must be what `x` has. */
  learnedShortcut: boolean;
  /** The norm without parameters under the modulation. */
  norm: 'batch' | 'instance';
  /** Scale and shift by depthwise 3×3 → instance norm → pointwise 1×1 convolutions. */
  separable: boolean;
  spectralNorm: boolean;
}

/**
 * The residual block of SPADE (Park et al. 2019, fig. 4): shortcut(x) + conv_1(lrelu(spade_1(conv_0(lrelu(spade_0(x)))))),
 * 3×3 convolutions with bias, leaky ReLU of slope 0.2. The shortcut is x itself or conv_s(spade_s(x)), 1×1 without bias.
 * `labels` has the size of x. Parameters `<name>.conv_0`, `.conv_1`, `.conv_s` and, of each modulation, see
 * `spadeModulation`, `<name>.norm_0`, `.norm_1`, `.norm_s`. The sum is called `name`.
 */
export function spadeBlock(x: Value, labels: Value, name: string, options: SpadeBlockOptions): Value {
  const { out, inner, learnedShortcut, spectralNorm } = options;
  const modulated = (y: Value, at: string) => spadeModulation(y, labels, `${name}.${at}`, options);
  const layer = { kernel: 3, pad: 1, spectralNorm };
  const first = convolution(leakyRelu(modulated(x, 'norm_0'), 0.2), `${name}.conv_0`, inner, layer);
  const second = convolution(leakyRelu(modulated(first, 'norm_1'), 0.2), `${name}.conv_1`, out, layer);
  const shortcut = learnedShortcut
    ? convolution(modulated(x, 'norm_s'), `${name}.conv_s`, out, { kernel: 1, bias: false, spectralNorm })
    : x;
  return x.graph.named(add(shortcut, second), name);
}

/**
 * Spatially-adaptive normalisation (Park et al. 2019, eq. 1): norm(x)·(1 + γ) + β, γ and β of each channel and position two
 * 3×3 convolutions of relu(a 3×3 convolution of the labels). Parameters `<name>.shared`, `<name>.gamma` and `<name>.beta`
 * (separable: `.depthwise` and `.pointwise` of the latter two), and the statistics `<name>.norm.mean` and `.var` of a batch norm.
 */
export function spadeModulation(
  x: Value,
  labels: Value,
  name: string,
  { hidden, norm, separable }: Pick<SpadeBlockOptions, 'hidden' | 'norm' | 'separable'>,
): Value {
  const { graph } = x;
  const channels = x.shape[1] as number;
  const normal =
    norm === 'batch' ? plainBatchNorm(x, name, channels) : graph.scoped(name, () => instanceNorm(x));
  const shared = relu(convolution(labels, `${name}.shared`, hidden, { kernel: 3, pad: 1 }));
  const map = (at: string) =>
    separable
      ? separableConvolution(shared, `${name}.${at}`, channels)
      : convolution(shared, `${name}.${at}`, channels, { kernel: 3, pad: 1 });
  const [gamma, beta] = [map('gamma'), map('beta')];
  return graph.scoped(name, () => add(mul(normal, add(gamma, 1)), beta));
}
