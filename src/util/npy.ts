import { endianness } from 'node:os';
import { GanletError } from './errors.ts';

/** An array of numpy's `.npy` format: numbers in row-major order, or one text. */
export type NpyArray = { shape: number[]; data: Float64Array } | { text: string };

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/**
 * Reads an `.npy` file (versions 1 to 3) of float, integer or boolean numbers of either byte order and either memory order, as
 * float64, or of one text. `name` names it in errors. Throws NPY_INVALID for anything else: a damaged file, and objects, which
 * would have to be unpickled.
 */
export function decodeNpy(bytes: Uint8Array, name: string): NpyArray {
  const fail = (found: string, hint = 'write it again, with numpy.savez or ganlet'): never => {
    throw new GanletError('NPY_INVALID', `${name} must be a numpy array of numbers, ${found}`, { hint });
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte)) return fail('it is none');
  const wide = bytes[6]! >= 2;
  const start = wide ? 12 : 10;
  const end = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = Buffer.from(bytes.subarray(start, end)).toString('latin1');
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const dims = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const type = /^([<>|=])([fiubUO])(\d*)$/.exec(descr ?? '');
  if (end > bytes.length || dims === undefined || order === undefined)
    return fail('its header cannot be read');
  if (!type) return fail(`it has elements of type ${descr ?? 'structure'}`);
  const [, byteOrder, kind, digits] = type;
  if (kind === 'O') return fail('it holds Python objects', 'save numbers only; objects are never unpickled');
  const shape = dims.split(',').flatMap((d) => (d.trim() === '' ? [] : [Number(d)]));
  const count = shape.reduce((a, b) => a * b, 1);
  const size = Number(digits) * (kind === 'U' ? 4 : 1);
  if (!Number.isSafeInteger(count) || end + count * size !== bytes.length) {
    return fail(`it has ${bytes.length - end} bytes of data for shape (${dims}) of type ${descr}`);
  }
  const little = byteOrder !== '>';
  if (kind === 'U') {
    if (count !== 1) return fail(`it holds ${count} texts`);
    const codes = Array.from({ length: Number(digits) }, (_, i) => view.getUint32(end + 4 * i, little));
    if (codes.some((code) => code > 0x10ffff)) return fail('its text is damaged');
    return { text: String.fromCodePoint(...codes.filter((code) => code !== 0)) };
  }
  const read = readers[`${kind}${digits}`];
  if (!read) return fail(`it has elements of type ${descr}`);
  let data: Float64Array;
  if (kind === 'f' && size === 8 && little && endianness() === 'LE') {
    data = new Float64Array(bytes.slice(end).buffer);
  } else {
    data = new Float64Array(count);
    for (let i = 0; i < count; i++) data[i] = read(view, end + i * size, little);
  }
  return { shape, data: order === 'True' ? rowMajor(data, shape) : data };
}

const readers: Record<string, (view: DataView, at: number, little: boolean) => number> = {
  f8: (view, at, little) => view.getFloat64(at, little),
  f4: (view, at, little) => view.getFloat32(at, little),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  i4: (view, at, little) => view.getInt32(at, little),
  i2: (view, at, little) => view.getInt16(at, little),
  i1: (view, at) => view.getInt8(at),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  u4: (view, at, little) => view.getUint32(at, little),
  u2: (view, at, little) => view.getUint16(at, little),
  u1: (view, at) => view.getUint8(at),
  b1: (view, at) => view.getUint8(at),
};

/** From the order in which the first index runs fastest. */
function rowMajor(data: Float64Array, shape: readonly number[]): Float64Array {
  if (shape.length !== 2) return data;
  const [rows, columns] = shape as [number, number];
  const turned = new Float64Array(data.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) turned[i * columns + j] = data[j * rows + i]!;
  return turned;
}

/** The bytes of an `.npy` file of version 1: float64 in row-major order, an int64 (shape empty), or a text. */
export function encodeNpy(array: NpyArray | { integer: number }): Uint8Array {
  if ('text' in array) {
    const codes = Uint32Array.from(Array.from(array.text), (c) => c.codePointAt(0)!);
    return withHeader(`<U${Math.max(1, codes.length)}`, [], littleEndian(codes.length > 0 ? codes : [0], 4));
  }
  if ('integer' in array) return withHeader('<i8', [], littleEndian([array.integer], 8));
  const { data, shape } = array;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return withHeader(endianness() === 'LE' ? '<f8' : '>f8', shape, bytes);
}

function littleEndian(values: ArrayLike<number>, size: 4 | 8): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * size));
  for (let i = 0; i < values.length; i++) {
    if (size === 4) view.setUint32(4 * i, values[i]!, true);
    else view.setBigInt64(8 * i, BigInt(values[i]!), true);
  }
  return new Uint8Array(view.buffer);
}

function withHeader(descr: string, shape: readonly number[], data: Uint8Array): Uint8Array {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`;
  // The data starts at a multiple of 64 bytes, the header ends in a line feed.
  const padded = `${text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11)}\n`;
  const head = Buffer.concat([Buffer.from([...magic, 1, 0, 0, 0]), Buffer.from(padded, 'latin1')]);
  head.writeUInt16LE(padded.length, 8);
  return Buffer.concat([head, data]);
}
