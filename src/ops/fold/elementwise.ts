import { addDim, floorDivDim, mulDim } from '../../graph/dims.ts';
import type { Dim, DType } from '../../graph/graph.ts';
import { ints, num } from '../op.ts';
import { axisIn, broadcast, elementsOf, flatIndex, indicesOf } from './index-space.ts';
import { FOLD_LIMIT, type Fold, isInteger, type Known, numbersOf, stored } from './known.ts';

type Scalar = (...args: Dim[]) => Dim | undefined;

/** Lifts a function of numbers: undefined where a symbol takes part. */
const onNumbers =
  (f: (...args: number[]) => number): Scalar =>
  (...args) =>
    args.every((a) => typeof a === 'number') ? f(...args) : undefined;

/** Element by element with broadcasting; not foldable when one element is not. */
function elementwise(f: Scalar, dtype?: DType): Fold {
  return (inputs) => {
    const given = inputs as readonly Known[];
    const type = dtype ?? given[0]!.dtype;
    const shape = broadcast(given.map((k) => k.shape));
    if (!shape || elementsOf(shape) > FOLD_LIMIT) return undefined;
    const items: Dim[] = [];
    for (const index of indicesOf(shape)) {
      const result = f(...given.map((k) => k.items[flatIndex(k.shape, index)]!));
      const item = typeof result === 'number' ? stored(result, type) : result;
      if (item === undefined) return undefined;
      items.push(item);
    }
    return { dtype: type, shape, items };
  };
}

const plus: Scalar = (a, b) => {
  if (typeof b === 'number') return addDim(a!, b);
  return typeof a === 'number' ? addDim(b!, a) : undefined;
};
const minus: Scalar = (a, b) => (typeof b === 'number' ? addDim(a!, -b) : a === b ? 0 : undefined);
const times: Scalar = (a, b) => {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  const whole = [a, b].every((d) => typeof d === 'string' || Number.isInteger(d));
  return whole ? mulDim(a!, b!) : undefined;
};
/** Division of integers drops the remainder. */
const divided: Fold = (inputs, attributes) => {
  const integer = isInteger(inputs[0]!.dtype);
  const over: Scalar = (a, b) => {
    if (typeof b !== 'number') return undefined;
    if (typeof a === 'number') return a / b;
    if (b === 1) return a;
    return integer && b > 1 ? floorDivDim(a!, b) : undefined;
  };
  return elementwise(over)(inputs, attributes);
};
/** Symbols are sizes: never negative, equal to themselves. */
const equal: Scalar = (a, b) => {
  if (typeof a === 'number' && typeof b === 'number') return a === b ? 1 : 0;
  if (a === b) return 1;
  return [a, b].some((d) => typeof d === 'number' && d < 0) ? 0 : undefined;
};
/** Rounding leaves a symbol as it is: it stands for a whole number. */
const rounding =
  (f: (x: number) => number): Scalar =>
  (a) =>
    typeof a === 'number' ? f(a) : a;

const compare = (f: (a: number, b: number) => boolean): Fold =>
  elementwise(
    onNumbers((a, b) => (f(a!, b!) ? 1 : 0)),
    'bool',
  );
const unary = (f: (x: number) => number): Fold => elementwise(onNumbers((x) => f(x!)));

/** Half to even, as Round is defined. */
function roundEven(x: number): number {
  const low = Math.floor(x);
  return x - low === 0.5 ? low + (low % 2 === 0 ? 0 : 1) : Math.round(x);
}

function reduce(f: (a: number, b: number) => number, finish = (x: number, _count: number) => x): Fold {
  return ([x, axesInput], attributes) => {
    const { dtype, shape } = x!;
    const items = numbersOf(x);
    const given = axesInput ? numbersOf(axesInput) : ints(attributes, 'axes', []);
    if (!items || !given || items.length === 0) return undefined;
    const axes = given.map((a) => axisIn(a, shape.length));
    const over = axes.length > 0 ? axes : shape.map((_, i) => i);
    const kept = shape.map((d, i) => (over.includes(i) ? 1 : d));
    const totals: (number | undefined)[] = new Array(elementsOf(kept)).fill(undefined);
    for (const [n, index] of [...indicesOf(shape)].entries()) {
      const to = flatIndex(kept, index);
      totals[to] = totals[to] === undefined ? items[n]! : f(totals[to], items[n]!);
    }
    const count = items.length / totals.length;
    const result = num(attributes, 'keepdims', 1) === 1 ? kept : shape.filter((_, i) => !over.includes(i));
    return { dtype, shape: result, items: totals.map((t) => stored(finish(t!, count), dtype)!) };
  };
}

/** Computations on the numbers of small tensors, by operator. */
export const elementwiseFolds: Record<string, Fold> = {
  Identity: ([x]) => x!,
  Cast: (inputs, attributes) => {
    const to = attributes.to as DType;
    return elementwise(to === 'bool' ? onNumbers((x) => x!) : (x) => x, to)(inputs, attributes);
  },
  Add: elementwise(plus),
  Sub: elementwise(minus),
  Mul: elementwise(times),
  Div: divided,
  Mod: (inputs, attributes) => {
    const truncated = num(attributes, 'fmod', 0) === 1;
    const remainder = (a: number, b: number) => (truncated ? a % b : a - b * Math.floor(a / b));
    return elementwise(onNumbers((a, b) => remainder(a!, b!)))(inputs, attributes);
  },
  Pow: elementwise(onNumbers((a, b) => a! ** b!)),
  Max: elementwise(onNumbers(Math.max)),
  Min: elementwise(onNumbers(Math.min)),
  Neg: unary((x) => 0 - x),
  Abs: unary(Math.abs),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Floor: elementwise(rounding(Math.floor)),
  Ceil: elementwise(rounding(Math.ceil)),
  Round: elementwise(rounding(roundEven)),
  Equal: elementwise(equal, 'bool'),
  Less: compare((a, b) => a < b),
  LessOrEqual: compare((a, b) => a <= b),
  Greater: compare((a, b) => a > b),
  GreaterOrEqual: compare((a, b) => a >= b),
  And: compare((a, b) => a !== 0 && b !== 0),
  Or: compare((a, b) => a !== 0 || b !== 0),
  Not: elementwise(
    onNumbers((a) => 1 - a!),
    'bool',
  ),
  Where: (inputs, attributes) => {
    const choose: Scalar = (c, a, b) => (typeof c === 'number' ? (c ? a : b) : undefined);
    return elementwise(choose, inputs[1]!.dtype)(inputs, attributes);
  },
  ReduceSum: reduce((a, b) => a + b),
  ReduceProd: reduce((a, b) => a * b),
  ReduceMax: reduce(Math.max),
  ReduceMin: reduce(Math.min),
  ReduceMean: reduce(
    (a, b) => a + b,
    (sum, count) => sum / count,
  ),
};
