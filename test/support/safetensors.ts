import { readFileSync } from 'node:fs';

export type StoredTensor = { shape: number[]; data: Float32Array };

type HeaderEntry = { dtype: string; shape: number[]; data_offsets: [number, number] };

/**
 * The tensors of a safetensors file whose tensors are all float32 (what test/fixtures/*.py write), by name in
 * file order. Throws with the file's name if the file is not of that form.
 */
export function readSafetensors(path: string): Map<string, StoredTensor> {
  const { header, body } = split(path);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: span } = entry as HeaderEntry;
    const count = shape.reduce((product, dim) => product * dim, 1);
    if (dtype !== 'F32') throw new Error(`${path}: ${name} must be F32, found ${dtype}`);
    if (span[1] - span[0] !== 4 * count || span[0] < 0 || span[1] > body.length) {
      throw new Error(`${path}: ${name} of shape [${shape}] does not fit bytes ${span[0]} to ${span[1]}`);
    }
    // A copy, because the bytes need not start at a multiple of four.
    tensors.set(name, { shape, data: new Float32Array(body.slice(span[0], span[1]).buffer) });
  }
  return tensors;
}

/** The text entries stored beside the tensors (the options a fixture was made with). */
export function readSafetensorsMetadata(path: string): Record<string, string> {
  return (split(path).header.__metadata__ ?? {}) as Record<string, string>;
}

/** The tensors named `<prefix>/<name>`, by `<name>`. */
export function tensorsUnder(tensors: Map<string, StoredTensor>, prefix: string): Map<string, StoredTensor> {
  const found = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    if (name.startsWith(`${prefix}/`)) found.set(name.slice(prefix.length + 1), tensor);
  }
  return found;
}

function split(path: string): { header: Record<string, unknown>; body: Uint8Array } {
  const bytes = new Uint8Array(readFileSync(path));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? Number.NaN : Number(view.getBigUint64(0, true));
  if (!(length <= bytes.length - 8)) throw new Error(`${path}: not a safetensors file`);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  return { header, body: bytes.subarray(8 + length) };
}
