import { gradient } from '../autodiff/gradient.ts';
import type { Graph, Value } from '../graph/graph.ts';
import { relu, stableSoftplus } from '../ops/activation.ts';
import { abs, add, clip, div, mul, neg, sqrt, square, sub } from '../ops/elementwise.ts';
import { flatten } from '../ops/layout.ts';
import { matMul, swapLast } from '../ops/matmul.ts';
import { mean, reduceSum, sum } from '../ops/reduce.ts';

export type GanMode = 'hinge' | 'lsgan' | 'vanilla' | 'wgangp';
export type ReconLoss = 'l1' | 'l2' | 'smooth-l1';

/**
 * Discriminator loss ½(real + fake) from the scores of real and generated pictures, each part a scalar.
 * hinge: mean max(0, 1 ∓ D); lsgan: mean (D − 1)², mean D²; vanilla: binary cross-entropy on logits; wgangp: ∓mean D.
 */
export function discriminatorLoss(
  mode: GanMode,
  real: Value,
  fake: Value,
): { real: Value; fake: Value; total: Value } {
  const [r, f] = discriminatorParts(mode, real, fake);
  return { real: r, fake: f, total: mul(add(r, f), 0.5) };
}

function discriminatorParts(mode: GanMode, real: Value, fake: Value): [Value, Value] {
  switch (mode) {
    case 'hinge':
      return [mean(relu(sub(1, real))), mean(relu(add(fake, 1)))];
    case 'lsgan':
      return [mean(square(sub(real, 1))), mean(square(fake))];
    case 'vanilla':
      return [mean(stableSoftplus(neg(real))), mean(stableSoftplus(fake))];
    case 'wgangp':
      return [neg(mean(real)), mean(fake)];
  }
}

/** Generator loss from the scores of its pictures: hinge and wgangp −mean D, lsgan mean (D − 1)², vanilla cross-entropy to 1. */
export function generatorLoss(mode: GanMode, fake: Value): Value {
  switch (mode) {
    case 'hinge':
    case 'wgangp':
      return neg(mean(fake));
    case 'lsgan':
      return mean(square(sub(fake, 1)));
    case 'vanilla':
      return mean(stableSoftplus(neg(fake)));
  }
}

/**
 * WGAN-GP (Gulrajani et al. 2017, eq. 3): weight · mean (‖∇ₓD(x̂)‖₂ − 1)² at x̂ = ε·real + (1 − ε)·fake.
 * `mix` is ε, [batch, 1, 1, 1] in [0, 1]; `score` applies the discriminator.
 */
export function gradientPenalty(
  real: Value,
  fake: Value,
  mix: Value,
  score: (x: Value) => Value,
  weight = 10,
): Value {
  const between = add(mul(real, mix), mul(fake, sub(1, mix)));
  const [slope] = gradient(sum(score(between)), [between]);
  const norm = sqrt(reduceSum(square(flatten(slope!)), [1]));
  return mul(mean(square(sub(norm, 1))), weight);
}

/** Distance between pictures: l1 mean |a − b|, l2 mean (a − b)², smooth-l1 quadratic below 1 (Girshick 2015). */
export function reconstructionLoss(kind: ReconLoss, a: Value, b: Value): Value {
  const d = sub(a, b);
  switch (kind) {
    case 'l1':
      return mean(abs(d));
    case 'l2':
      return mean(square(d));
    case 'smooth-l1': {
      // With m = min(|d|, 1): ½m² + (|d| − m) is ½d² below 1 and |d| − ½ above.
      const size = abs(d);
      const m = clip(size, undefined, 1);
      return mean(add(mul(square(m), 0.5), sub(size, m)));
    }
  }
}

/** Mean squared error between features (Li et al. 2020, §3.1): the student's after its adaptor, and the teacher's. */
export function featureLoss(student: Value, teacher: Value): Value {
  return mean(square(sub(student, teacher)));
}

/**
 * Kernel alignment (Jin et al. 2021): −⟨K, L⟩ / (‖K‖·‖L‖) for the batch Gram matrices K = XXᵀ, L = YYᵀ of the flattened
 * features. No adaptor, and the widths may differ; wants a batch of some size.
 */
export function kernelAlignmentLoss(student: Value, teacher: Value): Value {
  const flat = (x: Value) => (x.shape.length === 2 ? x : flatten(x));
  const [x, y] = [flat(student), flat(teacher)];
  const [k, l] = [matMul(x, swapLast(x)), matMul(y, swapLast(y))];
  return neg(div(sum(mul(k, l)), sqrt(mul(sum(square(k)), sum(square(l))))));
}

/** Mean of scalars. */
export function average(values: readonly Value[]): Value {
  const sum = values.reduce((a, b) => add(a, b));
  return values.length === 1 ? sum : mul(sum, 1 / values.length);
}

/** Weighted sum of the terms given; a term without weight costs nothing. */
export function total(graph: Graph, terms: readonly (readonly [number, Value | undefined])[]): Value {
  const parts = terms.flatMap(([weight, value]) =>
    value && weight !== 0 ? [weight === 1 ? value : mul(value, weight)] : [],
  );
  return parts.length === 0 ? graph.scalar(0) : parts.reduce((a, b) => add(a, b));
}
