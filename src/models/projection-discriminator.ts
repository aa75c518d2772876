import { Graph, type Value } from '../graph/graph.ts';
import { relu } from '../ops/activation.ts';
import { add, mul } from '../ops/elementwise.ts';
import { linear, matMul } from '../ops/matmul.ts';
import { averagePool } from '../ops/pool.ts';
import { reduceSum } from '../ops/reduce.ts';
import { spectralWeight } from '../ops/spectral-norm.ts';
import { doublingsOfFour } from '../recipe/four-pixels.ts';
import { GanletError } from '../util/errors.ts';
import { checkWhole, convolution, parameter } from './layers.ts';

export interface ProjectionOptions {
  /** Channels of the first block; later ones have up to eight times as many. */
  baseWidth: number;
  /** Side of the square image: 8, 16, 32, … */
  size: number;
  /** Classes; 0 for a discriminator that is shown the image alone. */
  classes?: number;
  /** 3 for the image alone, more where a condition lies before it on axis 1. */
  inputChannels?: number;
  /** Divides every weight by its largest singular value, as SNGAN does (see `spectralWeight`). */
  spectralNorm?: boolean;
}

/**
 * The ResNet discriminator of SNGAN with a projection (Miyato & Koyama 2018): residual blocks halve the side down to 4 pixels,
 * one more keeps it; then ReLU and the sum over positions φ(x), and the score is a linear function of φ(x) plus
 * ⟨embedding of the class, φ(x)⟩. No norms other than the spectral one; halving is average pooling.
 *
 * Inputs `image` float32 [batch, inputChannels, size, size] in [−1, 1] and, where there are classes, `class` [batch, classes],
 * one-hot. Outputs `score` [batch, 1] and `feature/1/<k>`, what block k gives.
 * Parameters: `block<k>.conv1`, `.conv2` and, where a block changes size or channels, `.shortcut`; `linear` (weight [1, C]);
 * `embed.weight` [classes, C]. Throws SIZE_INVALID, OPTION_INVALID.
 */
export function projectionDiscriminator(options: ProjectionOptions): Graph {
  const { baseWidth, size, classes = 0, inputChannels = 3, spectralNorm = false } = options;
  checkWhole('baseWidth', baseWidth, 1);
  checkWhole('classes', classes, 0);
  const halvings = doublingsOfFour(size);
  if (halvings === undefined) {
    throw new GanletError(
      'SIZE_INVALID',
      `image size must be a power of two and at least 8 for a projection discriminator, which halves it to 4, got ${size}`,
    );
  }
  const graph = new Graph('projection-discriminator');
  let x = graph.input('image', 'float32', ['batch', inputChannels, size, size]);
  const label = classes > 0 ? graph.input('class', 'float32', ['batch', classes]) : undefined;
  const features: Value[] = [];
  for (let k = 1; k <= halvings + 1; k++) {
    const channels = baseWidth * 2 ** Math.min(k - 1, halvings - 1, 3);
    x = downBlock(x, `block${k}`, channels, {
      first: k === 1,
      halve: k <= halvings,
      spectralNorm,
    });
    features.push(x);
  }
  const pooled = reduceSum(relu(x), [2, 3], false);
  const width = pooled.shape[1] as number;
  const weight = (name: string, shape: readonly number[]) => {
    const own = parameter(graph, `${name}.weight`, shape);
    return spectralNorm ? spectralWeight(own, name) : own;
  };
  const own = graph.scoped('linear', () =>
    linear(pooled, weight('linear', [1, width]), parameter(graph, 'linear.bias', [1])),
  );
  const score = label
    ? graph.scoped('embed', () => {
        const embedded = matMul(label, weight('embed', [classes, width]));
        return add(own, reduceSum(mul(embedded, pooled), [1]));
      })
    : own;
  graph.output(score, 'score');
  for (const [k, feature] of features.entries()) graph.output(feature, `feature/1/${k + 1}`);
  return graph;
}

/** Residual block; the first one does not begin with an activation, as its input is the image. */
function downBlock(
  x: Value,
  name: string,
  channels: number,
  { first, halve, spectralNorm }: { first: boolean; halve: boolean; spectralNorm: boolean },
): Value {
  const { graph } = x;
  const before = x.shape[1] as number;
  const layer = { kernel: 3, pad: 1, spectralNorm };
  const half = (y: Value) =>
    halve ? graph.scoped(name, () => averagePool(y, { kernel: [2, 2], strides: [2, 2] })) : y;
  const hidden = convolution(first ? x : relu(x), `${name}.conv1`, first ? channels : before, layer);
  const main = half(convolution(relu(hidden), `${name}.conv2`, channels, layer));
  // The 1×1 convolution and the mean over pixels can change places; the smaller image is cheaper.
  const shortcut =
    first || halve || before !== channels
      ? convolution(half(x), `${name}.shortcut`, channels, { kernel: 1, spectralNorm })
      : x;
  return add(main, shortcut);
}
