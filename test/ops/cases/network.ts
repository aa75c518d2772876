import { float32, type Value } from '../../../src/graph/graph.ts';
import { Gemm, linear, matMul } from '../../../src/ops/matmul.ts';
import { batchNorm, batchNormTraining, groupNorm, instanceNorm, layerNorm } from '../../../src/ops/norm.ts';
import { emit } from '../../../src/ops/op.ts';
import {
  averagePool,
  globalAveragePool,
  globalMaxPool,
  maxPool,
  type PoolOptions,
} from '../../../src/ops/pool.ts';
import {
  mean,
  ReduceMean,
  ReduceSum,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceSum,
  sum,
} from '../../../src/ops/reduce.ts';
import { Resize, type ResizeOptions, resizeTo, upsample } from '../../../src/ops/resize.ts';
import { type Drawn, distinct, type GradientCase, normal, positive } from '../finite-differences.ts';

const one = (name: string, x: Drawn, f: (x: Value) => Value): GradientCase => ({
  name,
  inputs: { x },
  build: (v) => f(v.x!),
});

const product = (a: number[], b: number[]): GradientCase => ({
  name: `MatMul [${a}] with [${b}]`,
  inputs: { a: normal(a), b: normal(b) },
  build: (v) => matMul(v.a!, v.b!),
});

const gemm = (attributes: Record<string, number>, c: number[]): GradientCase => ({
  name: `Gemm ${JSON.stringify(attributes)} with C [${c}]`,
  inputs: {
    a: normal(attributes.transA ? [4, 2] : [2, 4]),
    b: normal(attributes.transB ? [3, 4] : [4, 3]),
    c: normal(c),
  },
  build: (v) => emit(Gemm, [v.a!, v.b!, v.c!], attributes),
});

/** Means over axes with the operator's own axes forms. */
const reduceCases = (name: string, f: typeof reduceSum, draw: typeof normal): GradientCase[] =>
  [[0], [1, 2], [-1], [0, 1, 2]].flatMap((axes) =>
    [true, false].map((keep) =>
      one(`${name} over ${axes}${keep ? ', kept' : ''}`, draw([2, 3, 4]), (x) => f(x, axes, keep)),
    ),
  );

const normCase = (
  name: string,
  shape: number[],
  width: number[],
  f: (v: Record<string, Value>) => Value,
): GradientCase => ({
  name,
  inputs: { x: normal(shape), gamma: normal(width), beta: normal(width) },
  build: f,
});

const pools: (PoolOptions & { x: number[]; countPads?: boolean })[] = [
  { x: [2, 3, 6, 8], kernel: [2, 2] },
  { x: [2, 2, 7, 7], kernel: [2, 2] },
  { x: [2, 2, 7, 8], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  { x: [2, 2, 7, 8], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], countPads: true },
  { x: [1, 2, 6, 5], kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] },
  { x: [1, 2, 6, 5], kernel: [3, 2], strides: [1, 2], pads: [0, 1, 2, 0] },
  { x: [1, 2, 6, 5], kernel: [3, 2], strides: [1, 2], pads: [0, 1, 2, 0], countPads: true },
  { x: [1, 2, 7, 7], kernel: [2, 2], strides: [2, 2], ceil: true },
  { x: [1, 2, 6, 6], kernel: [3, 3], strides: [2, 2], ceil: true },
  { x: [1, 2, 6, 7], kernel: [3, 3], strides: [3, 3], pads: [1, 1, 0, 0], ceil: true },
  { x: [1, 2, 6, 7], kernel: [3, 3], strides: [3, 3], pads: [1, 1, 0, 0], ceil: true, countPads: true },
  { x: [1, 2, 6, 5], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil: true, countPads: true },
  { x: [1, 1, 5, 5], kernel: [5, 5] },
  { x: [2, 1, 9, 9], kernel: [2, 3], strides: [3, 4] },
];

const poolCases = (name: string, f: typeof averagePool, draw: typeof normal): GradientCase[] =>
  pools
    .filter((p) => name === 'AveragePool' || !p.countPads)
    .map(({ x, ...options }) =>
      one(`${name} [${x}] ${JSON.stringify(options)}`, draw(x), (v) => f(v, options)),
    );

const scalings: [scales: [number, number], options: ResizeOptions][] = [
  [[2, 2], {}],
  [[3, 1], {}],
  [[2, 2], { transform: 'half_pixel' }],
  [[0.5, 0.5], {}],
  [[1.5, 2.5], {}],
  [[2, 2], { mode: 'linear' }],
  [[2, 3], { mode: 'linear', transform: 'asymmetric' }],
  [[2, 2], { mode: 'linear', transform: 'align_corners' }],
  [[1.5, 0.7], { mode: 'linear' }],
  [[1, 2], { mode: 'linear' }],
  [[0.5, 0.5], { mode: 'linear', transform: 'align_corners' }],
  [[0.5, 2], { mode: 'linear', transform: 'pytorch_half_pixel' }],
  [[0.25, 0.2], { mode: 'linear', transform: 'pytorch_half_pixel' }],
];
const sizings: [size: [number, number], options: ResizeOptions][] = [
  [[8, 10], {}],
  [[7, 3], {}],
  [[7, 9], { transform: 'half_pixel' }],
  [[8, 10], { mode: 'linear' }],
  [[7, 3], { mode: 'linear' }],
  [[7, 9], { mode: 'linear', transform: 'align_corners' }],
  [[1, 1], { mode: 'linear', transform: 'align_corners' }],
  [[1, 7], { mode: 'linear', transform: 'pytorch_half_pixel' }],
];
const rounding = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'].flatMap((nearest_mode) =>
  ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'].map((coordinate_transformation_mode) =>
    one(`Resize nearest ${nearest_mode} ${coordinate_transformation_mode}`, normal([1, 2, 4, 5]), (x) => {
      const scales = x.graph.constant(float32([4], [1, 1, 2, 1.6]));
      return emit(Resize, [x, null, scales], {
        mode: 'nearest',
        nearest_mode,
        coordinate_transformation_mode,
      });
    }),
  ),
);

export const networkCases = {
  MatMul: [
    product([2, 3], [3, 4]),
    product([2, 3, 4], [4, 5]),
    product([3, 4], [2, 4, 5]),
    product([2, 1, 3, 4], [5, 4, 2]),
    product([2, 3, 4], [2, 4, 1]),
  ],
  Gemm: [
    ...[{}, { transA: 1 }, { transB: 1 }, { transA: 1, transB: 1, alpha: 0.5, beta: 2 }].map((at) =>
      gemm(at, [3]),
    ),
    gemm({}, [2, 3]),
    gemm({}, [2, 1]),
    gemm({ beta: 0.3 }, []),
  ],
  ReduceSum: [
    ...reduceCases('ReduceSum', reduceSum, normal),
    one('ReduceSum over everything by default', normal([2, 3]), (x) => emit(ReduceSum, [x])),
    one('ReduceSum over nothing', normal([2, 3]), (x) => emit(ReduceSum, [x], { noop_with_empty_axes: 1 })),
    one('sum', normal([2, 3]), sum),
  ],
  ReduceMean: [
    ...reduceCases('ReduceMean', reduceMean, normal),
    one('ReduceMean over everything by default', normal([2, 3]), (x) =>
      emit(ReduceMean, [x], { keepdims: 0 }),
    ),
    one('mean', normal([2, 3]), mean),
  ],
  ReduceMax: reduceCases('ReduceMax', reduceMax, distinct),
  ReduceMin: reduceCases('ReduceMin', reduceMin, distinct),
  InstanceNormalization: [
    normCase('InstanceNormalization', [2, 3, 4, 5], [3], (v) => instanceNorm(v.x!, v.gamma!, v.beta!)),
    normCase('InstanceNormalization of rows', [2, 3, 7], [3], (v) =>
      instanceNorm(v.x!, v.gamma!, v.beta!, 0.1),
    ),
    one('InstanceNormalization without parameters', normal([2, 3, 4, 4]), (x) => instanceNorm(x)),
  ],
  BatchNormalization: [
    {
      name: 'BatchNormalization',
      inputs: {
        x: normal([2, 3, 4, 2]),
        gamma: normal([3]),
        beta: normal([3]),
        mean: normal([3]),
        variance: positive([3]),
      },
      build: (v: Record<string, Value>) => batchNorm(v.x!, v.gamma!, v.beta!, v.mean!, v.variance!),
    },
    {
      name: 'BatchNormalization of vectors',
      inputs: {
        x: normal([4, 3]),
        gamma: normal([3]),
        beta: normal([3]),
        mean: normal([3]),
        variance: positive([3]),
      },
      build: (v: Record<string, Value>) => batchNorm(v.x!, v.gamma!, v.beta!, v.mean!, v.variance!, 0.1),
    },
  ],
  LayerNormalization: [
    normCase('LayerNormalization', [2, 3, 8], [8], (v) => layerNorm(v.x!, v.gamma!, v.beta!)),
    normCase('LayerNormalization from axis 1', [3, 4, 5], [4, 5], (v) =>
      layerNorm(v.x!, v.gamma!, v.beta!, 1, 1e-3),
    ),
  ],
  AveragePool: poolCases('AveragePool', averagePool, normal),
  MaxPool: poolCases('MaxPool', maxPool, distinct),
  GlobalAveragePool: [one('GlobalAveragePool', normal([2, 3, 4, 5]), globalAveragePool)],
  GlobalMaxPool: [one('GlobalMaxPool', distinct([2, 3, 4, 5]), globalMaxPool)],
  Resize: [
    ...scalings.map(([scales, options]) =>
      one(`Resize by ${scales} ${JSON.stringify(options)}`, normal([2, 2, 4, 5]), (x) =>
        upsample(x, scales, options),
      ),
    ),
    ...sizings.map(([size, options]) =>
      one(`Resize to ${size} ${JSON.stringify(options)}`, normal([2, 2, 4, 5]), (x) =>
        resizeTo(x, size, options),
      ),
    ),
    ...rounding,
  ],
} satisfies Record<string, GradientCase[]>;

/** Builders made of several operators. */
export const composedNetworkCases: GradientCase[] = [
  {
    name: 'linear without bias',
    inputs: { x: normal([2, 4]), w: normal([3, 4]) },
    build: (v) => linear(v.x!, v.w!),
  },
  normCase('groupNorm', [2, 6, 3, 3], [6], (v) => groupNorm(v.x!, v.gamma!, v.beta!, 3)),
  normCase('batchNormTraining', [3, 2, 3, 3], [2], (v) => {
    const { graph } = v.x!;
    const [mean, variance] = [graph.constant(float32([2], [0, 0])), graph.constant(float32([2], [1, 1]))];
    return batchNormTraining(v.x!, v.gamma!, v.beta!, mean, variance).y;
  }),
];
