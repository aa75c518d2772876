import type { Graph, Value } from '../graph/graph.ts';
import { float32 } from '../graph/graph.ts';
import { add, mul } from '../ops/elementwise.ts';
import { inline } from '../ops/inline.ts';
import { transpose } from '../ops/layout.ts';
import { concat } from '../ops/segments.ts';
import { slice } from '../ops/window.ts';
import { GanletError } from '../util/errors.ts';
import { average, reconstructionLoss, summed } from './losses.ts';

/** A frozen network whose inner activations are compared. */
export interface Perceptual {
  /** One input, colour images of any size that its convolutions can take. */
  network: Graph;
  /** Values that are compared, by name, and what their distances count. */
  taps: readonly { name: string; weight: number }[];
  layout: 'NCHW' | 'NHWC';
  channels: 'RGB' | 'BGR';
  /** The network takes (x − mean) / std of images in [−1, 1]; red, green, blue. */
  mean: readonly number[];
  std: readonly number[];
}

/**
 * Perceptual loss (Johnson et al. 2016, §3.1, with L1 as in Wang et al. 2018): Σ over taps of weight · mean |φ(fake) − φ(truth)|,
 * the mean over several `fakes`. Images [batch, 1 or 3, height, width] in [−1, 1], compared at their own size; grey ones are
 * shown in three equal channels. The network's weights are constants. Throws PERCEPTUAL_UNFIT for a network that cannot take
 * images of this size, or has not the taps.
 */
export function perceptualLoss(
  graph: Graph,
  perceptual: Perceptual,
  fakes: readonly Value[],
  truth: Value,
): Value {
  const features = perceptualFeatures(graph, perceptual);
  const wanted = features(truth, 'perceptual-truth');
  const losses = fakes.map((fake, k) => {
    const found = features(fake, fakes.length > 1 ? `perceptual${k + 1}` : 'perceptual');
    return summed(
      perceptual.taps.map(({ weight }, i) => {
        const distance = reconstructionLoss('l1', found[i]!, wanted[i]!);
        return weight === 1 ? distance : mul(distance, weight);
      }),
    );
  });
  return average(losses);
}

/** Applies the network to images [batch, 1 or 3, height, width] in [−1, 1] and gives its taps, all times with the same constants. */
export function perceptualFeatures(
  graph: Graph,
  perceptual: Perceptual,
): (image: Value, use: string) => Value[] {
  const { network, taps } = perceptual;
  const constants = new Map<Value, Value>();
  const shared = (constant: Value) => {
    if (constant.dtype !== 'float32' || constant.shape.length === 0) return undefined;
    let copy = constants.get(constant);
    if (!copy) {
      copy = graph.constant(constant.tensor!, `perceptual/${constant.name}`);
      constants.set(constant, copy);
    }
    return copy;
  };
  return (image, use) => {
    const fed = graph.scoped(use, () => prepared(graph, perceptual, image));
    const inputs = { [network.inputs[0]!.name]: fed };
    let values: ReadonlyMap<string, Value>;
    try {
      ({ values } = inline(graph, network, { inputs, prefix: use, parameter: shared }));
    } catch (cause) {
      if (!(cause instanceof GanletError)) throw cause;
      throw unfit(network, `take images [${fed.shape.join(', ')}]: ${cause.message}`, cause);
    }
    return taps.map(({ name }) => {
      const value = values.get(name);
      if (!value) throw unfit(network, `have a value "${name}", it has not`);
      return value;
    });
  };
}

/** Images in [−1, 1] as the network takes them. */
function prepared(graph: Graph, { layout, channels, mean, std }: Perceptual, image: Value): Value {
  const colour = image.shape[1] === 1 ? concat([image, image, image], 1) : image;
  const perChannel = (numbers: readonly number[]) => graph.constant(float32([1, 3, 1, 1], numbers), 'levels');
  const scaled = std.every((s) => s === 1) ? colour : mul(colour, perChannel(std.map((s) => 1 / s)));
  const shifts = mean.map((m, c) => -m / std[c]!);
  const shifted = shifts.every((x) => x === 0) ? scaled : add(scaled, perChannel(shifts));
  const plane = (c: number) => slice(shifted, [1], [c], [c + 1]);
  const ordered = channels === 'RGB' ? shifted : concat([plane(2), plane(1), plane(0)], 1);
  return layout === 'NCHW' ? ordered : transpose(ordered, [0, 2, 3, 1]);
}

function unfit({ name }: Graph, must: string, cause?: Error): GanletError {
  return new GanletError('PERCEPTUAL_UNFIT', `the network "${name}" of the perceptual loss must ${must}`, {
    hint: 'take emoji, vgg19 or another network of convolutions',
    cause,
  });
}
