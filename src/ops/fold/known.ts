import {
  type Attributes,
  type Dim,
  type DType,
  int64,
  type Tensor,
  type TensorData,
} from '../../graph/graph.ts';

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

/** What a node gives when its inputs are known; undefined when that depends on a symbol, or is large. */
export type Fold = (inputs: readonly (Known | null)[], attributes: Attributes) => Known | Known[] | undefined;

/** The elements, when none is a symbol. */
export function numbersOf(known: Known | null | undefined): number[] | undefined {
  return known?.items.every((d) => typeof d === 'number') ? (known.items as number[]) : undefined;
}

export function isInteger(dtype: DType): boolean {
  return dtype.includes('int');
}

/** A number as its type holds it; undefined when it holds no such number. */
export function stored(x: number, dtype: DType): number | undefined {
  if (dtype === 'float32') return Math.fround(x);
  if (dtype === 'bool') return x === 0 ? 0 : 1;
  if (!isInteger(dtype)) return x;
  return Number.isFinite(x) ? Math.trunc(x) : undefined;
}

/** What is known of a constant; undefined when it is large or of a type that is not computed with. */
export function knownOf({ dtype, shape, data }: Tensor): Known | undefined {
  if (data.length > FOLD_LIMIT || dtype === 'float16') return undefined;
  return { dtype, shape, items: Array.from(data as Iterable<number | bigint>, Number) };
}

/** The tensor, when no element is a symbol. */
export function tensorOf(known: Known): Tensor | undefined {
  const numbers = numbersOf(known);
  return numbers && { dtype: known.dtype, shape: known.shape, data: dataOf(known.dtype, numbers) };
}

function dataOf(dtype: DType, items: readonly number[]): TensorData {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(items);
    case 'float64':
      return Float64Array.from(items);
    case 'int64':
      return int64(items).data;
    case 'int32':
      return Int32Array.from(items);
    case 'int8':
      return Int8Array.from(items);
    default:
      return Uint8Array.from(items);
  }
}
