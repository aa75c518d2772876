import { crc32, deflateSync } from 'node:zlib';

type Rgb = readonly [number, number, number];

/** A PNG of one channel, grey or with a palette, of exactly these values: rows from the top, no filters. */
export function pngOf(
  width: number,
  height: number,
  values: ArrayLike<number>,
  { depth = 8, palette }: { depth?: 8 | 16; palette?: readonly Rgb[] } = {},
): Buffer {
  const bytes = depth / 8;
  const rows = Buffer.alloc((width * bytes + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * (width * bytes + 1) + 1 + x * bytes;
      const value = values[y * width + x]!;
      if (depth === 16) rows.writeUInt16BE(value, at);
      else rows[at] = value;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, palette ? 3 : 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    ...(palette ? [chunk('PLTE', Buffer.from(palette.flat()))] : []),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, body: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const out = Buffer.alloc(content.length + 8);
  out.writeUInt32BE(body.length, 0);
  content.copy(out, 4);
  out.writeUInt32BE(crc32(content), out.length - 4);
  return out;
}
