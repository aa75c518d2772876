import { floorDivDim, productDims } from '../graph/dims.ts';
import { type Dim, float32, type Node, type Value } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { add, div, max, mul, neg, sqrt, sub } from './elementwise.ts';
import { reshape } from './layout.ts';
import type { ChannelRelation, Op } from './op.ts';
import { axisOf, emit, need, num, sameAsFirst } from './op.ts';
import { countOf, reduceMean, reduceSum } from './reduce.ts';
import { dimValue } from './sizes.ts';

/** A per-channel vector [C] as [C, 1, 1] for an image of the rank of `x`, so that it broadcasts over positions. */
export function perChannel(v: Value, x: Value): Value {
  return reshape(v, [v.shape[0]!, ...new Array(x.shape.length - 2).fill(1)], v);
}

function spatialAxes(x: Value): number[] {
  return x.shape.map((_, i) => i).slice(2);
}

/** True for a constant all of whose numbers are `fill`, or a part of one. */
function isFilled(v: Value | null | undefined, fill: number): boolean {
  if (v?.node?.op === 'Slice') return isFilled(v.node.inputs[0], fill);
  return !!v?.tensor && Array.prototype.every.call(v.tensor.data, (x: number) => x === fill);
}

/** 1/√(var + ε) over `axes`, and (x − mean) times that where it is asked for. */
function standardise(
  x: Value,
  axes: readonly number[],
  epsilon: number,
): { normal: () => Value; invStd: Value } {
  const centred = sub(x, reduceMean(x, axes));
  const invStd = div(1, sqrt(add(reduceMean(mul(centred, centred), axes), epsilon)));
  return { normal: () => mul(centred, invStd), invStd };
}

/** Adjoint of `standardise`: dx = (dx̂ − mean dx̂ − x̂·mean(dx̂·x̂)) / σ. */
function standardiseGradient(dNormal: Value, normal: Value, invStd: Value, axes: readonly number[]): Value {
  const inner = sub(
    dNormal,
    add(mul(normal, reduceMean(mul(dNormal, normal), axes)), reduceMean(dNormal, axes)),
  );
  return mul(inner, invStd);
}

/** Ties the first `rank` axes of x and y (all when left out), and the vectors to axis 1. */
function channelTies(vectors: (node: Node) => (Value | null | undefined)[], rank?: number) {
  return (node: Node): ChannelRelation[] => {
    const [x, y] = [node.inputs[0]!, node.outputs[0]!];
    return x.shape.slice(0, rank).map((_, axis) => ({
      kind: 'tie' as const,
      axes: [
        { value: x, axis },
        { value: y, axis },
        ...(axis === 1 ? vectors(node).flatMap((v) => (v ? [{ value: v, axis: 0 }] : [])) : []),
      ],
    }));
  };
}

// y = γ·x̂ + β per image and channel: dγ = Σ dy·x̂, dβ = Σ dy, dx = (dx̂ − mean dx̂ − x̂·mean(dx̂·x̂))/σ with dx̂ = γ·dy
export const InstanceNormalization: Op = {
  type: 'InstanceNormalization',
  defaults: { epsilon: 1e-5 },
  infer: sameAsFirst,
  gradient: ({ dy, inputs: [x, gamma, beta], outputs: [y], attributes, needs }) => {
    const axes = spatialAxes(x!);
    const standard = standardise(x!, axes, num(attributes, 'epsilon', 1e-5));
    const rest = [0, ...axes];
    const unscaled = isFilled(gamma, 1);
    // Without scale and shift the result is x̂ itself.
    const normal = unscaled && isFilled(beta, 0) ? y! : standard.normal();
    const { invStd } = standard;
    const dNormal = unscaled ? dy : mul(dy, perChannel(gamma!, x!));
    return [
      needs(0) ? standardiseGradient(dNormal, normal, invStd, axes) : null,
      needs(1) ? reduceSum(mul(dy, normal), rest, false) : null,
      beta && needs(2) ? reduceSum(dy, rest, false) : null,
    ];
  },
  channels: channelTies((node) => [node.inputs[1], node.inputs[2]], 2),
};

// Frozen statistics: y = γ(x − μ)/√(σ² + ε) + β: dx = dy·γ/√(σ² + ε), dγ = Σ dy·x̂, dβ = Σ dy,
// dμ = −γ/√(σ² + ε)·Σ dy, dσ² = −γ/2·(σ² + ε)^(−3/2)·Σ dy·(x − μ)
export const BatchNormalization: Op = {
  type: 'BatchNormalization',
  defaults: { epsilon: 1e-5, momentum: 0.9 },
  infer: (view) => {
    const x = need(view, 0);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  gradient: ({ dy, inputs: [x, gamma, , mean, variance], attributes, needs }) => {
    const invStd = div(1, sqrt(add(variance!, num(attributes, 'epsilon', 1e-5))));
    const rest = [0, ...spatialAxes(x!)];
    const centred = () => sub(x!, perChannel(mean!, x!));
    const scale = mul(gamma!, invStd);
    return [
      needs(0) ? mul(dy, perChannel(scale, x!)) : null,
      needs(1) ? mul(reduceSum(mul(dy, centred()), rest, false), invStd) : null,
      needs(2) ? reduceSum(dy, rest, false) : null,
      needs(3) ? neg(mul(reduceSum(dy, rest, false), scale)) : null,
      needs(4)
        ? mul(reduceSum(mul(dy, centred()), rest, false), mul(mul(scale, mul(invStd, invStd)), -0.5))
        : null,
    ];
  },
  channels: channelTies((node) => node.inputs.slice(1)),
};

// y = γ·x̂ + β over the last axes from `axis`
export const LayerNormalization: Op = {
  type: 'LayerNormalization',
  defaults: { axis: -1, epsilon: 1e-5 },
  infer: (view) => {
    const x = need(view, 0);
    const axis = axisOf(view, num(view.attributes, 'axis', -1), x.shape.length);
    const reduced: Dim[] = x.shape.map((d, i) => (i >= axis ? 1 : d));
    const count = view.outputs?.length ?? 1;
    return [
      { dtype: x.dtype, shape: x.shape },
      { dtype: 'float32' as const, shape: reduced },
      { dtype: 'float32' as const, shape: reduced },
    ].slice(0, count);
  },
  gradient: ({ dy, dys, inputs: [x, gamma, beta], node, needs }) => {
    if (dys[1] || dys[2])
      throw new GanletError(
        'GRADIENT_MISSING',
        `LayerNormalization "${node.name}" has no gradient through its mean and deviation`,
      );
    const axis = axisOf(node, num(node.attributes, 'axis', -1), x!.shape.length);
    const axes = x!.shape.map((_, i) => i).slice(axis);
    const { normal: standard, invStd } = standardise(x!, axes, num(node.attributes, 'epsilon', 1e-5));
    const normal = standard();
    return [
      needs(0) ? standardiseGradient(mul(dy, gamma!), normal, invStd, axes) : null,
      needs(1) ? mul(dy, normal) : null,
      beta && needs(2) ? dy : null,
    ];
  },
  channels: ({ inputs, outputs: [y], name, attributes }) => {
    const x = inputs[0]!;
    const raw = num(attributes, 'axis', -1);
    const axis = raw < 0 ? raw + x.shape.length : raw;
    return x.shape.map((_, k): ChannelRelation => {
      const axes = [
        { value: x, axis: k },
        { value: y!, axis: k },
      ];
      return k < axis
        ? { kind: 'tie', axes }
        : { kind: 'fixed', axes, reason: `LayerNormalization "${name}" takes its statistics over this axis` };
    });
  },
};

/** γ·(x − mean)/√(var + ε) + β with statistics per image and channel; γ 1 and β 0 when left out. */
export function instanceNorm(x: Value, gamma?: Value, beta?: Value, epsilon = 1e-5): Value {
  return emit(InstanceNormalization, [x, gamma ?? vectorOf(x, 1), beta ?? vectorOf(x, 0)], { epsilon });
}

/** A vector [C] filled with one number, C the channels of `x`. */
function vectorOf(x: Value, fill: 0 | 1): Value {
  const channels = x.shape[1]!;
  const { graph } = x;
  if (typeof channels === 'number') {
    const data = () => float32([channels], new Float32Array(channels).fill(fill));
    return graph.sharedConstant(`${fill === 1 ? 'ones' : 'zeros'}${channels}`, data);
  }
  const types = [{ dtype: x.dtype, shape: [channels] }];
  return graph.add('Expand', [graph.scalar(fill), dimValue(x, 1)], {}, types).outputs[0]!;
}

/** Batch normalisation with frozen statistics. */
export function batchNorm(
  x: Value,
  gamma: Value,
  beta: Value,
  mean: Value,
  variance: Value,
  epsilon = 1e-5,
): Value {
  return emit(BatchNormalization, [x, gamma, beta, mean, variance], { epsilon });
}

/**
 * Batch normalisation with the statistics of this batch, and the running averages that go with them:
 * mean′ = (1 − m)·mean + m·batch mean, and the variance (unbiased, as PyTorch keeps it) likewise.
 */
export function batchNormTraining(
  x: Value,
  gamma: Value,
  beta: Value,
  mean: Value,
  variance: Value,
  { epsilon = 1e-5, momentum = 0.1 } = {},
): { y: Value; mean: Value; variance: Value } {
  const axes = [0, ...spatialAxes(x)];
  const batchMean = reduceMean(x, axes);
  const centred = sub(x, batchMean);
  const batchVariance = reduceMean(mul(centred, centred), axes);
  const normal = mul(centred, div(1, sqrt(add(batchVariance, epsilon))));
  const count = countOf(x, axes, x);
  const flat = (v: Value) => reshape(v, [x.shape[1]!], x);
  const unbiased = mul(flat(batchVariance), div(count, max(sub(count, 1), 1)));
  // Without scale and shift two passes over the image are saved.
  const scaled = isFilled(gamma, 1) ? normal : mul(normal, perChannel(gamma, x));
  return {
    y: isFilled(beta, 0) ? scaled : add(scaled, perChannel(beta, x)),
    mean: add(mul(mean, 1 - momentum), mul(flat(batchMean), momentum)),
    variance: add(mul(variance, 1 - momentum), mul(unbiased, momentum)),
  };
}

/** Layer normalisation over the axes from `axis` on. */
export const layerNorm = (x: Value, gamma: Value, beta: Value, axis = -1, epsilon = 1e-5): Value =>
  emit(LayerNormalization, [x, gamma, beta], { axis, epsilon });

/**
 * Group normalisation (Wu & He 2018) from operators opset 17 has: channels are folded into `groups` rows, each normalised
 * on its own, then scaled per channel.
 */
export function groupNorm(x: Value, gamma: Value, beta: Value, groups: number, epsilon = 1e-5): Value {
  const [n, channels, ...image] = x.shape as [Dim, Dim, ...Dim[]];
  if (typeof channels === 'number' && channels % groups !== 0)
    throw new GanletError(
      'SHAPE_MISMATCH',
      `groupNorm: ${channels} channels must divide into ${groups} groups`,
    );
  const rows = reshape(x, [n, groups, productDims([floorDivDim(channels, groups), ...image])], x);
  const normal = reshape(instanceNorm(rows, undefined, undefined, epsilon), x.shape, x);
  return add(mul(normal, perChannel(gamma, x)), perChannel(beta, x));
}
