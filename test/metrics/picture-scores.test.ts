import { describe, expect, it } from 'vitest';
import { diversitySum } from '../../src/metrics/diversity.ts';
import { msSsim } from '../../src/metrics/ms-ssim.ts';
import { segmentationSum } from '../../src/metrics/segmentation.ts';
import { fixtures, goldens } from './metric-data.ts';

describe('MS-SSIM', () => {
  const pictures = (height: number, width: number, amplitude: number): [Uint8Array, Uint8Array] => {
    const [a, b] = [new Uint8Array(2 * height * width), new Uint8Array(2 * height * width)];
    for (let c = 0, i = 0; c < 2; c++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++, i++) {
          a[i] = (3 * x + 2 * y + 40 * c + 9 * ((x * y) % 7)) % 256;
          const noise = ((5 * x + 11 * y + 3 * c) % amplitude) - Math.floor(amplitude / 2);
          b[i] = Math.min(Math.max(a[i]! + noise, 0), 255);
        }
      }
    }
    return [a, b];
  };

  it.each(fixtures.msSsim as { height: number; width: number; amplitude: number; value: number }[])(
    'equals numpy for $width × $height pixels, odd sizes included',
    ({ height, width, amplitude, value }) => {
      const [a, b] = pictures(height, width, amplitude);
      const shape = { channels: 2, height, width };
      expect(msSsim(a, b, shape)).toBeCloseTo(value, 10);
      expect(msSsim(a, a, shape)).toBeCloseTo(1, 14);
    },
  );

  it('refuses pictures whose smallest scale would not hold the window', () => {
    const small = new Uint8Array(160 * 200);
    expect(() => msSsim(small, small, { channels: 1, height: 160, width: 200 })).toThrow(
      'at least 161 × 161',
    );
  });
});

describe('diversity', () => {
  const apart = (a: number, b: number) => Math.abs(a - b);

  it('is the mean over conditions of the mean over all pairs', async () => {
    const sum = diversitySum(apart);
    await sum.add([0, 1, 3]);
    await sum.add([5, 5]);
    expect(sum.result()).toEqual({ value: 1, sd: Math.SQRT2, conditions: 2, pairs: 4, warnings: [] });
  });

  it('compares each with the next where that is the protocol', async () => {
    const sum = diversitySum(apart, 'consecutive');
    await sum.add([0, 1, 4, 4]);
    expect(sum.result()).toMatchObject({ value: 4 / 3, pairs: 3, sd: null });
  });

  it('draws pairs of different pictures, the same ones each time', async () => {
    const of = async () => {
      const seen: string[] = [];
      const sum = diversitySum((a: number, b: number) => seen.push(`${a}${b}`), { random: 200, seed: 3 });
      await sum.add([0, 1, 2]);
      return seen;
    };
    const seen = await of();
    expect([...new Set(seen)].sort()).toEqual(['01', '02', '10', '12', '20', '21']);
    expect(await of()).toEqual(seen);
  });

  it('says when it does not apply, and refuses single pictures', async () => {
    const sum = diversitySum(apart);
    expect(() => sum.result()).toThrow('at least 1 condition');
    await expect(sum.add([1])).rejects.toMatchObject({ code: 'TOO_FEW_PICTURES' });
    await sum.add([2, 2]);
    expect(sum.result().warnings).toHaveLength(1);
  });
});

describe('segmentation scores', () => {
  const { gt, pred, hist, iou, miou_nanmean, miou_zero_absent, acc, class_acc } = goldens.seg;

  it('equal numpy, picture by picture, unlabelled pixels left out', () => {
    const sum = segmentationSum(5);
    for (const [row, truth] of gt.entries()) sum.add(truth, pred[row]);
    const found = sum.result();
    expect([...found.counts]).toEqual(hist.flat());
    expect(found.iou).toEqual(iou);
    expect(found).toMatchObject({ pixelAccuracy: acc, pixels: 10, pictures: 3, classes: 5, absent: 'skip' });
    expect([found.meanIou, found.classAccuracy]).toBeAllclose([miou_nanmean, class_acc], { atol: 1e-15 });
    expect(sum.result('zero').meanIou).toBeCloseTo(miou_zero_absent, 14);
  });

  it('refuse maps of unequal size, classes out of range and maps without labels, and count nothing then', () => {
    const sum = segmentationSum(2);
    expect(() => sum.add([0, 1], [0])).toThrow('2 and 1 pixels');
    expect(() => sum.add([0, 1], [0, 2])).toThrow('0 to 1, got 2');
    expect(() => sum.result()).toThrow('at least one labelled pixel');
    sum.add([1, 255], [1, 7]);
    expect(sum.result()).toMatchObject({ pixels: 1, pixelAccuracy: 1 });
  });
});
