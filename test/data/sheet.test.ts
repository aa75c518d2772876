import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sampleSheet } from '../../src/data/sheet.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-sheet-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('puts pictures into rows and kinds into columns under their titles', async () => {
  const size = 96;
  const area = size * size;
  const float = new Float32Array(2 * 3 * area).fill(-1);
  float.fill(1, 0, area);
  float.fill(3, 5 * area, 6 * area);
  const grey = new Float32Array(2 * area).fill(0, 0, area).fill(1, area);
  const bytes = new Uint8Array(2 * area * 3).fill(40, 0, area * 3).fill(90, area * 3);
  const file = join(folder, 'samples/sheet.png');
  await sampleSheet(
    [
      { title: 'student & <co>', images: float },
      { title: 'outline', images: grey, channels: 1 },
      { title: 'real', images: bytes },
    ],
    size,
    file,
  );
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height, info.channels]).toEqual([4 + 3 * 100, 24 + 2 * 100, 3]);
  const pixel = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ];
  const centre = (column: number, row: number) => pixel(4 + column * 100 + 48, 24 + row * 100 + 48);
  expect([centre(0, 0), centre(1, 0), centre(2, 0)]).toEqual([
    [255, 0, 0],
    [128, 128, 128],
    [40, 40, 40],
  ]);
  expect([centre(0, 1), centre(1, 1), centre(2, 1)]).toEqual([
    [0, 0, 255],
    [255, 255, 255],
    [90, 90, 90],
  ]);
  expect(pixel(1, 100)).toEqual([255, 255, 255]);
  const header = data.subarray(0, 24 * info.width * 3);
  expect(header.some((value) => value < 128)).toBe(true);
  expect(readdirSync(join(folder, 'samples'))).toEqual(['sheet.png']);
});

it('enlarges small pictures by whole pixels', async () => {
  const file = join(folder, 'small.png');
  await sampleSheet([{ title: '', images: Float32Array.of(-1, 1, 1, -1), channels: 1 }], 2, file);
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([104, 24 + 100]);
  const at = (x: number, y: number) => data[((24 + y) * info.width + 4 + x) * 3];
  expect([at(0, 0), at(47, 47), at(48, 0), at(95, 47), at(0, 48), at(95, 95)]).toEqual([
    0, 0, 255, 255, 255, 0,
  ]);
});

it('refuses columns of unequal length and writes nothing', async () => {
  const file = join(folder, 'x.png');
  const columns = [
    { title: 'a', images: new Float32Array(12) },
    { title: 'b', images: new Float32Array(24) },
  ];
  await expect(sampleSheet(columns, 2, file)).rejects.toThrow(RangeError);
  await expect(sampleSheet([], 2, file)).rejects.toThrow(RangeError);
  expect(existsSync(file)).toBe(false);
});

it('writes words where a column has no pictures, one to a row', async () => {
  const size = 96;
  const images = new Float32Array(2 * 3 * size * size);
  const file = join(folder, 'words.png');
  await sampleSheet(
    [
      { title: 'condition', texts: ['owl', ''] },
      { title: 'student', images },
    ],
    size,
    file,
  );
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([4 + 2 * 100, 24 + 2 * 100]);
  const inkIn = (row: number) => {
    let ink = 0;
    for (let y = 24 + row * 100; y < 24 + row * 100 + 96; y++)
      for (let x = 4; x < 100; x++) if (data[(y * info.width + x) * 3]! < 128) ink++;
    return ink;
  };
  expect(inkIn(0)).toBeGreaterThan(20);
  expect(inkIn(1)).toBe(0);
  const uneven = sampleSheet(
    [
      { title: 'condition', texts: ['owl'] },
      { title: 'student', images },
    ],
    size,
    file,
  );
  await expect(uneven).rejects.toThrow('equally many');
});
