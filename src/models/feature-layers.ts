import type { Value } from '../graph/graph.ts';
import { relu } from '../ops/activation.ts';
import { conv } from '../ops/conv.ts';
import { linear } from '../ops/matmul.ts';
import { batchNorm } from '../ops/norm.ts';
import { parameter } from './layers.ts';

export interface FeatureConvolution {
  /** Side, or [rows, columns]. */
  kernel: number | readonly [number, number];
  stride?: number;
  /** Zeros on each side, or [above and below, left and right]. */
  pad?: number | readonly [number, number];
  bias?: boolean;
}

/** A learnt tensor; a layer that is applied twice finds its own again. */
function shared(x: Value, name: string, shape: readonly number[], fill = 0): Value {
  return x.graph.constants.get(name) ?? parameter(x.graph, name, shape, fill);
}

/** A convolution with parameters `<name>.weight` and `<name>.bias`, the same ones each time it is called in a graph. */
export function featureConvolution(
  x: Value,
  name: string,
  channels: number,
  options: FeatureConvolution,
): Value {
  const { kernel, stride = 1, pad = 0, bias = true } = options;
  const [rows, columns] = pair(kernel);
  const [above, left] = pair(pad);
  const weight = shared(x, `${name}.weight`, [channels, x.shape[1] as number, rows, columns]);
  return x.graph.scoped(name, () =>
    conv(x, weight, {
      strides: [stride, stride],
      pads: [above, left, above, left],
      ...(bias && { bias: shared(x, `${name}.bias`, [channels]) }),
    }),
  );
}

/**
 * Inception's unit: convolution without bias, batch norm of epsilon 1e-3, ReLU; parameters `<name>.conv.weight` and
 * `<name>.bn.weight`, `.bias`, `.running_mean`, `.running_var`.
 */
export function featureUnit(x: Value, name: string, channels: number, options: FeatureConvolution): Value {
  const y = featureConvolution(x, `${name}.conv`, channels, { ...options, bias: false });
  const [weight, bias, mean, variance] = (['weight', 'bias', 'running_mean', 'running_var'] as const).map(
    (part) =>
      shared(x, `${name}.bn.${part}`, [channels], part === 'weight' || part === 'running_var' ? 1 : 0),
  );
  return x.graph.scoped(name, () => relu(batchNorm(y, weight!, bias!, mean!, variance!, 1e-3)));
}

/** A fully connected layer with parameters `<name>.weight` [out, in] and `<name>.bias`. */
export function featureLinear(x: Value, name: string, channels: number): Value {
  const weight = shared(x, `${name}.weight`, [channels, x.shape[1] as number]);
  const bias = shared(x, `${name}.bias`, [channels]);
  return x.graph.scoped(name, () => linear(x, weight, bias));
}

function pair(size: number | readonly [number, number]): readonly [number, number] {
  return typeof size === 'number' ? [size, size] : size;
}
