import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { fileError } from './file-error.ts';

/** SHA-256 of bytes or of the UTF-8 form of a string, as 64 lower-case hexadecimal digits. */
export function sha256(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}

/** SHA-256 of several byte arrays as if they were joined. */
export function sha256Parts(parts: Iterable<Uint8Array | string>): string {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest('hex');
}

/** SHA-256 of a file's content, read in pieces. Throws FILE_MISSING, NOT_READABLE, … naming the path. */
export async function sha256File(path: string): Promise<string> {
  const digest = createHash('sha256');
  try {
    await pipeline(createReadStream(path), digest);
  } catch (error) {
    throw fileError('read', path, error);
  }
  return digest.digest('hex');
}

/**
 * JSON text that is equal for equal data: object keys sorted by code unit at every depth, no white space,
 * keys whose value is `undefined` left out. Array order counts.
 */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, entry) => {
    if (entry === null || typeof entry !== 'object' || Array.isArray(entry)) return entry;
    const sorted = Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(sorted);
  });
}

/** SHA-256 of `stableJson(value)`: the same for `{a, b}` and `{b, a}`. */
export function sha256Json(value: unknown): string {
  return sha256(stableJson(value));
}
