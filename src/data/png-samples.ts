import { inflateSync } from 'node:zlib';
import { BadImageError } from './decode.ts';
import type { Rgb } from './palette.ts';

/** A PNG of one channel as it is stored: numbers, not colours. */
export interface PngSamples {
  width: number;
  height: number;
  /** width × height numbers, rows from the top: indices into the palette, or grey values of 1 to 16 bits. */
  values: Uint8Array | Uint16Array;
  /** Where the PNG is an indexed one. */
  palette?: Rgb[];
}

interface Header {
  width: number;
  height: number;
  depth: number;
  kind: number;
  interlaced: boolean;
}

const signature = [137, 80, 78, 71, 13, 10, 26, 10];
const mostPixels = 2 ** 28;

/**
 * Reads the numbers of a grey or indexed PNG (W3C PNG, third edition). Decoders of pictures turn indices into colours and
 * stretch values of few bits, which would change labels. Throws BadImageError for other PNGs and other files, and for
 * interlaced and damaged ones.
 */
export function readPngSamples(path: string, bytes: Uint8Array): PngSamples {
  const fail = (reason: string, cause?: unknown): never => {
    throw new BadImageError(path, reason, cause);
  };
  if (bytes.length === 0) fail('is empty');
  if (signature.some((byte, i) => bytes[i] !== byte)) fail('is no PNG file, as label maps must be');
  const { header, palette, packed } = readChunks(bytes) ?? fail('cannot be decoded: it is damaged');
  const { width, height, depth, kind, interlaced } = header;
  if (kind !== 0 && kind !== 3) {
    const channels =
      { 2: 'three channels', 4: 'two channels', 6: 'four channels' }[kind] ?? 'unknown channels';
    fail(`has ${channels}, a label map must have one: grey or indexed`);
  }
  if (interlaced) fail('is interlaced, a label map must not be');
  if (width * height > mostPixels) fail('is larger than 268 million pixels');
  const rowBytes = Math.ceil((width * depth) / 8);
  let rows: Uint8Array;
  try {
    rows = inflateSync(Buffer.concat(packed), { maxOutputLength: (rowBytes + 1) * height });
  } catch (error) {
    return fail('cannot be decoded: it is damaged', error);
  }
  if (rows.length !== (rowBytes + 1) * height) fail('cannot be decoded: it is cut off');
  if (!unfilter(rows, rowBytes, height, depth === 16 ? 2 : 1)) fail('cannot be decoded: it is damaged');
  const values = unpack(rows, rowBytes, header);
  return { width, height, values, ...(kind === 3 && palette && { palette }) };
}

function readChunks(
  bytes: Uint8Array,
): { header: Header; palette?: Rgb[]; packed: Uint8Array[] } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const packed: Uint8Array[] = [];
  let header: Header | undefined;
  let palette: Rgb[] | undefined;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = at + 8;
    if (body + length + 4 > bytes.length) return undefined;
    if (type === 'IHDR' && length === 13) {
      const [depth, kind, interlaced] = [bytes[body + 8]!, bytes[body + 9]!, bytes[body + 12] !== 0];
      header = { width: view.getUint32(body), height: view.getUint32(body + 4), depth, kind, interlaced };
    } else if (type === 'PLTE') {
      palette = Array.from({ length: Math.floor(length / 3) }, (_, i) => {
        const entry = body + 3 * i;
        return [bytes[entry]!, bytes[entry + 1]!, bytes[entry + 2]!];
      });
    } else if (type === 'IDAT') packed.push(bytes.subarray(body, body + length));
    else if (type === 'IEND') break;
    at = body + length + 4;
  }
  const right = header && [1, 2, 4, 8, 16].includes(header.depth) && header.width > 0 && header.height > 0;
  return right ? { header: header!, ...(palette && { palette }), packed } : undefined;
}

/** Undoes the filters of rows, in place (§9); false for a filter that does not exist. */
function unfilter(rows: Uint8Array, rowBytes: number, height: number, step: number): boolean {
  for (let y = 0; y < height; y++) {
    const start = y * (rowBytes + 1) + 1;
    const filter = rows[start - 1]!;
    if (filter > 4) return false;
    if (filter === 0) continue;
    for (let x = 0; x < rowBytes; x++) {
      const o = start + x;
      const left = x >= step ? rows[o - step]! : 0;
      const up = y > 0 ? rows[o - rowBytes - 1]! : 0;
      const corner = x >= step && y > 0 ? rows[o - rowBytes - 1 - step]! : 0;
      const guess =
        filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
      rows[o] = rows[o]! + guess;
    }
  }
  return true;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

function unpack(
  rows: Uint8Array,
  rowBytes: number,
  { width, height, depth }: Header,
): Uint8Array | Uint16Array {
  const values = depth === 16 ? new Uint16Array(width * height) : new Uint8Array(width * height);
  const mask = 2 ** depth - 1;
  for (let y = 0; y < height; y++) {
    const start = y * (rowBytes + 1) + 1;
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = start + (bit >> 3);
      values[y * width + x] =
        depth === 16 ? (rows[byte]! << 8) | rows[byte + 1]! : (rows[byte]! >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return values;
}
