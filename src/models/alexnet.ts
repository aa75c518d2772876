import type { Value } from '../graph/graph.ts';
import { relu } from '../ops/activation.ts';
import { maxPool } from '../ops/pool.ts';
import { featureConvolution } from './feature-layers.ts';

/**
 * The five rectified convolutions of AlexNet in the version of Krizhevsky (2014), as torchvision has it: 64, 192, 384, 256
 * and 256 channels, the largest of each 3×3 window of the first two, every second one, handed on. Parameters
 * `features.0`, `.3`, `.6`, `.8`, `.10`.
 */
export function alexnetStages(image: Value): Value[] {
  const pooled = (x: Value) => maxPool(x, { kernel: [3, 3], strides: [2, 2] });
  const layer = (x: Value, index: number, channels: number, kernel = 3, stride = 1, pad = 1) =>
    relu(featureConvolution(x, `features.${index}`, channels, { kernel, stride, pad }));
  const first = layer(image, 0, 64, 11, 4, 2);
  const second = layer(pooled(first), 3, 192, 5, 1, 2);
  const third = layer(pooled(second), 6, 384);
  const fourth = layer(third, 8, 256);
  return [first, second, third, fourth, layer(fourth, 10, 256)];
}
