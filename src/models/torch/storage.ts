import type { Tensor, TensorData } from '../../graph/graph.ts';
import { fromBfloat16 } from '../../graph/safetensors.ts';
import { invalid, tooLarge } from './problem.ts';

/** Element types of PyTorch that can be read. */
export type TorchDType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool';

export const itemBytes: Record<TorchDType, number> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** A run of elements that tensors view; several tensors may share it. */
export interface TorchStorage {
  readonly kind: 'storage';
  readonly key: string;
  readonly dtype: TorchDType | 'untyped';
  /** Elements; bytes where untyped. */
  readonly count: number;
  /** Its bytes, little-endian or not; at least `count` elements. */
  bytes(): Uint8Array;
  readonly littleEndian: boolean;
}

/** A tensor as it lies in the file: element i₀, i₁, … is at offset + Σ iₖ·strideₖ of its storage. */
export interface StoredTensor {
  readonly kind: 'tensor';
  readonly dtype: TorchDType;
  readonly shape: readonly number[];
  /** Identifies the storage, so that shared weights can be told. */
  readonly storage: string;
  /**
   * Copies the elements in row-major order. bfloat16 becomes float32 and int16 becomes int32, both exactly.
   * Throws CHECKPOINT_INVALID when the bytes are not what the file says.
   */
  read(): Tensor;
}

/** Elements a view may repeat (stride 0) beyond those its storage holds. */
const REPEATS = 2 ** 20;

/**
 * A view of a storage. Throws CHECKPOINT_INVALID when it reaches beyond the storage, CHECKPOINT_TOO_LARGE when it repeats
 * elements to more than 2²⁰; nothing is allocated before `read`.
 */
export function viewStorage(
  storage: TorchStorage,
  dtype: TorchDType,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
  file: string,
): StoredTensor {
  const whole = (x: number) => Number.isSafeInteger(x) && x >= 0;
  if (![offset, ...shape, ...strides].every(whole) || shape.length !== strides.length || shape.length > 64) {
    throw invalid(
      file,
      `a tensor has offset ${offset}, shape [${shape.slice(0, 8)}], strides [${strides.slice(0, 8)}]`,
    );
  }
  const held = storage.dtype === 'untyped' ? Math.floor(storage.count / itemBytes[dtype]) : storage.count;
  const count = shape.reduce((a, b) => a * b, 1);
  const last = shape.reduce((sum, d, k) => sum + (d - 1) * strides[k]!, offset);
  if (count > 0 && !(last < held)) {
    throw invalid(file, `a tensor of shape [${shape}] needs ${last + 1} elements, its storage has ${held}`);
  }
  if (count > Math.max(held, REPEATS)) {
    throw tooLarge(file, `a tensor of shape [${shape}] repeats the ${held} elements of its storage`);
  }
  return {
    kind: 'tensor',
    dtype,
    shape,
    storage: storage.key,
    read() {
      const bytes = storage.bytes();
      if (bytes.length < held * itemBytes[dtype])
        throw invalid(file, `the storage "${storage.key}" is cut off`);
      const data = gather(bytes, dtype, storage.littleEndian, count, offset, shape, strides);
      return { ...convert(data, dtype), shape };
    },
  };
}

/** The view's bytes in row-major order and in this machine's byte order. */
function gather(
  bytes: Uint8Array,
  dtype: TorchDType,
  littleEndian: boolean,
  count: number,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): ArrayBuffer {
  const item = itemBytes[dtype];
  const out = new Uint8Array(count * item);
  let expected = 1;
  let contiguous = true;
  for (let k = shape.length - 1; k >= 0; k--) {
    if (shape[k] !== 1 && strides[k] !== expected) contiguous = false;
    expected *= shape[k]!;
  }
  if (count === 0) return out.buffer;
  if (contiguous) out.set(bytes.subarray(offset * item, (offset + count) * item));
  else {
    const index = new Array<number>(shape.length).fill(0);
    let at = offset;
    for (let i = 0; i < count; i++) {
      for (let b = 0; b < item; b++) out[i * item + b] = bytes[at * item + b]!;
      for (let k = shape.length - 1; k >= 0; k--) {
        at += strides[k]!;
        if (++index[k]! < shape[k]!) break;
        at -= index[k]! * strides[k]!;
        index[k] = 0;
      }
    }
  }
  if (littleEndian !== machineIsLittleEndian) {
    for (let i = 0; i < out.length; i += item) out.subarray(i, i + item).reverse();
  }
  return out.buffer;
}

const machineIsLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function convert(buffer: ArrayBuffer, dtype: TorchDType): { dtype: Tensor['dtype']; data: TensorData } {
  switch (dtype) {
    case 'float32':
      return { dtype, data: new Float32Array(buffer) };
    case 'float64':
      return { dtype, data: new Float64Array(buffer) };
    case 'float16':
      return { dtype, data: new Uint16Array(buffer) };
    case 'bfloat16':
      return { dtype: 'float32', data: fromBfloat16(new Uint16Array(buffer)) };
    case 'int64':
      return { dtype, data: new BigInt64Array(buffer) };
    case 'int32':
      return { dtype, data: new Int32Array(buffer) };
    case 'int16':
      return { dtype: 'int32', data: Int32Array.from(new Int16Array(buffer)) };
    case 'int8':
      return { dtype, data: new Int8Array(buffer) };
    case 'uint8':
    case 'bool':
      return { dtype, data: new Uint8Array(buffer) };
  }
}
