import { invalid } from './problem.ts';

/** Reads the arguments of pickle opcodes. Every method throws CHECKPOINT_INVALID where the bytes end too soon. */
export class ByteReader {
  at: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly file: string;

  constructor(bytes: Uint8Array, at: number, file: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.file = file;
  }

  /** A view of the next `count` bytes. */
  take(count: number): Uint8Array {
    this.skip(count);
    return this.bytes.subarray(this.at - count, this.at);
  }

  byte(): number {
    return this.view.getUint8(this.skip(1));
  }

  uint16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  length4(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  length8(): number {
    return Number(this.view.getBigUint64(this.skip(8), true));
  }

  /** Big-endian, unlike the rest of the format. */
  float64(): number {
    return this.view.getFloat64(this.skip(8), false);
  }

  /** A two's complement integer of `count` bytes. */
  long(count: number): number | bigint {
    if (count > LONGEST) throw this.broken(`an integer has ${count} bytes`);
    let value = 0n;
    const bytes = this.take(count);
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    return narrow(BigInt.asIntN(8 * count, value));
  }

  utf8(count: number): string {
    return new TextDecoder().decode(this.take(count));
  }

  latin1(count: number): string {
    return Buffer.from(this.take(count)).toString('latin1');
  }

  /** Text up to the next newline. */
  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw this.broken('a line has no end');
    const text = this.latin1(end - this.at);
    this.at = end + 1;
    return text;
  }

  /** `12`, `12L`, or the booleans `00` and `01`. */
  integerLine(): number | bigint | boolean {
    const text = this.line();
    if (text === '00' || text === '01') return text === '01';
    const digits = text.replace(/L$/, '');
    if (!/^-?\d{1,100}$/.test(digits)) throw this.broken('a line must hold an integer');
    return narrow(BigInt(digits));
  }

  floatLine(): number {
    const text = this.line();
    const value = Number(text.replace('inf', 'Infinity'));
    if (text.trim() === '' || (Number.isNaN(value) && text !== 'nan'))
      throw this.broken('a line must hold a number');
    return value;
  }

  quotedLine(): string {
    const text = this.line();
    if (text.length < 2 || text[0] !== text.at(-1) || !/^['"]/.test(text))
      throw this.broken('a text has no quotes');
    return text.slice(1, -1);
  }

  private skip(count: number): number {
    const from = this.at;
    if (!(count <= this.bytes.length - from)) throw this.broken('it ends too soon');
    this.at += count;
    return from;
  }

  private broken(what: string) {
    return invalid(this.file, `its pickle is broken: ${what}`);
  }
}

/** Bytes of the longest integer that is read; the largest that PyTorch writes has ten. */
const LONGEST = 64;

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
