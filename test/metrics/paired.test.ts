import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { l1 } from '../../src/metrics/l1.ts';
import { measurePairs } from '../../src/metrics/paired.ts';
import { psnr } from '../../src/metrics/psnr.ts';
import { quantise } from '../../src/metrics/quantise.ts';
import { ssim } from '../../src/metrics/ssim.ts';

interface Case {
  name: string;
  channels: number;
  height: number;
  width: number;
  a: string;
  b: string;
  l1: number;
  psnr: number | null;
  ssim: number;
}

const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/paired.json', import.meta.url), 'utf8'));
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

describe('metrics agree with numpy', () => {
  it.each(cases)('for $name', ({ a: textA, b: textB, ...expected }) => {
    const [a, b] = [bytes(textA), bytes(textB)];
    expect(l1(a, b)).toBeCloseTo(expected.l1, 12);
    expect(psnr(a, b)).toBeCloseTo(expected.psnr ?? Number.POSITIVE_INFINITY, 10);
    expect(ssim(a, b, expected)).toBeCloseTo(expected.ssim, 10);
  });
});

describe('metrics agree with scikit-image', () => {
  const shape = { channels: 3, height: 32, width: 32 };
  const [a, b] = [new Uint8Array(3072), new Uint8Array(3072)];
  for (let c = 0, i = 0; c < 3; c++) {
    for (let y = 0; y < 32; y++) {
      for (let x = 0; x < 32; x++, i++) {
        a[i] = 8 * x + 3 * y + 40 * c + 9 * ((x * y) % 7);
        b[i] = Math.min(Math.max(a[i]! + ((5 * x + 11 * y + 3 * c) % 23) - 11, 0), 255);
      }
    }
  }

  it('in PSNR', () => {
    expect(psnr(a, b)).toBeCloseTo(31.811961841197032, 12);
  });

  it('in SSIM with Gaussian weights, of three channels and of one', () => {
    expect(ssim(a, b, shape)).toBeCloseTo(0.9778792276214551, 12);
    const grey = { ...shape, channels: 1 };
    expect(ssim(a.subarray(0, 1024), b.subarray(0, 1024), grey)).toBeCloseTo(0.9752656833372899, 12);
  });
});

describe('8-bit levels', () => {
  it('are those the data was read from, and half-way values go up', () => {
    const levels = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(quantise(Float32Array.from(levels, (level) => level / 127.5 - 1))).toEqual(levels);
    expect([...quantise(Float32Array.of(0, -1.5, 1.5, -1 + 0.4 / 127.5, -1 + 0.6 / 127.5))]).toEqual([
      128, 0, 255, 0, 1,
    ]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('are not made of %f', (value) => {
    expect(() => quantise(Float32Array.of(0, value))).toThrow(
      expect.objectContaining({ code: 'PICTURE_INVALID' }),
    );
  });
});

const picture = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe('laws', () => {
  const shape = { channels: 2, height: 11, width: 13 };
  const length = 2 * 11 * 13;

  it('distance is the same both ways, and none from a picture to itself', () => {
    fc.assert(
      fc.property(picture(length), picture(length), (a, b) => {
        expect(l1(a, b)).toBe(l1(b, a));
        expect(psnr(a, b)).toBe(psnr(b, a));
        expect(ssim(a, b, shape)).toBeCloseTo(ssim(b, a, shape), 12);
        expect(ssim(a, b, shape)).toBeLessThanOrEqual(1);
        expect([l1(a, a), psnr(a, a)]).toEqual([0, Number.POSITIVE_INFINITY]);
        expect(ssim(a, a, shape)).toBeCloseTo(1, 12);
      }),
    );
  });

  it('a shift by d levels is an L1 of d and a PSNR of 20·log10(255 / d), whatever the picture', () => {
    fc.assert(
      fc.property(picture(length), fc.integer({ min: 1, max: 100 }), (base, d) => {
        const a = base.map((level) => level % 156);
        const b = a.map((level) => level + d);
        expect(l1(a, b)).toBe(d);
        expect(psnr(a, b)).toBeCloseTo(20 * Math.log10(255 / d), 10);
      }),
    );
  });

  it('SSIM of a picture turned on its side is the same', () => {
    fc.assert(
      fc.property(picture(12 * 14), picture(12 * 14), (a, b) => {
        const turned = (from: Uint8Array) => from.map((_, i) => from[(i % 12) * 14 + Math.floor(i / 12)]!);
        const upright = ssim(a, b, { channels: 1, height: 12, width: 14 });
        const sideways = ssim(turned(a), turned(b), { channels: 1, height: 14, width: 12 });
        expect(sideways).toBeCloseTo(upright, 10);
      }),
    );
  });
});

it('SSIM refuses pictures its window does not fit', () => {
  const small = new Uint8Array(10 * 20);
  expect(() => ssim(small, small, { channels: 1, height: 10, width: 20 })).toThrow(
    /at least 11 × 11 pixels, got 20 × 10/,
  );
});

describe('many pictures', () => {
  const shape = { channels: 1, height: 11, width: 11 };
  const flat = (level: number) => new Uint8Array(121).fill(level);

  it('give the mean, the sample deviation and the count, as computed from all values at once', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 2, maxLength: 30 }), (shifts) => {
        const measuring = measurePairs(['l1', 'psnr', 'ssim'], shape);
        for (const d of shifts) measuring.add(flat(d), flat(0));
        const { l1: distance, psnr: ratio, ssim: similarity } = measuring.distances();
        const n = shifts.length;
        const mean = shifts.reduce((sum, d) => sum + d, 0) / n;
        const sd = Math.sqrt(shifts.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (n - 1));
        expect(distance!.mean).toBeCloseTo(mean, 9);
        expect(distance!.sd).toBeCloseTo(sd, 9);
        const decibels = shifts.reduce((sum, d) => sum + 20 * Math.log10(255 / d), 0) / n;
        expect(ratio).toMatchObject({ count: n, identical: 0 });
        expect(ratio!.mean).toBeCloseTo(decibels, 9);
        expect(similarity!.count).toBe(n);
      }),
    );
  });

  it('equal to their reference are counted apart from the mean PSNR', () => {
    const measuring = measurePairs(['psnr'], shape);
    measuring.add(flat(7), flat(7));
    expect(measuring.distances()).toEqual({ psnr: { mean: null, sd: null, count: 0, identical: 1 } });
    measuring.add(flat(9), flat(7));
    expect(measuring.distances().psnr).toEqual({
      mean: expect.closeTo(20 * Math.log10(255 / 2), 10),
      sd: null,
      count: 1,
      identical: 1,
    });
  });

  it('must all have the shape that was announced', () => {
    expect(() => measurePairs(['l1'], shape).add(flat(0), new Uint8Array(120))).toThrow(RangeError);
  });
});
