import { Graph, type Value } from '../graph/graph.ts';
import { prune } from '../graph/prune.ts';
import { relu } from '../ops/activation.ts';
import { add } from '../ops/elementwise.ts';
import { flatten } from '../ops/layout.ts';
import { globalAveragePool } from '../ops/pool.ts';
import { featureLinear } from './feature-layers.ts';
import { checkWhole, convolution, normalise } from './layers.ts';

export interface FeatureClassifierOptions {
  /** Channels of the first stage; each stage halves the picture and doubles them. */
  baseWidth: number;
  stages: number;
  /** Residual blocks of two convolutions in each stage. */
  blocks: number;
  /** Numbers that describe a picture. */
  dimension: number;
  /** Side of the pictures in pixels, a multiple of 2^stages. */
  size: number;
  /** Classes that each head tells apart, by its name. */
  heads: Readonly<Record<string, number>>;
}

/**
 * A residual network (He et al. 2016) that is trained as a classifier for the sake of what it computes last: `image`
 * [batch, 3, size, size] in [−1, 1] gives `features` [batch, dimension], linear and batch-normalised, and from them alone the
 * logits `<head>` [batch, classes] of each head. Weights are zero; `initialise` fills them. Throws OPTION_INVALID.
 */
export function featureClassifier(options: FeatureClassifierOptions): Graph {
  const { baseWidth, stages, blocks, dimension, size, heads } = options;
  checkWhole('baseWidth', baseWidth, 1);
  checkWhole('stages', stages, 1);
  checkWhole('blocks', blocks, 0);
  checkWhole('dimension', dimension, 1);
  checkWhole('size / 2^stages', size / 2 ** stages, 1);
  const graph = new Graph('features');
  let x = graph.input('image', 'float32', ['batch', 3, size, size]);
  for (let stage = 0; stage < stages; stage++) {
    const channels = baseWidth * 2 ** stage;
    x = relu(unit(x, `stage${stage}.down`, channels, stage === 0 ? 4 : 3, 2));
    for (let k = 0; k < blocks; k++) x = residual(x, `stage${stage}.block${k}`, channels);
  }
  // Batch normalisation knows channels of images only: a vector is an image of one pixel.
  const projected = convolution(globalAveragePool(x), 'features', dimension, { kernel: 1, bias: false });
  const features = flatten(normalise(projected, 'features', 'batch'));
  graph.output(features, 'features');
  for (const [head, classes] of Object.entries(heads)) {
    graph.output(featureLinear(features, `head.${head}`, classes), head);
  }
  return prune(graph);
}

/** The part of a classifier that gives the features: what is kept of it. */
export function withoutHeads(classifier: Graph): Graph {
  classifier.outputs.length = 1;
  return prune(classifier);
}

function unit(x: Value, name: string, channels: number, kernel: number, stride: number): Value {
  return normalise(convolution(x, name, channels, { kernel, stride, pad: 1, bias: false }), name, 'batch');
}

function residual(x: Value, name: string, channels: number): Value {
  const inner = relu(unit(x, `${name}.0`, channels, 3, 1));
  return relu(add(x, unit(inner, `${name}.1`, channels, 3, 1)));
}
