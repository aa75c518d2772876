import { num } from '../../ops/op.ts';
import { anyOrder, type Item, numbers, share, type Tf, type TfTensor } from './item.ts';
import { aligned, type Call, input, type Kernel, made } from './kernel.ts';

/** A function of one value, element by element, in whatever order its axes are. */
export function unary(f: (tf: Tf, x: TfTensor, call: Call) => TfTensor): Kernel {
  return (call) => {
    const { tensor, order } = anyOrder(call.tf, input(call, 0));
    return made(call, f(call.tf, tensor, call), order);
  };
}

/** A function of two values with broadcasting. */
export function binary(f: (tf: Tf, a: TfTensor, b: TfTensor, call: Call) => TfTensor): Kernel {
  return (call) => {
    const { tensors, order } = aligned(call.tf, [input(call, 0), input(call, 1)]);
    return made(call, f(call.tf, tensors[0]!, tensors[1]!, call), order);
  };
}

/** One value or more, taken together two by two. */
function variadic(f: (tf: Tf, a: TfTensor, b: TfTensor) => TfTensor): Kernel {
  return (call) => {
    const items = call.inputs.map((_, i) => input(call, i));
    if (items.length === 1) return share(items[0]!);
    const { tensors, order } = aligned(call.tf, items);
    return made(
      call,
      tensors.reduce((a, b) => f(call.tf, a, b)),
      order,
    );
  };
}

/** Division of integers drops the remainder, also below zero. */
function divide(tf: Tf, a: TfTensor, b: TfTensor): TfTensor {
  if (a.dtype !== 'int32') return tf.div(a, b);
  return tf.mul(tf.floorDiv(tf.abs(a), tf.abs(b)), tf.mul(tf.sign(a), tf.sign(b)));
}

/** The remainder has the sign of the divisor; with `fmod` that of the dividend. */
function remainder(tf: Tf, a: TfTensor, b: TfTensor, { attributes }: Call): TfTensor {
  if (num(attributes, 'fmod', 0) === 0) return tf.mod(a, b);
  return tf.mul(tf.sign(a), tf.mod(tf.abs(a), tf.abs(b)));
}

const clip: Kernel = (call) => {
  const { tf } = call;
  const x = input(call, 0);
  const [lo, hi] = [call.inputs[1], call.inputs[2]];
  if (!lo && !hi) return share(x);
  const { tensor, order } = anyOrder(tf, x);
  const bound = (item: Item) => tf.scalar(numbers(tf, item)[0]!, tensor.dtype as 'float32');
  const above = lo ? tf.maximum(tensor, bound(lo)) : tensor;
  return made(call, hi ? tf.minimum(above, bound(hi)) : above, order);
};

const where: Kernel = (call) => {
  const { tensors, order } = aligned(call.tf, [input(call, 0), input(call, 1), input(call, 2)]);
  const [condition, a, b] = tensors as [TfTensor, TfTensor, TfTensor];
  return made(call, call.tf.where(condition, a, b), order);
};

const identity: Kernel = (call) => share(input(call, 0));

/** Floats become integers by dropping the fraction, as `tf.cast` does. */
const cast: Kernel = (call) => {
  const x = input(call, 0);
  const { tensor, order } = anyOrder(call.tf, x);
  return made(call, tensor.clone(), order);
};

export const elementwiseKernels = {
  Add: binary((tf, a, b) => tf.add(a, b)),
  Sub: binary((tf, a, b) => tf.sub(a, b)),
  Mul: binary((tf, a, b) => tf.mul(a, b)),
  Div: binary(divide),
  Pow: binary((tf, a, b) => tf.pow(a, b)),
  Mod: binary(remainder),
  Max: variadic((tf, a, b) => tf.maximum(a, b)),
  Min: variadic((tf, a, b) => tf.minimum(a, b)),
  Equal: binary((tf, a, b) => tf.equal(a, b)),
  Less: binary((tf, a, b) => tf.less(a, b)),
  LessOrEqual: binary((tf, a, b) => tf.lessEqual(a, b)),
  Greater: binary((tf, a, b) => tf.greater(a, b)),
  GreaterOrEqual: binary((tf, a, b) => tf.greaterEqual(a, b)),
  And: binary((tf, a, b) => tf.logicalAnd(a, b)),
  Or: binary((tf, a, b) => tf.logicalOr(a, b)),
  Not: unary((tf, x) => tf.logicalNot(x)),
  Where: where,
  Neg: unary((tf, x) => tf.neg(x)),
  Abs: unary((tf, x) => tf.abs(x)),
  Sign: unary((tf, x) => tf.sign(x)),
  Sqrt: unary((tf, x) => tf.sqrt(x)),
  Reciprocal: unary((tf, x) => tf.reciprocal(x)),
  Exp: unary((tf, x) => tf.exp(x)),
  Log: unary((tf, x) => tf.log(x)),
  Erf: unary((tf, x) => tf.erf(x)),
  Sin: unary((tf, x) => tf.sin(x)),
  Cos: unary((tf, x) => tf.cos(x)),
  Floor: unary((tf, x) => tf.floor(x)),
  Ceil: unary((tf, x) => tf.ceil(x)),
  Round: unary((tf, x) => tf.round(x)),
  Identity: identity,
  Cast: cast,
  Clip: clip,
} satisfies Record<string, Kernel>;
