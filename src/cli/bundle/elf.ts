const [magic, loaded] = [0x7f454c46, 0x2];
/** Types of sections: contents, a table of symbols, its strings. */
const emptied = [1, 2, 3];

/**
 * A 64-bit Linux program without what is there for debuggers only: sections that are not loaded, such as tables of symbols and
 * lines, become zeros, which pack to nothing, and the program runs as before. Anything else is given back as it is.
 */
export function withoutSymbols(file: Uint8Array): Uint8Array {
  const given = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const [sixtyFour, littleEndian] = [given[4] === 2, given[5] === 1];
  if (given.length < 64 || given.readUInt32BE(0) !== magic || !sixtyFour || !littleEndian) return file;
  const [table, size, count, names] = [
    Number(given.readBigUInt64LE(0x28)),
    given.readUInt16LE(0x3a),
    given.readUInt16LE(0x3c),
    given.readUInt16LE(0x3e),
  ];
  const section = (i: number) => {
    const at = table + i * size;
    return {
      type: given.readUInt32LE(at + 4),
      flags: Number(given.readBigUInt64LE(at + 8)),
      begin: Number(given.readBigUInt64LE(at + 0x18)),
      length: Number(given.readBigUInt64LE(at + 0x20)),
    };
  };
  if (table + count * size > given.length) return file;
  const result = Buffer.from(given);
  for (let i = 0; i < count; i++) {
    const { type, flags, begin, length } = section(i);
    if (i !== names && emptied.includes(type) && (flags & loaded) === 0)
      result.fill(0, begin, begin + length);
  }
  return result;
}
