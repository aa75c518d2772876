import type { Tensor, Value } from '../graph/graph.ts';
import { float32 } from '../graph/graph.ts';
import { add, div, mul, sqrt, sub } from '../ops/elementwise.ts';

export interface AdamOptions {
  beta1: number;
  beta2: number;
}

/** What changes from step to step, as scalars fed to the program. */
export interface AdamInputs {
  /** lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ): the learning rate with both bias corrections. */
  stepSize: Value;
  /** ε·√(1 − β₂ᵗ), so that the result is PyTorch's, which adds ε to the corrected root. */
  epsilon: Value;
}

/**
 * One Adam update (Kingma & Ba 2015, algorithm 1, in the efficient order of §2): returns the new weight and moments.
 * m′ = m + (1 − β₁)(g − m);  v′ = β₂v + (1 − β₂)g²;  w′ = w − stepSize·m′/(√v′ + ε).
 */
export function adam(
  weight: Value,
  gradient: Value,
  m: Value,
  v: Value,
  { stepSize, epsilon }: AdamInputs,
  { beta1, beta2 }: AdamOptions,
): { weight: Value; m: Value; v: Value } {
  const m1 = beta1 === 0 ? gradient : add(m, mul(sub(gradient, m), 1 - beta1));
  const v1 = add(mul(v, beta2), mul(mul(gradient, gradient), 1 - beta2));
  const move = div(mul(m1, stepSize), add(sqrt(v1), epsilon));
  return { weight: sub(weight, move), m: m1, v: v1 };
}

/** The fed scalars for update number `t`, counted from 1. */
export function adamFeeds(
  prefix: string,
  t: number,
  lr: number,
  { beta1, beta2 }: AdamOptions,
): Record<string, Tensor> {
  const root = Math.sqrt(1 - beta2 ** t);
  return {
    [`${prefix}/stepSize`]: float32([], [(lr * root) / (1 - beta1 ** t)]),
    [`${prefix}/epsilon`]: float32([], [1e-8 * root]),
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
