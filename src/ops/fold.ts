import { addDim, floorDivDim, mulDim } from '../graph/dims.ts';
import type { Attributes, Dim, DType, Tensor, TensorData } from '../graph/graph.ts';
import { axisIn, broadcast, elementsOf, flatIndex, gathered, indicesOf } from './fold-index.ts';
import { ints, num } from './op.ts';
import { readingOf } from './slice-bounds.ts';

/**
 * A tensor whose elements are known while a file is read. Integers that stand for sizes may be symbols.
 * Booleans are 0 and 1.
 */
export interface Known {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly items: readonly Dim[];
}

/** Tensors with more elements than this are left to the engine. */
export const FOLD_LIMIT = 4096;

type Fold = (inputs: readonly (Known | null)[], attributes: Attributes) => Known | Known[] | undefined;
type Scalar = (...args: Dim[]) => Dim | undefined;

/** Lifts a function of numbers: undefined where a symbol takes part. */
const onNumbers =
  (f: (...args: number[]) => number): Scalar =>
  (...args) =>
    args.every((a) => typeof a === 'number') ? f(...args) : undefined;

/** Element by element with broadcasting; not foldable when one element is not. */
function elementwise(f: Scalar, dtype?: DType, rounded = true): Fold {
  return (inputs) => {
    const given = inputs as readonly Known[];
    const type = dtype ?? given[0]!.dtype;
    const shape = broadcast(given.map((k) => k.shape));
    if (!shape || elementsOf(shape) > FOLD_LIMIT) return undefined;
    const items: Dim[] = [];
    for (const index of indicesOf(shape)) {
      const item = f(...given.map((k) => k.items[flatIndex(k.shape, index)]!));
      if (item === undefined) return undefined;
      items.push(typeof item === 'number' && rounded ? fit(item, type) : item);
    }
    return { dtype: type, shape, items };
  };
}

function isInteger(dtype: DType): boolean {
  return dtype.includes('int');
}

/** A number as its type holds it. */
function fit(x: number, dtype: DType): number {
  if (dtype === 'float32') return Math.fround(x);
  if (dtype === 'bool') return x === 0 ? 0 : 1;
  return isInteger(dtype) ? Math.trunc(x) : x;
}

const plus: Scalar = (a, b) => {
  if (typeof b === 'number') return addDim(a!, b);
  return typeof a === 'number' ? addDim(b!, a) : undefined;
};
const minus: Scalar = (a, b) => (typeof b === 'number' ? addDim(a!, -b) : a === b ? 0 : undefined);
const times: Scalar = (a, b) => {
  const whole = [a, b].every((d) => typeof d === 'string' || Number.isInteger(d));
  return typeof a === 'number' && typeof b === 'number' ? a * b : whole ? mulDim(a!, b!) : undefined;
};
/** Division of integers drops the remainder. */
const divided: Fold = (inputs, attributes) => {
  const integer = isInteger(inputs[0]!.dtype);
  const f: Scalar = (a, b) => {
    if (typeof b !== 'number') return undefined;
    if (typeof a === 'number') return integer && b === 0 ? undefined : a / b;
    if (b === 1) return a;
    return integer && b > 1 ? floorDivDim(a!, b) : undefined;
  };
  return elementwise(f)(inputs, attributes);
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

function numbersOf(known: Known | null | undefined): number[] | undefined {
  return known?.items.every((d) => typeof d === 'number') ? (known.items as number[]) : undefined;
}

function reduce(f: (a: number, b: number) => number, finish = (x: number, _count: number) => x): Fold {
  return ([x, axesInput], attributes) => {
    const { dtype, shape, items } = x!;
    const axes = (numbersOf(axesInput) ?? ints(attributes, 'axes', [])).map((a) => axisIn(a, shape.length));
    const over = axes.length > 0 ? axes : shape.map((_, i) => i);
    const kept = shape.map((d, i) => (over.includes(i) ? 1 : d));
    if (items.some((d) => typeof d !== 'number') || items.length === 0) return undefined;
    const totals: (number | undefined)[] = new Array(elementsOf(kept)).fill(undefined);
    let at = 0;
    for (const index of indicesOf(shape)) {
      const to = flatIndex(kept, index);
      const item = items[at++] as number;
      totals[to] = totals[to] === undefined ? item : f(totals[to], item);
    }
    const count = items.length / totals.length;
    const result = num(attributes, 'keepdims', 1) === 1 ? kept : shape.filter((_, i) => !over.includes(i));
    return { dtype, shape: result, items: totals.map((t) => fit(finish(t!, count), dtype)) };
  };
}

const reshaped = (x: Known, shape: readonly number[]): Known | undefined =>
  elementsOf(shape) === x.items.length ? { ...x, shape } : undefined;

const folds: Record<string, Fold> = {
  Identity: ([x]) => x!,
  Cast: ([x], { to }) => {
    const dtype = to as DType;
    const symbols = x!.items.some((d) => typeof d === 'string');
    if (dtype === 'bool' && symbols) return undefined;
    return { ...x!, dtype, items: x!.items.map((d) => (typeof d === 'number' ? fit(d, dtype) : d)) };
  },
  Add: elementwise(plus),
  Sub: elementwise(minus),
  Mul: elementwise(times),
  Div: divided,
  Mod: (inputs, attributes) => {
    const truncated = num(attributes, 'fmod', 0) === 1;
    return elementwise(onNumbers((a, b) => (truncated ? a! % b! : a! - b! * Math.floor(a! / b!))))(
      inputs,
      attributes,
    );
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
  Where: (inputs, attributes) =>
    elementwise((c, a, b) => (typeof c === 'number' ? (c ? a : b) : undefined), inputs[1]!.dtype)(
      inputs,
      attributes,
    ),
  ReduceSum: reduce((a, b) => a + b),
  ReduceProd: reduce((a, b) => a * b),
  ReduceMax: reduce(Math.max),
  ReduceMin: reduce(Math.min),
  ReduceMean: reduce(
    (a, b) => a + b,
    (sum, count) => sum / count,
  ),

  Reshape: ([x, target]) => {
    const shape = numbersOf(target)?.map((d, i) => (d === 0 ? (x!.shape[i] ?? 0) : d));
    if (!shape) return undefined;
    const known = shape.filter((d) => d !== -1).reduce((a, b) => a * b, 1);
    return reshaped(
      x!,
      shape.map((d) => (d === -1 ? x!.items.length / known : d)),
    );
  },
  Flatten: ([x], attributes) => {
    const axis = num(attributes, 'axis', 1);
    const at = axis < 0 ? axis + x!.shape.length : axis;
    return reshaped(x!, [elementsOf(x!.shape.slice(0, at)), elementsOf(x!.shape.slice(at))]);
  },
  Squeeze: ([x, axesInput]) => {
    const axes = numbersOf(axesInput)?.map((a) => axisIn(a, x!.shape.length));
    return reshaped(
      x!,
      x!.shape.filter((d, i) => (axes ? !axes.includes(i) : d !== 1)),
    );
  },
  Unsqueeze: ([x, axesInput]) => {
    const axes = numbersOf(axesInput);
    if (!axes) return undefined;
    const rank = x!.shape.length + axes.length;
    const at = axes.map((a) => axisIn(a, rank));
    const rest = [...x!.shape];
    return reshaped(
      x!,
      Array.from({ length: rank }, (_, i) => (at.includes(i) ? 1 : (rest.shift() ?? 1))),
    );
  },
  Transpose: ([x], attributes) => {
    const rank = x!.shape.length;
    const perm = ints(
      attributes,
      'perm',
      x!.shape.map((_, i) => rank - 1 - i),
    );
    return gathered(
      x!,
      perm.map((p) => x!.shape[p]!),
      (index) => {
        const from: number[] = [];
        for (const [to, p] of perm.entries()) from[p] = index[to]!;
        return from;
      },
    );
  },
  Gather: ([x, indices], attributes) => {
    const positions = numbersOf(indices);
    if (!positions) return undefined;
    const axis = axisIn(num(attributes, 'axis', 0), x!.shape.length);
    const reads = indices!.shape.length;
    const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)];
    return gathered(x!, shape, (index) => {
      const at = positions[flatIndex(indices!.shape, index.slice(axis, axis + reads))]!;
      return [...index.slice(0, axis), axisIn(at, x!.shape[axis]!), ...index.slice(axis + reads)];
    });
  },
  Slice: ([x, startsInput, endsInput, axesInput, stepsInput]) => {
    const [starts, ends] = [numbersOf(startsInput), numbersOf(endsInput)];
    const axes = axesInput ? numbersOf(axesInput) : starts?.map((_, i) => i);
    const steps = stepsInput ? numbersOf(stepsInput) : starts?.map(() => 1);
    if (!starts || !ends || !axes || !steps || steps.includes(0)) return undefined;
    const readings = x!.shape.map((size, k) => {
      const i = axes.findIndex((a) => axisIn(a, x!.shape.length) === k);
      return i < 0 ? { first: 0, step: 1, count: size } : readingOf(size, starts[i]!, ends[i]!, steps[i]!);
    });
    return gathered(
      x!,
      readings.map((r) => r.count),
      (index) => index.map((i, k) => readings[k]!.first + i * readings[k]!.step),
    );
  },
  Concat: (inputs, attributes) => {
    const parts = inputs as readonly Known[];
    const [first] = parts as [Known];
    const axis = axisIn(num(attributes, 'axis', 0), first.shape.length);
    const total = parts.reduce((n, p) => n + p.shape[axis]!, 0);
    const shape = first.shape.map((d, i) => (i === axis ? total : d));
    const items: Dim[] = [];
    for (const index of indicesOf(shape)) {
      let part = 0;
      let at = index[axis]!;
      while (at >= parts[part]!.shape[axis]!) at -= parts[part++]!.shape[axis]!;
      const from = parts[part]!;
      items.push(from.items[flatIndex(from.shape, index.with(axis, at))]!);
    }
    return { dtype: first.dtype, shape, items };
  },
  Split: ([x, sizesInput], attributes) => {
    const sizes = numbersOf(sizesInput);
    if (!sizes) return undefined;
    const axis = axisIn(num(attributes, 'axis', 0), x!.shape.length);
    let at = 0;
    return sizes.map((size) => {
      const from = at;
      at += size;
      const shape = x!.shape.map((d, i) => (i === axis ? size : d));
      return gathered(x!, shape, (index) => index.with(axis, index[axis]! + from));
    });
  },
  Expand: ([x, target]) => {
    const wanted = numbersOf(target);
    const shape = wanted && broadcast([x!.shape, wanted]);
    if (!shape || elementsOf(shape) > FOLD_LIMIT) return undefined;
    return {
      ...x!,
      shape,
      items: [...indicesOf(shape)].map((index) => x!.items[flatIndex(x!.shape, index)]!),
    };
  },
  Tile: ([x, repeatsInput]) => {
    const repeats = numbersOf(repeatsInput);
    const shape = repeats && x!.shape.map((d, i) => d * repeats[i]!);
    if (!shape || elementsOf(shape) > FOLD_LIMIT) return undefined;
    return gathered(x!, shape, (index) => index.map((i, k) => i % x!.shape[k]!));
  },
  ConstantOfShape: ([target], attributes) => {
    const shape = numbersOf(target);
    if (!shape || elementsOf(shape) > FOLD_LIMIT) return undefined;
    const value = attributes.value as Tensor | undefined;
    const item = value ? Number(value.data[0]) : 0;
    return { dtype: value?.dtype ?? 'float32', shape, items: new Array(elementsOf(shape)).fill(item) };
  },
  Range: (inputs) => {
    const [start, limit, delta] = inputs.map((k) => numbersOf(k)?.[0]);
    if (start === undefined || limit === undefined || !delta) return undefined;
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (count > FOLD_LIMIT) return undefined;
    const { dtype } = inputs[0]!;
    return {
      dtype,
      shape: [count],
      items: Array.from({ length: count }, (_, i) => fit(start + i * delta, dtype)),
    };
  },
  Size: ([x]) => ({ dtype: 'int64', shape: [], items: [x!.items.length] }),
  NonZero: ([x]) => {
    if (!numbersOf(x)) return undefined;
    const found = [...indicesOf(x!.shape)].filter((_, i) => x!.items[i] !== 0);
    const rank = x!.shape.length;
    const items = Array.from({ length: rank }, (_, k) => found.map((index) => index[k]!)).flat();
    return { dtype: 'int64', shape: [rank, found.length], items };
  },
};

/** Whether an operator can be computed while a file is read. */
export function isFoldable(op: string): boolean {
  return Object.hasOwn(folds, op);
}

/** The results of a node whose inputs are known; undefined when they depend on a symbol, or are large. */
export function fold(
  op: string,
  inputs: readonly (Known | null)[],
  attributes: Attributes,
): Known[] | undefined {
  const rule = Object.hasOwn(folds, op) ? folds[op] : undefined;
  const found = rule?.(inputs, attributes);
  return found === undefined || Array.isArray(found) ? found : [found as Known];
}

/** What is known of a constant; undefined when it is large or of a type that is not computed with. */
export function knownOf({ dtype, shape, data }: Tensor): Known | undefined {
  if (data.length > FOLD_LIMIT || dtype === 'float16') return undefined;
  return { dtype, shape, items: Array.from(data as Iterable<number | bigint>, Number) };
}

/** The tensor, when no element is a symbol. */
export function tensorOf({ dtype, shape, items }: Known): Tensor | undefined {
  if (items.some((d) => typeof d !== 'number')) return undefined;
  return { dtype, shape, data: dataOf(dtype, items as number[]) };
}

function dataOf(dtype: DType, items: readonly number[]): TensorData {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(items);
    case 'float64':
      return Float64Array.from(items);
    case 'int64':
      return BigInt64Array.from(items, (x) => BigInt.asIntN(64, clampedBigInt(x)));
    case 'int32':
      return Int32Array.from(items);
    case 'int8':
      return Int8Array.from(items);
    default:
      return Uint8Array.from(items);
  }
}

/** Numbers near the ends of int64, which mean "to the end" in slices, must not wrap round. */
function clampedBigInt(x: number): bigint {
  const [lo, hi] = [-(2n ** 63n), 2n ** 63n - 1n];
  const whole = BigInt(x);
  return whole < lo ? lo : whole > hi ? hi : whole;
}
