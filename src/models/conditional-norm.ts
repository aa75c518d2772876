import type { Value } from '../graph/graph.ts';
import { float32 } from '../graph/graph.ts';
import { add, mul } from '../ops/elementwise.ts';
import { unsqueeze } from '../ops/layout.ts';
import { matMul } from '../ops/matmul.ts';
import { batchNorm, instanceNorm } from '../ops/norm.ts';
import { type Norm, normalise, parameter } from './layers.ts';

/**
 * Normalises the result of layer `name`, then scales and shifts each channel by class (conditional batch norm, de Vries et al.
 * 2017, as Miyato & Koyama 2018 use it): (1 + gain[class])·x̂ + shift[class]. `label` is one-hot [batch, classes]; without it
 * this is `normalise`. Adds `<name>.norm.gain` and `.shift` [classes, C] and, under batch norm, `<name>.norm.mean` and `.var`.
 * Gains are kept as differences from 1, so that they begin near 0 as all weights do.
 */
export function conditionalNorm(x: Value, name: string, norm: Norm, label: Value | undefined): Value {
  if (!label || norm === 'none') return normalise(x, name, norm);
  const { graph } = x;
  const [classes, channels] = [label.shape[1] as number, x.shape[1] as number];
  const byClass = (kind: string) =>
    unsqueeze(matMul(label, parameter(graph, `${name}.norm.${kind}`, [classes, channels])), [2, 3]);
  const normal =
    norm === 'instance' ? graph.scoped(name, () => instanceNorm(x)) : plainBatchNorm(x, name, channels);
  return graph.scoped(`${name}.norm`, () => add(mul(normal, add(byClass('gain'), 1)), byClass('shift')));
}

/** Batch norm without scale and shift, which are all ones and zeros and are not learnt. */
export function plainBatchNorm(x: Value, name: string, channels: number): Value {
  const { graph } = x;
  const filled = (kind: string, fill: number) =>
    graph.sharedConstant(`${kind}${channels}`, () =>
      float32([channels], new Float32Array(channels).fill(fill)),
    );
  const mean = parameter(graph, `${name}.norm.mean`, [channels]);
  const variance = parameter(graph, `${name}.norm.var`, [channels], 1);
  return graph.scoped(name, () => batchNorm(x, filled('ones', 1), filled('zeros', 0), mean, variance));
}
