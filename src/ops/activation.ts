import type { Node, Value } from '../graph/graph.ts';
import { abs, add, cast, clip, erf, exp, greater, log, max, mul, neg, sign, sub } from './elementwise.ts';
import type { ChannelRelation, GradientContext, NodeView, Op } from './op.ts';
import { axisOf, emit, need, num, sameAsFirst } from './op.ts';
import { reduceSum } from './reduce.ts';

function activation(
  type: string,
  gradient: (c: GradientContext) => Value | null,
  defaults?: Op['defaults'],
): Op {
  return {
    type,
    infer: sameAsFirst,
    gradient: (c) => [gradient(c), ...c.inputs.slice(1).map(() => null)],
    ...(defaults && { defaults }),
  };
}

// y = max(x, 0): dx = dy·[y > 0]; y ≥ 0, so sign(y) is that mask in one pass
export const Relu = activation('Relu', ({ dy, outputs: [y] }) => mul(dy, sign(y!)));
// y = x > 0 ? x : αx: dx = dy·((1+α)/2 + (1−α)/2·sign x)
export const LeakyRelu = activation(
  'LeakyRelu',
  ({ dy, inputs: [x], attributes }) => {
    const alpha = num(attributes, 'alpha', 0.01);
    return mul(dy, add(mul(sign(x!), (1 - alpha) / 2), (1 + alpha) / 2));
  },
  { alpha: 0.01 },
);
// y = x > 0 ? x : s·x: dx = dy·(x > 0 ? 1 : s), ds = dy·min(x, 0) (summed where s was broadcast)
export const PRelu: Op = {
  type: 'PRelu',
  infer: sameAsFirst,
  gradient: ({ dy, inputs: [x, s], needs }) => {
    const positive = cast(greater(x!, 0), x!.dtype);
    return [
      needs(0) ? mul(dy, add(positive, mul(sub(1, positive), s!))) : null,
      needs(1) ? mul(dy, mul(sub(1, positive), x!)) : null,
    ];
  },
};
// y = x > 0 ? x : α(eˣ − 1): dx = dy·(x > 0 ? 1 : y + α)
export const Elu = activation(
  'Elu',
  ({ dy, inputs: [x], outputs: [y], attributes }) => {
    const alpha = num(attributes, 'alpha', 1);
    const positive = cast(greater(x!, 0), x!.dtype);
    return mul(dy, add(positive, mul(sub(1, positive), add(y!, alpha))));
  },
  { alpha: 1 },
);
// y = 1/(1 + e^−x): dx = dy·y·(1 − y)
export const Sigmoid = activation('Sigmoid', ({ dy, outputs: [y] }) => mul(dy, mul(y!, sub(1, y!))));
// y = tanh x: dx = dy·(1 − y²)
export const Tanh = activation('Tanh', ({ dy, outputs: [y] }) => mul(dy, sub(1, mul(y!, y!))));
// y = ln(1 + eˣ): dx = dy·sigmoid x
export const Softplus = activation('Softplus', ({ dy, inputs: [x] }) => mul(dy, sigmoid(x!)));
// y = clamp(αx + β, 0, 1): dx = dy·α·[0 < y < 1]
export const HardSigmoid = activation(
  'HardSigmoid',
  ({ dy, outputs: [y], attributes }) =>
    mul(dy, mul(sign(mul(y!, sub(1, y!))), num(attributes, 'alpha', 0.2))),
  { alpha: 0.2, beta: 0.5 },
);
// y = x·clamp(x/6 + 1/2, 0, 1): dx = dy·(h + x/6·[0 < h < 1]) with h the clamped part
export const HardSwish = activation('HardSwish', ({ dy, inputs: [x] }) => {
  const h = clip(add(mul(x!, 1 / 6), 0.5), 0, 1);
  return mul(dy, add(h, mul(mul(x!, 1 / 6), sign(mul(h, sub(1, h))))));
});
// y = softmax x: dx = y·(dy − Σ dy·y)
export const Softmax: Op = {
  type: 'Softmax',
  defaults: { axis: -1 },
  infer: (view) => {
    softmaxAxis(view);
    return sameAsFirst(view);
  },
  gradient: (c) => {
    const [y] = c.outputs;
    const axis = softmaxAxis(c.node);
    return [mul(y!, sub(c.dy, reduceSum(mul(c.dy, y!), [axis])))];
  },
  channels: otherAxes,
};
// y = ln softmax x: dx = dy − eʸ·Σ dy
export const LogSoftmax: Op = {
  type: 'LogSoftmax',
  defaults: { axis: -1 },
  infer: (view) => {
    softmaxAxis(view);
    return sameAsFirst(view);
  },
  gradient: (c) => {
    const [y] = c.outputs;
    return [sub(c.dy, mul(exp(y!), reduceSum(c.dy, [softmaxAxis(c.node)])))];
  },
  channels: otherAxes,
};

function softmaxAxis(view: NodeView): number {
  return axisOf(view, num(view.attributes, 'axis', -1), need(view, 0).shape.length);
}

/** Removing a channel changes the sum over its axis; along the others channels do not see each other. */
function otherAxes(node: Node): ChannelRelation[] {
  const [x, y] = [node.inputs[0]!, node.outputs[0]!];
  const summed = softmaxAxis(node);
  return x.shape.map((_, axis) => {
    const axes = [
      { value: x, axis },
      { value: y, axis },
    ];
    return axis === summed
      ? { kind: 'fixed', axes, reason: `${node.op} "${node.name}" sums over this axis` }
      : { kind: 'tie', axes };
  });
}

// Dropout does nothing when it is not training; a training mask is fed (see `dropoutWith`).
export const Dropout: Op = {
  type: 'Dropout',
  infer: (view) => {
    const x = need(view, 0);
    const y = { dtype: x.dtype, shape: x.shape };
    return (view.outputs?.length ?? 1) > 1 ? [y, { dtype: 'bool', shape: x.shape }] : [y];
  },
  gradient: ({ dy }) => [dy, null, null],
};

/** max(x, 0). */
export const relu = (x: Value): Value => emit(Relu, [x]);
/** x where positive, α·x elsewhere. */
export const leakyRelu = (x: Value, alpha = 0.01): Value => emit(LeakyRelu, [x], { alpha });
/** x where positive, slope·x elsewhere; `slope` broadcasts to x ([C, 1, 1] for images). */
export const prelu = (x: Value, slope: Value): Value => emit(PRelu, [x, slope]);
/** x where positive, α·(eˣ − 1) elsewhere (Clevert et al. 2015). */
export const elu = (x: Value, alpha = 1): Value => emit(Elu, [x], { alpha });
/** 1/(1 + e^−x). */
export const sigmoid = (x: Value): Value => emit(Sigmoid, [x]);
/** Hyperbolic tangent. */
export const tanh = (x: Value): Value => emit(Tanh, [x]);
/** ln(1 + eˣ). */
export const softplus = (x: Value): Value => emit(Softplus, [x]);
/** x·clamp(x/6 + 1/2, 0, 1) (Howard et al. 2019). */
export const hardSwish = (x: Value): Value => emit(HardSwish, [x]);
/** eˣ divided by its sum along `axis`. */
export const softmax = (x: Value, axis = -1): Value => emit(Softmax, [x], { axis });
/** Logarithm of `softmax`. */
export const logSoftmax = (x: Value, axis = -1): Value => emit(LogSoftmax, [x], { axis });

/** Gaussian error linear unit, x·Φ(x) (exact form), from primitive operators: Gelu itself is newer than opset 17. */
export const gelu = (x: Value): Value => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));

/** ln(1 + eˣ) that does not overflow: max(x, 0) + ln(1 + e^−|x|). */
export const stableSoftplus = (x: Value): Value => add(max(x, 0), log(add(exp(neg(abs(x))), 1)));

/** Dropout with a mask drawn outside the graph: `mask` holds 0 or 1/(1−p), so that a resumed run repeats it. */
export const dropoutWith = (x: Value, mask: Value): Value => mul(x, mask);
