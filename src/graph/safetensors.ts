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
const dtypes = new Map(Object.entries(names).map(([dtype, name]) => [name, dtype as DType]));
const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
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

/**
 * Reads what `encodeSafetensors` (or any other writer of the format) wrote. Everything is checked against the file's length
 * before it is read. Throws TENSORS_INVALID; `file` names it in errors.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  file = 'the file',
): { tensors: Map<string, Tensor>; metadata: Record<string, string> } {
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
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(entries)) {
    const dtype = dtypes.get(entry?.dtype);
    const offsets = entry?.data_offsets;
    if (!dtype || !Array.isArray(entry.shape) || !Array.isArray(offsets))
      throw invalid(`tensor "${name}" has no known type, shape and place`);
    const [from, to] = offsets;
    const kind = constructors[dtype];
    const count = entry.shape.reduce((a, b) => a * b, 1);
    if (
      !(from >= 0) ||
      !(to >= from) ||
      start + to > bytes.length ||
      to - from !== count * kind.BYTES_PER_ELEMENT
    )
      throw invalid(`tensor "${name}" does not fit its place`);
    const data = new kind(Uint8Array.from(bytes.subarray(start + from, start + to)).buffer) as TensorData;
    tensors.set(name, { dtype, shape: entry.shape, data });
  }
  return { tensors, metadata };
}
