import { GanletError } from '../util/errors.ts';
import type { DType, Tensor, TensorData } from './graph.ts';

const names: Partial<Record<DType, string>> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  int64: 'I64',
  int32: 'I32',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};
/** Types that only files of others have; they are widened when read. */
const foreign = { BF16: 'bfloat16', I16: 'int16' } as const;
const dtypes = new Map<string, SafetensorsType>([
  ...Object.entries(names).map(([dtype, name]) => [name, dtype as DType] as const),
  ...Object.entries(foreign),
]);

/** Element types of safetensors files. */
export type SafetensorsType = DType | (typeof foreign)[keyof typeof foreign];
const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  bfloat16: Uint16Array,
  int16: Int16Array,
} as const;

/**
 * Tensors in the safetensors format: eight bytes with the length of a JSON header, the header, then raw little-endian data.
 * `metadata` goes to the header's `__metadata__`.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let at = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    header[name] = { dtype: names[dtype], shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
  }
  let json = JSON.stringify(header);
  // Data starts at a multiple of 8, as the format asks.
  json += ' '.repeat((8 - (new TextEncoder().encode(json).length % 8)) % 8);
  const head = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + head.length + at);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let offset = 8 + head.length;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/** A tensor that has been checked against the file but not read. */
export interface SafetensorsEntry {
  readonly type: SafetensorsType;
  readonly shape: readonly number[];
  /** Copies the elements; bfloat16 becomes float32 and int16 becomes int32, both exactly. */
  read(): Tensor;
}

/**
 * Opens what `encodeSafetensors` (or any other writer of the format) wrote. Everything is checked against the file's length
 * before it is read. Throws TENSORS_INVALID; `file` names it in errors.
 */
export function openSafetensors(
  bytes: Uint8Array,
  file = 'the file',
): { tensors: Map<string, SafetensorsEntry>; metadata: Record<string, string> } {
  const invalid = (what: string) =>
    new GanletError('TENSORS_INVALID', `${file} must be a safetensors file, ${what}`);
  if (bytes.length < 8) throw invalid(`it has ${bytes.length} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) throw invalid('its header is cut off');
  let header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw invalid('its header is not JSON');
  }
  if (typeof header !== 'object' || header === null) throw invalid('its header is not an object');
  const { __metadata__: metadata = {}, ...entries } = header as typeof header & {
    __metadata__?: Record<string, string>;
  };
  const start = 8 + length;
  const tensors = new Map<string, SafetensorsEntry>();
  let taken = 0;
  for (const [name, entry] of Object.entries(entries)) {
    const type = dtypes.get(entry?.dtype);
    const offsets = entry?.data_offsets;
    if (!type || !Array.isArray(entry.shape) || !Array.isArray(offsets))
      throw invalid(`tensor "${name}" has no known type, shape and place`);
    const { shape } = entry;
    const [from, to] = offsets;
    const kind = constructors[type];
    const count = shape.reduce((a, b) => a * b, 1);
    if (
      ![...shape, from, to].every((x) => Number.isSafeInteger(x) && x >= 0) ||
      start + to > bytes.length ||
      to - from !== count * kind.BYTES_PER_ELEMENT
    )
      throw invalid(`tensor "${name}" does not fit its place`);
    taken += to - from;
    if (taken > bytes.length - start) throw invalid(`tensor "${name}" lies over another`);
    const read = () => {
      const data = new kind(Uint8Array.from(bytes.subarray(start + from, start + to)).buffer);
      return { ...widen(data, type), shape };
    };
    tensors.set(name, { type, shape, read });
  }
  return { tensors, metadata };
}

/** As `openSafetensors`, with all tensors read. */
export function decodeSafetensors(
  bytes: Uint8Array,
  file = 'the file',
): { tensors: Map<string, Tensor>; metadata: Record<string, string> } {
  const { tensors, metadata } = openSafetensors(bytes, file);
  return { tensors: new Map([...tensors].map(([name, entry]) => [name, entry.read()])), metadata };
}

function widen(data: TensorData | Int16Array, type: SafetensorsType): { dtype: DType; data: TensorData } {
  if (type === 'bfloat16') return { dtype: 'float32', data: fromBfloat16(data as Uint16Array) };
  if (type === 'int16') return { dtype: 'int32', data: Int32Array.from(data as Int16Array) };
  return { dtype: type, data: data as TensorData };
}

/** bfloat16 is the upper half of a float32. */
export function fromBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}
