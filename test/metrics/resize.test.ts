import { describe, expect, it } from 'vitest';
import {
  needSamePreprocessing,
  type Preprocessing,
  preprocessingFingerprint,
} from '../../src/metrics/preprocessing.ts';
import { type ResizeMode, resizeModes, resizePlanes } from '../../src/metrics/resize.ts';
import { fixtures, goldens } from './metric-data.ts';

const clip = (values: number[]) => values.map((v) => Math.min(Math.max(v, 0), 255));
const close = { atol: 1e-4, rtol: 0 };

describe('resizing of a row of pixels', () => {
  const keys = {
    tf1: 'tf1_bilinear',
    torch: 'half_pixel_bilinear',
    'pil-bicubic': 'pil_bicubic',
    'torch-aa': 'pil_bilinear',
  };
  const src = Float32Array.from(goldens.resize.src);

  it.each(resizeModes.flatMap((mode) => [3, 5, 13].map((size) => [mode, size] as const)))(
    '%s to %i pixels equals Pillow, TensorFlow 1 and PyTorch',
    async (mode, size) => {
      const expected = clip(goldens.resize[size][keys[mode]]);
      const row = { data: src, channels: 1, height: 1, width: 8 };
      expect(await resizePlanes(row, mode, { height: 1, width: size })).toBeAllclose(expected, close);
      const column = { data: src, channels: 1, height: 8, width: 1 };
      expect(await resizePlanes(column, mode, { height: size, width: 1 })).toBeAllclose(expected, close);
    },
  );
});

describe('resizing of pictures', () => {
  it('equals Pillow in float, and its 8-bit result to one level', async () => {
    const data = Float32Array.from({ length: 48 }, (_, i) => {
      const [y, x] = [Math.floor(i / 8), i % 8];
      return (y * y * 3 + x * x * 5 + y * x * 11 + 7 * x) % 256;
    });
    const found = await resizePlanes({ data, channels: 1, height: 6, width: 8 }, 'pil-bicubic', {
      height: 4,
      width: 5,
    });
    expect(found).toBeAllclose(goldens.resize2d.pil_bicubic_F.flat(), close);
    expect(found).toBeAllclose(goldens.resize2d.pil_bicubic_uint8.flat(), { atol: 1, rtol: 0 });
  });

  interface Case {
    from: [number, number];
    to: [number, number];
    values: Record<ResizeMode, number[]>;
  }

  it.each(fixtures.resize as Case[])(
    '$from to $to equals PyTorch in each mode',
    async ({ from, to, values }) => {
      const [height, width] = from;
      const data = Float32Array.from({ length: 3 * height * width }, (_, i) => {
        const [c, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
        return (7 + 37 * c + 11 * x * x + 5 * y * y + 13 * x * y) % 256;
      });
      for (const mode of resizeModes) {
        const found = await resizePlanes({ data, channels: 3, height, width }, mode, {
          height: to[0],
          width: to[1],
        });
        expect(found).toBeAllclose(values[mode], { atol: 1e-3, rtol: 0 });
      }
    },
  );

  it.each(resizeModes)(
    '%s keeps a flat picture flat, each picture of a batch by itself, and the same size as it is',
    async (mode) => {
      const data = new Float32Array(2 * 3 * 50).fill(80, 0, 150).fill(200, 150);
      const planes = { data, channels: 3, height: 5, width: 10 };
      const found = await resizePlanes(planes, mode, { height: 7, width: 4 });
      expect(found).toBeAllclose(new Float32Array(168).fill(80, 0, 84).fill(200, 84), close);
      expect(await resizePlanes(planes, mode, { height: 5, width: 10 })).toEqual(data);
    },
  );

  it('refuses sizes that do not fit', async () => {
    const planes = { data: new Float32Array(7), channels: 1, height: 2, width: 2 };
    await expect(resizePlanes(planes, 'tf1', { height: 2, width: 2 })).rejects.toThrow(
      'cannot resize 7 numbers',
    );
  });
});

describe('the preprocessing fingerprint', () => {
  const base: Preprocessing = {
    feature: 'inception-pool3-2048',
    network: 'a'.repeat(64),
    resize: 'tf1',
    size: 299,
    quantise: 'round',
    mean: [128, 128, 128],
    std: [128, 128, 128],
  };

  it('differs when anything differs', () => {
    const others: Partial<Preprocessing>[] = [
      {},
      { feature: 'inception-pool3-768' },
      { network: 'b'.repeat(64) },
      { resize: 'torch' },
      { size: 256 },
      { quantise: 'none' },
      { mean: [127.5, 127.5, 127.5] },
      { std: [127.5, 127.5, 127.5] },
    ];
    const texts = others.map((other) => preprocessingFingerprint({ ...base, ...other }));
    expect(new Set(texts).size).toBe(others.length);
    expect(preprocessingFingerprint({ ...base })).toBe(texts[0]);
  });

  it('is asked for before statistics are compared', () => {
    const known = { feature: base.feature, resize: 'tf1', preprocessing: preprocessingFingerprint(base) };
    expect(needSamePreprocessing(known, { ...known })).toEqual([]);
    expect(() => needSamePreprocessing(known, { ...known, resize: 'torch' })).toThrow(
      'same resize, got "tf1" and "torch"',
    );
    const foreign = { feature: null, resize: null, preprocessing: null };
    expect(needSamePreprocessing(known, foreign)[0]).toContain('feature, resize, preprocessing');
  });
});
