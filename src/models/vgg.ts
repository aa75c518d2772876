import { Graph, type Value } from '../graph/graph.ts';
import { relu } from '../ops/activation.ts';
import { flatten } from '../ops/layout.ts';
import { averagePool, maxPool } from '../ops/pool.ts';
import { GanletError } from '../util/errors.ts';
import { featureConvolution, featureLinear } from './feature-layers.ts';
import { checkWhole } from './layers.ts';

/** Mean and deviation of ImageNet's pixels on [0, 1], which torchvision's networks expect taken off. */
export const imagenetPixels = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

export interface Vgg16Options {
  /** Side of the images, a multiple of 224. */
  size?: number;
  /** Channels of the first stage; the last has eight times as many. */
  baseWidth?: number;
  /** Width of the two fully connected layers. */
  hidden?: number;
}

/**
 * VGG-16 (Simonyan & Zisserman 2015) up to its second fully connected layer. Input `image` float32 [batch, 3, size, size],
 * on [0, 1] with ImageNet's mean and deviation taken off; outputs `fc2_relu` [batch, 4096], the features of improved
 * precision and recall, and `fc2` before the ReLU. Parameters as in torchvision: `features.0.weight`, `classifier.3.bias`, ….
 * Throws SIZE_INVALID, OPTION_INVALID.
 */
export function vgg16({ size = 224, baseWidth = 64, hidden = 4096 }: Vgg16Options = {}): Graph {
  checkWhole('baseWidth', baseWidth, 1);
  checkWhole('hidden', hidden, 1);
  if (!Number.isInteger(size) || size < 224 || size % 224 !== 0) {
    throw new GanletError(
      'SIZE_INVALID',
      `images for VGG-16 must have a multiple of 224 pixels a side, got ${size}`,
    );
  }
  const graph = new Graph('vgg16');
  const image = graph.input('image', 'float32', ['batch', 3, size, size]);
  const [last] = vgg16Stages(image, baseWidth).slice(-1);
  const pooled = maxPool(last!, { kernel: [2, 2] });
  const cell = size / 224;
  const grid = cell === 1 ? pooled : averagePool(pooled, { kernel: [cell, cell] });
  const fc1 = relu(featureLinear(flatten(grid), 'classifier.0', hidden));
  const fc2 = featureLinear(fc1, 'classifier.3', hidden);
  graph.output(relu(fc2), 'fc2_relu');
  graph.output(fc2, 'fc2');
  return graph;
}

/**
 * The convolutions of VGG-19 (Simonyan & Zisserman 2015) as perceptual losses compare them (Wang et al. 2018). Input `image`
 * float32 [batch, 3, height, width], at least 16 pixels a side; outputs `relu1_1`, `relu2_1`, `relu3_1`, `relu4_1`, `relu5_1`,
 * each half the size of the one before. Parameters as in torchvision: `features.0.weight`, …, `features.28.bias`.
 */
export function vgg19Features(baseWidth = 64): Graph {
  checkWhole('baseWidth', baseWidth, 1);
  const graph = new Graph('vgg19');
  let x = graph.input('image', 'float32', ['batch', 3, 'height', 'width']);
  let index = 0;
  for (const [stage, count] of [2, 2, 4, 4, 1].entries()) {
    if (stage > 0) {
      x = maxPool(x, { kernel: [2, 2] });
      index++;
    }
    for (let k = 0; k < count; k++) {
      const channels = baseWidth * Math.min(2 ** stage, 8);
      x = relu(featureConvolution(x, `features.${index}`, channels, { kernel: 3, pad: 1 }));
      if (k === 0) graph.output(x, `relu${stage + 1}_1`);
      index += 2;
    }
  }
  return graph;
}

/** The rectified ends of the five stages of VGG-16 (relu1_2, 2_2, 3_3, 4_3, 5_3), each before its pool. */
export function vgg16Stages(x: Value, baseWidth = 64): Value[] {
  const stages: Value[] = [];
  let index = 0;
  for (const [stage, count] of [2, 2, 3, 3, 3].entries()) {
    if (stage > 0) {
      x = maxPool(x, { kernel: [2, 2] });
      index++;
    }
    for (let k = 0; k < count; k++) {
      const channels = baseWidth * Math.min(2 ** stage, 8);
      x = relu(featureConvolution(x, `features.${index}`, channels, { kernel: 3, pad: 1 }));
      index += 2;
    }
    stages.push(x);
  }
  return stages;
}
