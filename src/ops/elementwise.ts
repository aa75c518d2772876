import type { DType, Value } from '../graph/graph.ts';
import { broadcastShapes } from './broadcast.ts';
import type { GradientContext, NodeView, Op } from './op.ts';
import { emit, need, sameAsFirst, shapeError, str } from './op.ts';

/** A value, or a number that becomes a scalar constant of the other operand's type. */
export type Operand = Value | number;

function lift(x: Operand, like: Value): Value {
  return typeof x === 'number' ? like.graph.scalar(x, like.dtype) : x;
}

type Gradient = (c: GradientContext) => (Value | null)[];

function unary(type: string, gradient?: Gradient, defaults?: Op['defaults']): Op {
  return { type, infer: sameAsFirst, ...(gradient && { gradient }), ...(defaults && { defaults }) };
}

function broadcastInfer(dtype?: DType, least = 2) {
  return (view: NodeView) => {
    const first = need(view, 0);
    for (let i = 1; i < least; i++) need(view, i);
    const shapes = view.inputs.map((_, i) => need(view, i).shape);
    for (let i = 1; i < view.inputs.length; i++) {
      const other = need(view, i);
      if (other.dtype !== first.dtype)
        throw shapeError(view, `inputs must have one type, got ${first.dtype} and ${other.dtype}`);
    }
    return [{ dtype: dtype ?? first.dtype, shape: broadcastShapes(view, shapes) }];
  };
}

function binary(type: string, gradient?: Gradient): Op {
  return { type, infer: broadcastInfer(), ...(gradient && { gradient }) };
}

/** One input or more. */
function variadic(type: string, gradient: Gradient): Op {
  return { type, infer: broadcastInfer(undefined, 1), gradient };
}

function comparison(type: string): Op {
  return { type, infer: broadcastInfer('bool') };
}

// y = a + b: da = dy, db = dy
export const Add = binary('Add', ({ dy }) => [dy, dy]);
// y = a − b: da = dy, db = −dy
export const Sub = binary('Sub', ({ dy, needs }) => [dy, needs(1) ? neg(dy) : null]);
// y = a·b: da = dy·b, db = dy·a
export const Mul = binary('Mul', ({ dy, inputs: [a, b], needs }) => [
  needs(0) ? mul(dy, b!) : null,
  needs(1) ? mul(dy, a!) : null,
]);
// y = a/b: da = dy/b, db = −dy·y/b
export const Div = binary('Div', ({ dy, inputs: [, b], outputs: [y], needs }) => [
  needs(0) ? div(dy, b!) : null,
  needs(1) ? neg(div(mul(dy, y!), b!)) : null,
]);
// y = a^b: da = dy·b·a^(b−1), db = dy·y·log a (a > 0)
export const Pow = binary('Pow', ({ dy, inputs: [a, b], outputs: [y], needs }) => [
  needs(0) ? mul(dy, mul(b!, pow(a!, sub(b!, 1)))) : null,
  needs(1) ? mul(dy, mul(y!, log(a!))) : null,
]);
// Remainder: occurs in computations on sizes only, no gradient.
export const Mod = binary('Mod');

/** Gradient of Max and Min: dy goes to the inputs that equal the result, in equal parts where several do. */
const share: Gradient = ({ dy, inputs, outputs: [y], needs }) => {
  const masks = inputs.map((x) => cast(equal(x!, y!), dy.dtype));
  const part =
    masks.length === 1
      ? dy
      : div(
          dy,
          masks.reduce((a, b) => add(a, b)),
        );
  return masks.map((mask, i) => (needs(i) ? mul(part, mask) : null));
};
export const Max = variadic('Max', share);
export const Min = variadic('Min', share);

export const Equal = comparison('Equal');
export const Less = comparison('Less');
export const LessOrEqual = comparison('LessOrEqual');
export const Greater = comparison('Greater');
export const GreaterOrEqual = comparison('GreaterOrEqual');
export const And = comparison('And');
export const Or = comparison('Or');
export const Not: Op = unary('Not');

// y = c ? a : b: da = c ? dy : 0, db = c ? 0 : dy
export const Where: Op = {
  type: 'Where',
  infer(view) {
    const [c, a, b] = [need(view, 0), need(view, 1), need(view, 2)];
    if (c.dtype !== 'bool') throw shapeError(view, `the condition must be bool, got ${c.dtype}`);
    return [{ dtype: a.dtype, shape: broadcastShapes(view, [c.shape, a.shape, b.shape]) }];
  },
  gradient: ({ dy, inputs: [c], needs }) => [
    null,
    needs(1) ? where(c!, dy, 0) : null,
    needs(2) ? where(c!, lift(0, dy), dy) : null,
  ],
};

// y = −x
export const Neg = unary('Neg', ({ dy }) => [neg(dy)]);
// y = |x|: dx = dy·sign x
export const Abs = unary('Abs', ({ dy, inputs: [x] }) => [mul(dy, sign(x!))]);
// y = sign x: dx = 0 almost everywhere
export const Sign = unary('Sign', () => [null]);
// y = √x: dx = dy/(2y)
export const Sqrt = unary('Sqrt', ({ dy, outputs: [y] }) => [div(mul(dy, 0.5), y!)]);
// y = 1/x: dx = −dy·y²
export const Reciprocal = unary('Reciprocal', ({ dy, outputs: [y] }) => [neg(mul(dy, mul(y!, y!)))]);
// y = eˣ: dx = dy·y
export const Exp = unary('Exp', ({ dy, outputs: [y] }) => [mul(dy, y!)]);
// y = ln x: dx = dy/x
export const Log = unary('Log', ({ dy, inputs: [x] }) => [div(dy, x!)]);
// y = erf x: dx = dy·2/√π·e^(−x²)
export const Erf = unary('Erf', ({ dy, inputs: [x] }) => [
  mul(dy, mul(exp(neg(mul(x!, x!))), 2 / Math.sqrt(Math.PI))),
]);
// y = sin x: dx = dy·cos x
export const Sin = unary('Sin', ({ dy, inputs: [x] }) => [mul(dy, cos(x!))]);
// y = cos x: dx = −dy·sin x
export const Cos = unary('Cos', ({ dy, inputs: [x] }) => [neg(mul(dy, sin(x!)))]);
export const Floor = unary('Floor', () => [null]);
export const Ceil = unary('Ceil', () => [null]);
export const Round = unary('Round', () => [null]);
// y = x
export const Identity = unary('Identity', ({ dy }) => [dy]);

// y = x in another type: dx = dy in x's type
export const Cast: Op = {
  type: 'Cast',
  infer(view) {
    const to = str(view.attributes, 'to', '') as DType;
    if (!to) throw shapeError(view, 'attribute "to" must name a type');
    return [{ dtype: to, shape: need(view, 0).shape }];
  },
  gradient: ({ dy, inputs: [x] }) => [x!.dtype.startsWith('float') ? cast(dy, x!.dtype) : null],
};

// y = min(max(x, lo), hi): dx = dy where lo ≤ x ≤ hi
export const Clip: Op = {
  type: 'Clip',
  infer: sameAsFirst,
  gradient: ({ dy, inputs: [x, lo, hi] }) => {
    let dx = dy;
    if (lo) dx = where(greaterOrEqual(x!, lo), dx, 0);
    if (hi) dx = where(lessOrEqual(x!, hi), dx, 0);
    return [dx, null, null];
  },
};

/** a + b. */
export const add = (a: Operand, b: Operand): Value => binaryOf(Add, a, b);
/** a − b. */
export const sub = (a: Operand, b: Operand): Value => binaryOf(Sub, a, b);
/** a·b. */
export const mul = (a: Operand, b: Operand): Value => binaryOf(Mul, a, b);
/** a/b. */
export const div = (a: Operand, b: Operand): Value => binaryOf(Div, a, b);
/** a to the power of b. */
export const pow = (a: Operand, b: Operand): Value => binaryOf(Pow, a, b);
/** The larger of a and b. */
export const max = (a: Operand, b: Operand): Value => binaryOf(Max, a, b);
/** The smaller of a and b. */
export const min = (a: Operand, b: Operand): Value => binaryOf(Min, a, b);
/** Whether a = b, as bool. */
export const equal = (a: Operand, b: Operand): Value => binaryOf(Equal, a, b);
/** Whether a < b, as bool. */
export const less = (a: Operand, b: Operand): Value => binaryOf(Less, a, b);
/** Whether a ≤ b, as bool. */
export const lessOrEqual = (a: Operand, b: Operand): Value => binaryOf(LessOrEqual, a, b);
/** Whether a > b, as bool. */
export const greater = (a: Operand, b: Operand): Value => binaryOf(Greater, a, b);
/** Whether a ≥ b, as bool. */
export const greaterOrEqual = (a: Operand, b: Operand): Value => binaryOf(GreaterOrEqual, a, b);
/** Logical and of bools. */
export const and = (a: Value, b: Value): Value => emit(And, [a, b]);
/** Logical or of bools. */
export const or = (a: Value, b: Value): Value => emit(Or, [a, b]);
/** Logical not of a bool. */
export const not = (x: Value): Value => emit(Not, [x]);
/** −x. */
export const neg = (x: Value): Value => emit(Neg, [x]);
/** |x|. */
export const abs = (x: Value): Value => emit(Abs, [x]);
/** −1, 0 or 1. */
export const sign = (x: Value): Value => emit(Sign, [x]);
/** √x. */
export const sqrt = (x: Value): Value => emit(Sqrt, [x]);
/** 1/x. */
export const reciprocal = (x: Value): Value => emit(Reciprocal, [x]);
/** eˣ. */
export const exp = (x: Value): Value => emit(Exp, [x]);
/** Natural logarithm. */
export const log = (x: Value): Value => emit(Log, [x]);
/** Error function. */
export const erf = (x: Value): Value => emit(Erf, [x]);
/** Sine of radians. */
export const sin = (x: Value): Value => emit(Sin, [x]);
/** Cosine of radians. */
export const cos = (x: Value): Value => emit(Cos, [x]);
/** x, as a value of its own: for outputs that need a name. */
export const identity = (x: Value): Value => emit(Identity, [x]);
/** x². */
export const square = (x: Value): Value => mul(x, x);

function binaryOf(op: Op, a: Operand, b: Operand): Value {
  const like = typeof a === 'number' ? (b as Value) : a;
  return emit(op, [lift(a, like), lift(b, like)]);
}

/** `condition ? a : b`, element by element. */
export function where(condition: Value, a: Operand, b: Operand): Value {
  const like = typeof a === 'number' ? (b as Value) : a;
  return emit(Where, [condition, lift(a, like), lift(b, like)]);
}

/** `x` in another type; `x` itself when it has it. Floats become integers by dropping the fraction. */
export function cast(x: Value, to: DType): Value {
  return x.dtype === to ? x : emit(Cast, [x], { to });
}

/** Clamps to [lo, hi]; either bound may be left out. */
export function clip(x: Value, lo?: number, hi?: number): Value {
  return emit(Clip, [x, lo === undefined ? null : lift(lo, x), hi === undefined ? null : lift(hi, x)]);
}
