const [magic, symbolTable, loaded] = [0x7f454c46, 2, 0x2];

/**
 * A 64-bit Linux program without its names for debuggers: what the symbol table and its strings hold becomes zeros, which pack to
 * nothing, and the program runs as before. Anything else is given back as it is.
 */
export function withoutSymbols(file: Uint8Array): Uint8Array {
  const given = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const [sixtyFour, littleEndian] = [given[4] === 2, given[5] === 1];
  if (given.length < 64 || given.readUInt32BE(0) !== magic || !sixtyFour || !littleEndian) return file;
  const [table, size, count] = [
    Number(given.readBigUInt64LE(0x28)),
    given.readUInt16LE(0x3a),
    given.readUInt16LE(0x3c),
  ];
  const section = (i: number) => {
    const at = table + i * size;
    return {
      type: given.readUInt32LE(at + 4),
      flags: given.readBigUInt64LE(at + 8),
      begin: Number(given.readBigUInt64LE(at + 0x18)),
      length: Number(given.readBigUInt64LE(at + 0x20)),
      link: given.readUInt32LE(at + 0x28),
    };
  };
  if (table + count * size > given.length) return file;
  const result = Buffer.from(given);
  for (let i = 0; i < count; i++) {
    const symbols = section(i);
    if (symbols.type !== symbolTable) continue;
    for (const part of [symbols, section(symbols.link)])
      if ((Number(part.flags) & loaded) === 0) result.fill(0, part.begin, part.begin + part.length);
  }
  return result;
}
