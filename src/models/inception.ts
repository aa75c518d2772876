import { Graph, type Value } from '../graph/graph.ts';
import { flatten } from '../ops/layout.ts';
import { linear } from '../ops/matmul.ts';
import { averagePool, globalAveragePool, maxPool } from '../ops/pool.ts';
import { concat } from '../ops/segments.ts';
import { GanletError } from '../util/errors.ts';
import { type FeatureConvolution, featureLinear, featureUnit } from './feature-layers.ts';

/** Pixels after dividing by 255 have this mean and deviation taken off: (x − 128)/128 on 0 … 255. */
export const inceptionInput = { size: 299, mean: 128 / 255, std: 128 / 255 };

/** A unit: name, channels, kernel and the rest; see `featureUnit`. */
type Unit = [name: string, channels: number, ...FeatureArguments];
type FeatureArguments = [
  kernel: FeatureConvolution['kernel'],
  stride?: number,
  pad?: NonNullable<FeatureConvolution['pad']>,
];

/** What goes in front of a branch. */
type Before = 'nothing' | 'average' | 'max';

/**
 * The network of the Fréchet inception distance: Inception v3 (Szegedy et al. 2016) as Google published it in 2015, which
 * is not torchvision's: average pools leave the border out of their divisor, the last block pools maxima, there are 1008
 * logits. Input `image` float32 [batch, 3, size, size], normalised as (x − 128)/128 (pytorch-fid: x/127.5 − 1); the metric
 * is defined at 299 pixels.
 *
 * Outputs, all [batch, n]: `pool` 2048 (the features of FID, KID and P&R variants), `logits` 1008, `logits_unbiased` 1008
 * without the last layer's bias (Inception Score), and the spatial means of earlier layers `pool64`, `pool192`, `pool768`.
 * Parameters are called as in pytorch-fid: `Mixed_5b.branch1x1.conv.weight`, …. Throws SIZE_INVALID below 75 pixels.
 */
export function inception({ size = 299 }: { size?: number } = {}): Graph {
  if (!Number.isInteger(size) || size < 75) {
    throw new GanletError(
      'SIZE_INVALID',
      `images for the Inception network must have at least 75 pixels a side, got ${size}`,
    );
  }
  const graph = new Graph('inception');
  let x = graph.input('image', 'float32', ['batch', 3, size, size]);
  const means = (y: Value) => flatten(globalAveragePool(y));
  x = chain(x, '', [
    ['Conv2d_1a_3x3', 32, 3, 2],
    ['Conv2d_2a_3x3', 32, 3],
    ['Conv2d_2b_3x3', 64, 3, 1, 1],
  ]);
  x = maxPool(x, { kernel: [3, 3], strides: [2, 2] });
  const pool64 = means(x);
  x = chain(x, '', [
    ['Conv2d_3b_1x1', 80, 1],
    ['Conv2d_4a_3x3', 192, 3],
  ]);
  x = maxPool(x, { kernel: [3, 3], strides: [2, 2] });
  const pool192 = means(x);
  for (const [name, pooled] of [
    ['5b', 32],
    ['5c', 64],
    ['5d', 64],
  ] as const)
    x = mixedA(x, `Mixed_${name}`, pooled);
  x = mixedB(x, 'Mixed_6a');
  for (const [name, width] of [
    ['6b', 128],
    ['6c', 160],
    ['6d', 160],
    ['6e', 192],
  ] as const) {
    x = mixedC(x, `Mixed_${name}`, width);
  }
  const pool768 = means(x);
  x = mixedD(x, 'Mixed_7a');
  x = mixedE(x, 'Mixed_7b', 'average');
  x = mixedE(x, 'Mixed_7c', 'max');
  const pool = means(x);
  graph.output(pool, 'pool');
  graph.output(featureLinear(pool, 'fc', 1008), 'logits');
  graph.output(linear(pool, graph.constants.get('fc.weight')!), 'logits_unbiased');
  graph.output(pool64, 'pool64');
  graph.output(pool192, 'pool192');
  graph.output(pool768, 'pool768');
  return graph;
}

function chain(x: Value, block: string, units: readonly Unit[]): Value {
  for (const [name, channels, kernel, stride = 1, pad = 0] of units) {
    x = featureUnit(x, `${block}${block && '.'}${name}`, channels, { kernel, stride, pad });
  }
  return x;
}

function branch(x: Value, block: string, before: Before, ...units: Unit[]): Value {
  const window = { kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] };
  const pooled = { nothing: () => x, average: () => averagePool(x, window), max: () => maxPool(x, window) };
  return chain(pooled[before](), block, units);
}

function mixedA(x: Value, at: string, pooled: number): Value {
  return concat(
    [
      branch(x, at, 'nothing', ['branch1x1', 64, 1]),
      branch(x, at, 'nothing', ['branch5x5_1', 48, 1], ['branch5x5_2', 64, 5, 1, 2]),
      branch(
        x,
        at,
        'nothing',
        ['branch3x3dbl_1', 64, 1],
        ['branch3x3dbl_2', 96, 3, 1, 1],
        ['branch3x3dbl_3', 96, 3, 1, 1],
      ),
      branch(x, at, 'average', ['branch_pool', pooled, 1]),
    ],
    1,
  );
}

function mixedB(x: Value, at: string): Value {
  return concat(
    [
      branch(x, at, 'nothing', ['branch3x3', 384, 3, 2]),
      branch(
        x,
        at,
        'nothing',
        ['branch3x3dbl_1', 64, 1],
        ['branch3x3dbl_2', 96, 3, 1, 1],
        ['branch3x3dbl_3', 96, 3, 2],
      ),
      maxPool(x, { kernel: [3, 3], strides: [2, 2] }),
    ],
    1,
  );
}

/** A 7-pixel row and a 7-pixel column of a kernel, which leave the size as it is. */
const row7: FeatureArguments = [[1, 7], 1, [0, 3]];
const column7: FeatureArguments = [[7, 1], 1, [3, 0]];

function mixedC(x: Value, at: string, width: number): Value {
  return concat(
    [
      branch(x, at, 'nothing', ['branch1x1', 192, 1]),
      branch(
        x,
        at,
        'nothing',
        ['branch7x7_1', width, 1],
        ['branch7x7_2', width, ...row7],
        ['branch7x7_3', 192, ...column7],
      ),
      branch(
        x,
        at,
        'nothing',
        ['branch7x7dbl_1', width, 1],
        ['branch7x7dbl_2', width, ...column7],
        ['branch7x7dbl_3', width, ...row7],
        ['branch7x7dbl_4', width, ...column7],
        ['branch7x7dbl_5', 192, ...row7],
      ),
      branch(x, at, 'average', ['branch_pool', 192, 1]),
    ],
    1,
  );
}

function mixedD(x: Value, at: string): Value {
  return concat(
    [
      branch(x, at, 'nothing', ['branch3x3_1', 192, 1], ['branch3x3_2', 320, 3, 2]),
      branch(
        x,
        at,
        'nothing',
        ['branch7x7x3_1', 192, 1],
        ['branch7x7x3_2', 192, ...row7],
        ['branch7x7x3_3', 192, ...column7],
        ['branch7x7x3_4', 192, 3, 2],
      ),
      maxPool(x, { kernel: [3, 3], strides: [2, 2] }),
    ],
    1,
  );
}

/** The branches of 3×3 end in a row and a column side by side. */
function mixedE(x: Value, at: string, pool: Before): Value {
  const split = (y: Value, name: string) => [
    branch(y, at, 'nothing', [`${name}a`, 384, [1, 3], 1, [0, 1]]),
    branch(y, at, 'nothing', [`${name}b`, 384, [3, 1], 1, [1, 0]]),
  ];
  const single = branch(x, at, 'nothing', ['branch3x3_1', 384, 1]);
  const double = branch(x, at, 'nothing', ['branch3x3dbl_1', 448, 1], ['branch3x3dbl_2', 384, 3, 1, 1]);
  return concat(
    [
      branch(x, at, 'nothing', ['branch1x1', 320, 1]),
      ...split(single, 'branch3x3_2'),
      ...split(double, 'branch3x3dbl_3'),
      branch(x, at, pool, ['branch_pool', 192, 1]),
    ],
    1,
  );
}
