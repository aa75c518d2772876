import { mulDim } from '../graph/dims.ts';
import { type Attributes, type Dim, type Node, showShape, type Value } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { Conv, ConvTranspose } from './conv.ts';
import { cast, div, equal, mul } from './elementwise.ts';
import { expandTo, reshape } from './layout.ts';
import type { ChannelRelation, NodeView, Op } from './op.ts';
import { emit, need, num, shapeError } from './op.ts';
import { averageMatrix, oneHotKernels, type PoolAxis, poolAxes, tapOrder } from './pool-windows.ts';
import { countOf, reduceMax, reduceSum } from './reduce.ts';
import { upsample } from './resize.ts';
import { separableAdjoint } from './separable.ts';

function pooledShape(view: NodeView): Dim[] {
  const [rows, columns] = poolAxes(view);
  const [n, c] = need(view, 0).shape as [Dim, Dim];
  return [n, c, rows.windows, columns.windows];
}

/** Pooling keeps batch and channels apart. */
function sameChannels({ inputs: [x], outputs: [y] }: Node): ChannelRelation[] {
  return [0, 1].map((axis) => ({
    kind: 'tie',
    axes: [
      { value: x!, axis },
      { value: y!, axis },
    ],
  }));
}

function needSizes(node: Node): void {
  const { shape } = node.inputs[0]!;
  if (typeof shape[2] !== 'number' || typeof shape[3] !== 'number')
    throw new GanletError(
      'GRADIENT_MISSING',
      `gradient of ${node.op} "${node.name}" needs the image size, got ${showShape(shape)}`,
    );
}

// y = means of windows = A·x·Bᵀ: dx = Aᵀ·dy·B; where windows tile the image each pixel gets its window's dy/k²
export const AveragePool: Op = {
  type: 'AveragePool',
  defaults: { ceil_mode: 0, count_include_pad: 0 },
  infer: (view) => [{ dtype: need(view, 0).dtype, shape: pooledShape(view) }],
  gradient: ({ dy, node }) => {
    needSizes(node);
    const axes = poolAxes(node);
    const tiles = axes.every(
      (a) => a.kernel === a.stride && a.dilation === 1 && a.size === (a.windows as number) * a.kernel,
    );
    if (tiles) {
      const [kh, kw] = [axes[0].kernel, axes[1].kernel];
      return [upsample(mul(dy, 1 / (kh * kw)), [kh, kw])];
    }
    const inclusive = num(node.attributes, 'count_include_pad', 0) === 1;
    const [a, b] = axes.map((axis) => averageMatrix(axis, inclusive));
    return [separableAdjoint(dy, a!, b!)];
  },
  channels: sameChannels,
};

// y = largest of each window: dx = dy at the first position that holds it
export const MaxPool: Op = {
  type: 'MaxPool',
  defaults: { ceil_mode: 0 },
  infer(view) {
    const shape = pooledShape(view);
    const types = [
      { dtype: need(view, 0).dtype, shape },
      { dtype: 'int64' as const, shape },
    ];
    return types.slice(0, view.outputs?.length ?? 1);
  },
  gradient: ({ dy, node }) => {
    needSizes(node);
    return [maxPoolGradient(dy, node.inputs[0]!, node.outputs[0]!, poolAxes(node))];
  },
  channels: sameChannels,
};

/**
 * A convolution with one-hot kernels lays the k² elements of each window side by side as channels (im2col); those that equal
 * the maximum are marked, the first mark of each window kept, and the transposed convolution takes dy back to where it was read.
 */
function maxPoolGradient(dy: Value, x: Value, y: Value, axes: readonly [PoolAxis, PoolAxis]): Value {
  const { graph, dtype } = x;
  const [n, c] = x.shape as [Dim, Dim];
  const [kh, kw] = [axes[0].kernel, axes[1].kernel];
  // How far the last window reaches beyond the image (which with ceil_mode may be further than the pads say), or falls short.
  const beyond = axes.map((a) => {
    const reach = ((a.windows as number) - 1) * a.stride + (a.kernel - 1) * a.dilation + 1;
    return reach - a.pads[0] - (a.size as number);
  });
  const attributes = {
    kernel_shape: [kh, kw],
    strides: axes.map((a) => a.stride),
    dilations: axes.map((a) => a.dilation),
    pads: [...axes.map((a) => a.pads[0]), ...beyond.map((b) => Math.max(0, b))],
    group: 1,
  };
  const single = (v: Value) => reshape(v, [mulDim(n, c), 1, ...v.shape.slice(2)], v);
  const kernels = graph.sharedConstant(`taps${kh}x${kw}`, () => oneHotKernels(kh, kw));
  const [rows, columns] = axes.map((a) => Object.values(a).join(','));
  const order = graph.sharedConstant(`order:${rows}:${columns}`, () => tapOrder(axes));

  const windows = emit(Conv, [single(x), kernels], attributes);
  const marks = mul(cast(equal(windows, single(y)), dtype), order);
  const first = cast(equal(marks, reduceMax(marks, [1])), dtype);
  const dx = emit(ConvTranspose, [mul(first, single(dy)), kernels], {
    ...attributes,
    output_padding: beyond.map((b) => Math.max(0, -b)),
  });
  return reshape(dx, x.shape, x);
}

function imageAxes(x: Value): number[] {
  return x.shape.map((_, i) => i).slice(2);
}

function globalShape(view: NodeView) {
  const { dtype, shape } = need(view, 0);
  if (shape.length < 3) throw shapeError(view, `the image must have 3 axes or more, got ${showShape(shape)}`);
  return [{ dtype, shape: shape.map((d, i) => (i < 2 ? d : 1)) }];
}

// y = mean of the image: dx = dy/(H·W) everywhere
export const GlobalAveragePool: Op = {
  type: 'GlobalAveragePool',
  infer: globalShape,
  gradient: ({ dy, inputs: [x] }) => [expandTo(div(dy, countOf(x!, imageAxes(x!), dy)), x!)],
  channels: sameChannels,
};

// y = largest of the image: dx = dy where x = y, in equal parts where several are
export const GlobalMaxPool: Op = {
  type: 'GlobalMaxPool',
  infer: globalShape,
  gradient: ({ dy, inputs: [x], outputs: [y] }) => {
    const mask = cast(equal(x!, y!), dy.dtype);
    return [mul(mask, div(dy, reduceSum(mask, imageAxes(x!))))];
  },
  channels: sameChannels,
};

export interface PoolOptions {
  /** Window size, [rows, columns]. */
  kernel: readonly number[];
  /** Step between windows; the window size when left out. */
  strides?: readonly number[];
  /** Border around the image: [top, left, bottom, right]. */
  pads?: readonly number[];
  /** Keep a last window that hangs over the border. */
  ceil?: boolean;
}

function poolAttributes({
  kernel,
  strides = kernel,
  pads = [0, 0, 0, 0],
  ceil = false,
}: PoolOptions): Attributes {
  return { kernel_shape: kernel, strides, pads, ceil_mode: ceil ? 1 : 0 };
}

/** Means of windows of an image [N, C, H, W]; zeros of the border count when `countPads`. */
export const averagePool = (x: Value, options: PoolOptions & { countPads?: boolean }): Value =>
  emit(AveragePool, [x], { ...poolAttributes(options), count_include_pad: options.countPads ? 1 : 0 });

/** Largest elements of windows of an image [N, C, H, W]; the border never wins. */
export const maxPool = (x: Value, options: PoolOptions): Value => emit(MaxPool, [x], poolAttributes(options));

/** Mean of each channel's image: [N, C, H, W] → [N, C, 1, 1]. */
export const globalAveragePool = (x: Value): Value => emit(GlobalAveragePool, [x]);

/** Largest element of each channel's image: [N, C, H, W] → [N, C, 1, 1]. */
export const globalMaxPool = (x: Value): Value => emit(GlobalMaxPool, [x]);
