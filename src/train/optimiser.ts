import type { Graph, Tensor, Value } from '../graph/graph.ts';
import { float32 } from '../graph/graph.ts';
import { add, div, mul, sqrt, sub } from '../ops/elementwise.ts';

export interface AdamOptions {
  beta1: number;
  beta2: number;
}

/** What changes from step to step, as scalars fed to the program. */
export interface AdamInputs {
  /** Learning rate with both bias corrections and the scales of the kept moments, see `adamFeeds`. */
  stepSize: Value;
  /** ε in the scale of the kept second moment. */
  epsilon: Value;
}

/** Declares the scalars of a network's updates, `prefix/stepSize` and `prefix/epsilon`, as inputs of a program. */
export function adamInputs(graph: Graph, prefix: string): AdamInputs {
  return {
    stepSize: graph.input(`${prefix}/stepSize`, 'float32', []),
    epsilon: graph.input(`${prefix}/epsilon`, 'float32', []),
  };
}

/**
 * One Adam update (Kingma & Ba 2015, algorithm 1): returns the new weight and moments.
 *
 * The moments are kept without their factors, M = m/(1 − β₁) and V = v/(1 − β₂), which saves two passes over the weights:
 * M′ = β₁M + g;  V′ = β₂V + g²;  w′ = w − stepSize·M′/(√V′ + ε).
 */
export function adam(
  weight: Value,
  gradient: Value,
  m: Value,
  v: Value,
  { stepSize, epsilon }: AdamInputs,
  { beta1, beta2 }: AdamOptions,
): { weight: Value; m: Value; v: Value } {
  const m1 = beta1 === 0 ? gradient : add(mul(m, beta1), gradient);
  const v1 = add(mul(v, beta2), mul(gradient, gradient));
  const move = mul(div(m1, add(sqrt(v1), epsilon)), stepSize);
  return { weight: sub(weight, move), m: m1, v: v1 };
}

/**
 * The fed scalars for update number `t`, counted from 1. PyTorch's rule lr/(1 − β₁ᵗ)·m/(√v/√(1 − β₂ᵗ) + 1e-8), with
 * m = (1 − β₁)M and √v = √(1 − β₂)·√V, is stepSize·M/(√V + ε) for r = √((1 − β₂ᵗ)/(1 − β₂)), ε = 1e-8·r and
 * stepSize = lr·(1 − β₁)·r/(1 − β₁ᵗ).
 */
export function adamFeeds(
  prefix: string,
  t: number,
  lr: number,
  { beta1, beta2 }: AdamOptions,
): Record<string, Tensor> {
  const r = Math.sqrt((1 - beta2 ** t) / (1 - beta2));
  return {
    [`${prefix}/stepSize`]: float32([], [(lr * (1 - beta1) * r) / (1 - beta1 ** t)]),
    [`${prefix}/epsilon`]: float32([], [1e-8 * r]),
  };
}

/** Running average: e′ = e + rate·(w′ − e). */
export function ema(average: Value, weight: Value, rate: Value): Value {
  return add(average, mul(sub(weight, average), rate));
}

/**
 * 1 − decay, larger during the first steps so that the average does not drag the random start along:
 * the decay at update t is min(decay, (1 + t)/(10 + t)).
 */
export function emaRate(decay: number, t: number): number {
  return 1 - Math.min(decay, (1 + t) / (10 + t));
}

export type Schedule = 'constant' | 'linear' | 'cosine';

/**
 * Learning rate of step `step` (0, 1, …) of `steps`. linear: constant for `constantFraction` of the steps, then falling to
 * zero in a line, as pix2pix; cosine: half a cosine from lr to zero.
 */
export function learningRate(
  lr: number,
  schedule: Schedule,
  constantFraction: number,
  step: number,
  steps: number,
): number {
  if (schedule === 'constant') return lr;
  if (schedule === 'cosine') return lr * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
  const start = constantFraction * steps;
  return step < start ? lr : (lr * (steps - step)) / Math.max(1, steps - start);
}
