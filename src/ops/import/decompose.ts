import type { Value } from '../../graph/graph.ts';
import { elu, gelu, softplus, tanh } from '../activation.ts';
import {
  abs,
  add,
  cast,
  div,
  equal,
  exp,
  greater,
  less,
  log,
  mul,
  sqrt,
  square,
  sub,
  where,
} from '../elementwise.ts';
import { axisIn } from '../fold/index-space.ts';
import { Expand, reshape, unsqueeze } from '../layout.ts';
import { groupNorm } from '../norm.ts';
import { emit, ints, num, str } from '../op.ts';
import { reduceMax, reduceSum } from '../reduce.ts';
import { type Call, type Converter, constantInput, refuse, required } from './call.ts';

/** An activation x ↦ y with attributes. */
const activation =
  (f: (x: Value, attribute: (name: string, fallback: number) => number) => Value): Converter =>
  (call) =>
    f(required(call, 0), (name, fallback) => num(call.attributes, name, fallback));

/** A sum over axes, given as an attribute or (from opset 18 on) an input, of a function of x, and what follows it. */
const summed =
  (before: (x: Value) => Value, after = (x: Value) => x): Converter =>
  (call) => {
    const x = required(call, 0);
    const given = call.inputs[1] ? constantInput(call, 1, 'axes') : ints(call.attributes, 'axes', []);
    const axes = given.length > 0 ? given : x.shape.map((_, i) => i);
    return after(reduceSum(before(x), axes, num(call.attributes, 'keepdims', 1) === 1));
  };

/** ln Σ eˣ, with the largest element taken out so that nothing overflows. */
function logSumExp(call: Call): Value {
  const x = required(call, 0);
  const given = call.inputs[1] ? constantInput(call, 1, 'axes') : ints(call.attributes, 'axes', []);
  const axes = given.length > 0 ? given : x.shape.map((_, i) => i);
  const keep = num(call.attributes, 'keepdims', 1) === 1;
  const sum = reduceSum(exp(sub(x, reduceMax(x, axes))), axes, keep);
  return add(log(sum), reduceMax(x, axes, keep));
}

/** Gelu (opset 20), exact or by the hyperbolic tangent: x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))). */
function geluOf(call: Call): Value {
  const x = required(call, 0);
  if (str(call.attributes, 'approximate', 'none') === 'none') return gelu(x);
  const inner = mul(add(x, mul(mul(square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(mul(x, 0.5), add(tanh(inner), 1));
}

/** GroupNormalization: scale and shift for each group in opset 18, for each channel from 21 on. */
function groupNormalization(call: Call): Value {
  const x = required(call, 0);
  const groups = num(call.attributes, 'num_groups', 0);
  if (groups < 1) refuse(call, 'SHAPE_MISMATCH', `num_groups must be 1 or more, got ${groups}`);
  const channels = x.shape[1];
  if (typeof channels !== 'number')
    return refuse(call, 'OP_UNSUPPORTED', 'the number of channels must be known');
  const perChannel = (v: Value): Value => {
    if (call.opset >= 21) return v;
    const target = x.graph.vector([1, channels / groups]);
    return reshape(emit(Expand, [reshape(v, [groups, 1]), target]), [channels]);
  };
  const epsilon = num(call.attributes, 'epsilon', 1e-5);
  return groupNorm(x, perChannel(required(call, 1)), perChannel(required(call, 2)), groups, epsilon);
}

/** Two numbers, off and on, at every place from 0 to depth − 1 along a new axis; a negative index counts from the end. */
function oneHot(call: Call): Value {
  const [index, values] = [required(call, 0), required(call, 2)];
  const [depth] = constantInput(call, 1, 'depth');
  if (!values.tensor || index.dtype !== 'int64')
    return refuse(call, 'OP_UNSUPPORTED', 'indices must be int64 and values constant');
  const rank = index.shape.length + 1;
  const axis = axisIn(num(call.attributes, 'axis', -1), rank);
  const places = Array.from({ length: depth! }, (_, k) => k);
  const { graph } = index;
  const along = reshape(
    graph.vector(places),
    Array.from({ length: rank }, (_, k) => (k === axis ? depth! : 1)),
  );
  const at = unsqueeze(where(less(index, 0), add(index, depth!), index), [axis]);
  const [off, on] = Array.from(values.tensor.data as ArrayLike<number | bigint>, Number) as [number, number];
  const hot = cast(equal(at, along), values.dtype);
  return on === 1 && off === 0 ? hot : add(mul(hot, on - off), off);
}

/** x / ‖x‖ along one axis. */
function lpNormalization(call: Call): Value {
  const x = required(call, 0);
  const axis = axisIn(num(call.attributes, 'axis', -1), x.shape.length);
  const p = num(call.attributes, 'p', 2);
  if (p !== 1 && p !== 2) refuse(call, 'OP_UNSUPPORTED', `p must be 1 or 2, got ${p}`);
  return div(x, p === 1 ? reduceSum(abs(x), [axis]) : sqrt(reduceSum(square(x), [axis])));
}

function total(call: Call): Value {
  return call.inputs.map((_, i) => required(call, i)).reduce((a, b) => add(a, b));
}

/** Operators that opset 17 or the toolkit does not have, as compositions of those it has. */
export const decompositions: Record<string, Converter> = {
  Celu: activation((x, a) => {
    const alpha = a('alpha', 1);
    return mul(elu(div(x, alpha)), alpha);
  }),
  Gelu: geluOf,
  GroupNormalization: groupNormalization,
  LpNormalization: lpNormalization,
  Mean: (call) => mul(total(call), 1 / call.inputs.length),
  Mish: activation((x) => mul(x, tanh(softplus(x)))),
  OneHot: oneHot,
  ReduceL1: summed(abs),
  ReduceL2: summed(square, sqrt),
  ReduceLogSumExp: logSumExp,
  ReduceSumSquare: summed(square),
  // Constants of the ONNX operator's definition (Klambauer et al. 2017).
  Selu: activation((x, a) => {
    return mul(elu(x, a('alpha', 1.6732631921768188)), a('gamma', 1.0507010221481323));
  }),
  Softsign: activation((x) => div(x, add(abs(x), 1))),
  Sum: total,
  ThresholdedRelu: activation((x, a) => where(greater(x, a('alpha', 1)), x, 0)),
};
