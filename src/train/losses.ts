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
 * WGAN-GP (Gulrajani et al. 2017, eq. 3): weight · mean (‖∇ₓD(x̂)‖₂ − 1)² at x̂ = ε·real + (1 − ε)·fake; the mean over several
 * scales. `mix` is ε, [batch, 1, 1, 1] in [0, 1]; `scores` applies the discriminator.
 */
export function gradientPenalty(
  real: Value,
  fake: Value,
  mix: Value,
  scores: (x: Value) => readonly Value[],
  weight = 10,
): Value {
  const between = add(mul(real, mix), mul(fake, sub(1, mix)));
  const penalties = scores(between).map((score) => {
    const [slope] = gradient(sum(score), [between]);
    const norm = sqrt(reduceSum(square(flatten(slope!)), [1]));
    return mean(square(sub(norm, 1)));
  });
  return mul(average(penalties), weight);
}

/**
 * Feature matching (Wang et al. 2018, §3.2, eq. 4): Σ over scales and layers of mean |D(fake) − D(real)|, divided by the number
 * of scales as in the code of Park et al. (2019). Both maps go by `feature/<scale>/<layer>`. The gradient belongs to the
 * generator alone, on which the real side does not depend.
 */
export function matchingLoss(fake: ReadonlyMap<string, Value>, real: ReadonlyMap<string, Value>): Value {
  const names = [...real.keys()];
  const scales = new Set(names.map((name) => name.split('/')[1]));
  const distances = summed(names.map((name) => reconstructionLoss('l1', fake.get(name)!, real.get(name)!)));
  return scales.size === 1 ? distances : mul(distances, 1 / scales.size);
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
  const sum = summed(values);
  return values.length === 1 ? sum : mul(sum, 1 / values.length);
}

/** Sum of values of one shape. */
export function summed(values: readonly Value[]): Value {
  return values.reduce((a, b) => add(a, b));
}

/** Weighted sum of the terms given; a term without weight costs nothing. */
export function total(graph: Graph, terms: readonly (readonly [number, Value | undefined])[]): Value {
  const parts = terms.flatMap(([weight, value]) =>
    value && weight !== 0 ? [weight === 1 ? value : mul(value, weight)] : [],
  );
  return parts.length === 0 ? graph.scalar(0) : parts.reduce((a, b) => add(a, b));
}
