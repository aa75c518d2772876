import { crc32, inflateRawSync } from 'node:zlib';
import { invalid, tooLarge } from './problem.ts';

/** One file of an archive. `read` checks its checksum; a stored entry is a view of the archive, not a copy. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes after inflating. */
  readonly size: number;
  read(): Uint8Array;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;

/** Bytes that deflated entries of one archive may grow to: weights hardly shrink, so more than this is no checkpoint. */
const inflatedLimit = (archive: number) => Math.max(2 ** 26, 20 * archive);

/**
 * The entries of a zip archive (PKWARE APPNOTE 6.3, with its 64-bit sizes), stored or deflated, by name. Every offset is
 * checked before it is followed and every size before memory is taken. Throws CHECKPOINT_INVALID and CHECKPOINT_TOO_LARGE
 * naming `file`.
 */
export function openZip(bytes: Uint8Array, file: string): Map<string, ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { count, start, end } = directory(view, file);
  const entries = new Map<string, ZipEntry>();
  const spans: [number, number][] = [];
  let inflated = 0;
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL)
      throw invalid(file, 'its zip directory is broken');
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const checksum = view.getUint32(at + 16, true);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((o) => view.getUint16(at + o, true));
    const next = at + 46 + nameLength! + extraLength! + commentLength!;
    if (next > end) throw invalid(file, 'its zip directory is cut off');
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength!));
    const extra = at + 46 + nameLength!;
    const { size, packed, local } = wideSizes(view, at, extra, extra + extraLength!, file);
    if ((flags & 1) !== 0) throw invalid(file, `its entry "${name}" is encrypted`);
    if (method !== 0 && method !== 8)
      throw invalid(file, `its entry "${name}" is packed by method ${method}`);
    if (entries.has(name)) throw invalid(file, `its entry "${name}" is there twice`);
    const from = dataStart(view, local, file, name);
    if (from + packed > start) throw invalid(file, `its entry "${name}" is cut off`);
    if (method === 0 && size !== packed) throw invalid(file, `its entry "${name}" has two sizes`);
    if (method === 8) inflated += size;
    if (inflated > inflatedLimit(bytes.length)) {
      throw tooLarge(file, `${bytes.length} bytes unpack to more than ${inflatedLimit(bytes.length)}`);
    }
    spans.push([from, from + packed]);
    const contents = bytes.subarray(from, from + packed);
    entries.set(name, { name, size, read: () => unpack(contents, method, size, checksum, file, name) });
    at = next;
  }
  spans.sort((a, b) => a[0] - b[0]);
  for (let i = 1; i < spans.length; i++) {
    if (spans[i]![0] < spans[i - 1]![1]) throw invalid(file, 'entries of its zip archive overlap');
  }
  return entries;
}

function unpack(
  contents: Uint8Array,
  method: number,
  size: number,
  checksum: number,
  file: string,
  name: string,
): Uint8Array {
  let data = contents;
  if (method === 8) {
    try {
      data = inflateRawSync(contents, { maxOutputLength: Math.max(1, size) });
    } catch (error) {
      throw invalid(file, `its entry "${name}" cannot be unpacked`, error);
    }
  }
  if (data.length !== size)
    throw invalid(file, `its entry "${name}" must have ${size} bytes, it has ${data.length}`);
  if (crc32(data) !== checksum) throw invalid(file, `the checksum of its entry "${name}" is wrong`);
  return data;
}

/** Where the central directory lies, from the record at the end of the archive. */
function directory(view: DataView, file: string): { count: number; start: number; end: number } {
  const last = view.byteLength - 22;
  let at = last;
  // A comment of up to 64 KiB may follow the record.
  while (at >= 0 && at >= last - 65535 && view.getUint32(at, true) !== END) at--;
  if (at < 0 || at < last - 65535) throw invalid(file, 'the end of its zip archive is missing');
  let count: number = view.getUint16(at + 10, true);
  let size: number = view.getUint32(at + 12, true);
  let start: number = view.getUint32(at + 16, true);
  if (at >= 20 && view.getUint32(at - 20, true) === LOCATOR64) {
    const wide = big(view, at - 12);
    if (wide + 56 > at || view.getUint32(wide, true) !== END64)
      throw invalid(file, 'its zip64 record is broken');
    count = big(view, wide + 32);
    size = big(view, wide + 40);
    start = big(view, wide + 48);
  }
  if (start + size > at || count * 46 > size) throw invalid(file, 'its zip directory does not fit');
  return { count, start, end: start + size };
}

/** Sizes and place of an entry; those that do not fit 32 bits stand in its extra field 1, in this order. */
function wideSizes(view: DataView, at: number, extra: number, extraEnd: number, file: string) {
  let [packed, size, local] = [20, 24, 42].map((o) => view.getUint32(at + o, true)) as [
    number,
    number,
    number,
  ];
  for (let p = extra; p + 4 <= extraEnd; ) {
    const length = view.getUint16(p + 2, true);
    if (view.getUint16(p, true) === 1) {
      let q = p + 4;
      const end = Math.min(p + 4 + length, extraEnd);
      const wide = (narrow: number) => {
        if (narrow !== 0xffffffff) return narrow;
        if (q + 8 > end) throw invalid(file, 'a zip64 size is missing');
        q += 8;
        return big(view, q - 8);
      };
      size = wide(size);
      packed = wide(packed);
      local = wide(local);
    }
    p += 4 + length;
  }
  return { size, packed, local };
}

function dataStart(view: DataView, local: number, file: string, name: string): number {
  if (local + 30 > view.byteLength || view.getUint32(local, true) !== LOCAL) {
    throw invalid(file, `its entry "${name}" has no header`);
  }
  return local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
}

/** An unsigned 64-bit number; beyond 2⁵³ it is inexact, and larger than any file in either case. */
function big(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}
