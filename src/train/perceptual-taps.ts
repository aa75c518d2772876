import type { Graph, Value } from '../graph/graph.ts';
import { inputSymbols, staticShape } from '../ops/cost.ts';
import { GanletError } from '../util/errors.ts';
import type { Perceptual } from './perceptual.ts';

/** Weights of five maps from the finest to the coarsest, as published for VGG-19 (Wang et al. 2018; Park et al. 2019, code). */
const fiveWeights = [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1];

const activations = /^(Relu|LeakyRelu|PRelu|Elu|Selu|Clip|Sigmoid|HardSwish|HardSigmoid|Gelu|Softplus|Tanh)$/;

/**
 * What a perceptual loss compares of a network of convolutions: its outputs [batch, C, height, width] where it has such, else
 * the last activation at each resolution of more than one pixel. Five of them count 1/32, 1/16, 1/8, 1/4 and 1 from fine to
 * coarse; any other number n count 1/n each. `size` is the side of its images where its input leaves that open. Throws
 * PERCEPTUAL_UNFIT for a network that has none.
 */
export function perceptualTaps(network: Graph, size: number): Perceptual['taps'] {
  const symbols = inputSymbols(network, { size });
  const sides = (value: Value): string | undefined => {
    if (value.dtype !== 'float32' || value.shape?.length !== 4) return undefined;
    try {
      const [, , height, width] = staticShape(value, symbols);
      return height! * width! > 1 ? `${height}×${width}` : undefined;
    } catch {
      return undefined;
    }
  };
  const last = new Map<string, string>();
  for (const { op, outputs } of network.nodes) {
    const [y] = outputs;
    const resolution = y && activations.test(op) ? sides(y) : undefined;
    if (resolution) last.set(resolution, y!.name);
  }
  const images = network.outputs.filter(sides).map(({ name }) => name);
  const names = images.length > 0 ? images : [...last.values()];
  if (names.length === 0) {
    throw new GanletError(
      'PERCEPTUAL_UNFIT',
      `the network "${network.name}" of the perceptual loss must have activations [batch, C, height, width], it has none`,
      { hint: 'take emoji, vgg19 or another network of convolutions' },
    );
  }
  const weight = (i: number) => (names.length === fiveWeights.length ? fiveWeights[i]! : 1 / names.length);
  return names.map((name, i) => ({ name, weight: weight(i) }));
}
