import { float32, type Graph, type Value } from '../graph/graph.ts';
import { Dropout } from '../ops/activation.ts';
import { conv, convTranspose } from '../ops/conv.ts';
import { batchNorm, instanceNorm } from '../ops/norm.ts';
import { emit } from '../ops/op.ts';
import { spectralWeight } from '../ops/spectral-norm.ts';
import { pad } from '../ops/window.ts';
import { GanletError } from '../util/errors.ts';

/** Instance normalisation has no parameters; batch normalisation is affine, with frozen statistics. */
export type Norm = 'instance' | 'batch' | 'none';

/** How an image is continued beyond its edges: mirrored, its last pixel repeated, or zeros. */
export type Padding = 'reflect' | 'replicate' | 'zero';

export interface ConvolutionOptions {
  kernel: number;
  stride?: number;
  /** Pixels added on each side. */
  pad?: number;
  padding?: Padding;
  bias?: boolean;
  group?: number;
  /** Divides the weight by its largest singular value (Miyato et al. 2018); adds `<name>.spectral.u` and `.v`. */
  spectralNorm?: boolean;
}

/** A float32 parameter called `name`, every element `fill` until it is initialised or loaded. */
export function parameter(graph: Graph, name: string, shape: readonly number[], fill = 0): Value {
  const count = shape.reduce((a, b) => a * b, 1);
  return graph.constant(float32(shape, new Float32Array(count).fill(fill)), name);
}

/** A square convolution to `channels`, with parameters `<name>.weight` [channels, in/group, k, k] and `<name>.bias`. */
export function convolution(x: Value, name: string, channels: number, options: ConvolutionOptions): Value {
  const { kernel, stride = 1, pad: width = 0, padding = 'zero', bias = true, group = 1 } = options;
  const { graph } = x;
  const own = parameter(graph, `${name}.weight`, [channels, (x.shape[1] as number) / group, kernel, kernel]);
  const weight = options.spectralNorm ? spectralWeight(own, name) : own;
  return graph.scoped(name, () => {
    const inside = padding === 'zero' ? width : 0;
    const padded = width === inside ? x : padImage(x, width, padding === 'replicate' ? 'edge' : 'reflect');
    return conv(padded, weight, {
      strides: [stride, stride],
      pads: [inside, inside, inside, inside],
      group,
      ...(bias && { bias: parameter(graph, `${name}.bias`, [channels]) }),
    });
  });
}

/**
 * A 3×3 convolution to `channels` as a depthwise one, an instance norm whatever the network's norm is, and a 1×1 one (GAN
 * Compression, Li et al. 2020): parameters `<name>.depthwise` and `<name>.pointwise`, both with bias.
 */
export function separableConvolution(
  x: Value,
  name: string,
  channels: number,
  padding: Padding = 'zero',
): Value {
  const depthwise = `${name}.depthwise`;
  const group = x.shape[1] as number;
  const each = convolution(x, depthwise, group, { kernel: 3, pad: 1, padding, group });
  return convolution(normalise(each, depthwise, 'instance'), `${name}.pointwise`, channels, { kernel: 1 });
}

/** A square transposed convolution to `channels`, with parameters `<name>.weight` [in, channels, k, k] and `<name>.bias`. */
export function upConvolution(
  x: Value,
  name: string,
  channels: number,
  options: { kernel: number; stride: number; pad: number; outputPadding?: number; bias?: boolean },
): Value {
  const { kernel, stride, pad: p, outputPadding = 0, bias = true } = options;
  const { graph } = x;
  const weight = parameter(graph, `${name}.weight`, [x.shape[1] as number, channels, kernel, kernel]);
  return graph.scoped(name, () =>
    convTranspose(x, weight, {
      strides: [stride, stride],
      pads: [p, p, p, p],
      outputPadding: [outputPadding, outputPadding],
      ...(bias && { bias: parameter(graph, `${name}.bias`, [channels]) }),
    }),
  );
}

/**
 * Normalises the result of layer `name`. Batch norm adds `<name>.norm.weight`, `.bias`, `.mean` and `.var`.
 * Epsilon is 1e-5, as in PyTorch.
 */
export function normalise(x: Value, name: string, norm: Norm): Value {
  const { graph } = x;
  if (norm === 'none') return x;
  if (norm === 'instance') return graph.scoped(name, () => instanceNorm(x));
  const channels = [x.shape[1] as number];
  const [weight, bias, mean, variance] = [
    parameter(graph, `${name}.norm.weight`, channels, 1),
    parameter(graph, `${name}.norm.bias`, channels),
    parameter(graph, `${name}.norm.mean`, channels),
    parameter(graph, `${name}.norm.var`, channels, 1),
  ];
  return graph.scoped(name, () => batchNorm(x, weight, bias, mean, variance));
}

/** A Dropout node when `ratio` is above 0. It does nothing at inference; a training program replaces it by a mask. */
export function dropout(x: Value, name: string, ratio: number): Value {
  if (ratio === 0) return x;
  return x.graph.scoped(name, () => emit(Dropout, [x, x.graph.scalar(ratio)]));
}

function padImage(x: Value, width: number, mode: 'reflect' | 'edge'): Value {
  return pad(x, [0, 0, width, width, 0, 0, width, width], mode);
}

/** Throws OPTION_INVALID unless `value` is a whole number of at least `min`. */
export function checkWhole(name: string, value: number, min: number): void {
  if (!Number.isInteger(value) || value < min) {
    throw new GanletError(
      'OPTION_INVALID',
      `${name} must be a whole number of at least ${min}, got ${value}`,
    );
  }
}
