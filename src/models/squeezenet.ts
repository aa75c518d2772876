import type { Value } from '../graph/graph.ts';
import { relu } from '../ops/activation.ts';
import { maxPool } from '../ops/pool.ts';
import { concat } from '../ops/segments.ts';
import { featureConvolution } from './feature-layers.ts';

/** Fire modules of SqueezeNet 1.1: place in torchvision's `features`, channels squeezed to, channels of each expansion. */
const fires = [
  [3, 16, 64],
  [4, 16, 64],
  [6, 32, 128],
  [7, 32, 128],
  [9, 48, 192],
  [10, 48, 192],
  [11, 64, 256],
  [12, 64, 256],
] as const;

/** Fire modules whose results LPIPS compares. */
const compared = [4, 7, 9, 10, 11, 12];

/**
 * What LPIPS compares in SqueezeNet 1.1 (Iandola et al. 2016): the first rectified convolution and the results of the fire
 * modules 4, 7, 9, 10, 11 and 12 (64, 128, 256, 384, 384, 512, 512 channels). Pools keep windows that hang over the edge.
 * Parameters `features.0`, `features.<k>.squeeze`, `.expand1x1`, `.expand3x3`.
 */
export function squeezenetStages(image: Value): Value[] {
  const pooled = (x: Value) => maxPool(x, { kernel: [3, 3], strides: [2, 2], ceil: true });
  let x = relu(featureConvolution(image, 'features.0', 64, { kernel: 3, stride: 2 }));
  const stages = [x];
  let place = 2;
  for (const [index, narrow, wide] of fires) {
    if (index !== place) x = pooled(x);
    place = index + 1;
    const at = `features.${index}`;
    const squeezed = relu(featureConvolution(x, `${at}.squeeze`, narrow, { kernel: 1 }));
    const points = relu(featureConvolution(squeezed, `${at}.expand1x1`, wide, { kernel: 1 }));
    const squares = relu(featureConvolution(squeezed, `${at}.expand3x3`, wide, { kernel: 3, pad: 1 }));
    x = concat([points, squares], 1);
    if (compared.includes(index)) stages.push(x);
  }
  return stages;
}
