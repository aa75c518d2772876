import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { features, featuresOnDisk, inMemory } from '../../src/metrics/features.ts';
import { inceptionScore, inceptionScoreSum } from '../../src/metrics/inception-score.ts';
import { kernelDiscrepancy, kid } from '../../src/metrics/kid.ts';
import { slicedDistance } from '../../src/metrics/mind.ts';
import { bootstrapInterval } from '../../src/metrics/resampling.ts';
import { randomState } from '../../src/util/mt19937.ts';
import { drawn, fixtures, goldens, mat, normal, squared, u } from './metric-data.ts';

const exact = { atol: 0, rtol: 1e-12 };

describe('the kernel distance', () => {
  const [x, y] = [mat(40, 6, 1), mat(50, 6, 5, squared)];

  it('of all pictures equals numpy, unbiased and biased', async () => {
    expect(await kernelDiscrepancy(x, y)).toBeCloseTo(goldens.kid.full_unbiased, 12);
    expect(await kernelDiscrepancy(x, y, { unbiased: false })).toBeCloseTo(goldens.kid.full_biased, 12);
  });

  it('over subsets equals that of numpy with the same draws, made pictures first', async () => {
    const found = await kid(y, x, { subsets: 5, subsetSize: 20 });
    expect(found.values).toBeAllclose(goldens.kid_subsets.values, exact);
    expect([found.value, found.sd]).toBeAllclose(
      [goldens.kid_subsets.mean, goldens.kid_subsets.std_ddof0],
      exact,
    );
    expect(found).toMatchObject({ countReal: 50, countFake: 40, dimension: 6, warnings: [] });
  });

  it('equals numpy for random features', async () => {
    const { real, fake, subsets, size, mean, sd, full } = fixtures.kid;
    const [a, b] = [drawn(real), drawn(fake)];
    const found = await kid(a, b, { subsets, subsetSize: size });
    expect([found.value, found.sd, await kernelDiscrepancy(a, b)]).toBeAllclose([mean, sd, full], {
      atol: 0,
      rtol: 1e-11,
    });
  });

  it('takes smaller subsets where there are fewer pictures, and says so', async () => {
    const found = await kid(x, y, { subsets: 2 });
    expect(found.subsetSize).toBe(40);
    expect(found.warnings).toEqual(['subsets hold 40 pictures instead of 1000: there are no more']);
  });

  it('of a set to itself is 0 with its diagonals, and known without', async () => {
    const set = normal(1, 1100, 5);
    expect(Math.abs(await kernelDiscrepancy(set, set, { unbiased: false }))).toBeLessThan(1e-12);
    const { data } = await inMemory(set);
    const m = set.count;
    let [diagonal, all] = [0, 0];
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < m; j++) {
        let dot = 0;
        for (let k = 0; k < 5; k++) dot += data[i * 5 + k]! * data[j * 5 + k]!;
        const value = (dot / 5 + 1) ** 3;
        all += value;
        if (i === j) diagonal += value;
      }
    }
    const expected = (-2 / m) * (diagonal / m - (all - diagonal) / (m * (m - 1)));
    expect(await kernelDiscrepancy(set, set)).toBeCloseTo(expected, 12);
  });

  it('refuses subsets that are none', async () => {
    await expect(kid(x, y, { subsets: 0 })).rejects.toThrow(RangeError);
    await expect(kid(x, normal(1, 5, 4))).rejects.toMatchObject({ code: 'FEATURES_MISMATCH' });
  });
});

describe('the Inception Score', () => {
  const logits = features(
    Float64Array.from({ length: 210 }, (_, k) => {
      const [i, j] = [Math.floor(k / 7), k % 7];
      return 6 * u(i, j, 3) * ((i * j) % 3 === 0 ? 2 : 1);
    }),
    7,
  );

  it.each([
    ['one split', { splits: 1 }, goldens.is.splits1],
    ['four splits in order', { splits: 4, seed: null }, goldens.is.splits4_noshuffle],
    ['four splits shuffled like numpy', { splits: 4 }, goldens.is.splits4_shuffle2020],
    ['four splits, divisor n − 1', { splits: 4, ddof: 1 as const }, goldens.is.splits4_shuffle_ddof1],
  ])('equals numpy with %s', async (_name, options, [value, sd]) => {
    const found = await inceptionScore(logits, options);
    expect([found.value, found.sd]).toBeAllclose([value, sd], { atol: 1e-14, rtol: 1e-12 });
  });

  it('equals numpy for splits of unequal size', async () => {
    const { logits: set, splits, mean, sd } = fixtures.inceptionScore;
    const found = await inceptionScore(drawn(set), { splits });
    expect([found.value, found.sd]).toBeAllclose([mean, sd], { atol: 0, rtol: 1e-12 });
    expect(found).toMatchObject({ count: 105, classes: 20, splits: 10, seed: 2020 });
  });

  it('is 1 for equal pictures and the number of classes for certain, balanced ones', async () => {
    const equal = features(new Float64Array(60).fill(0.3), 3);
    expect((await inceptionScore(equal)).value).toBeCloseTo(1, 14);
    const certain = features(
      Float64Array.from({ length: 64 }, (_, k) => (k % 9 === 0 ? 1000 : 0)),
      8,
    );
    expect((await inceptionScore(certain, { splits: 1 })).value).toBeCloseTo(8, 12);
  });

  it('is the same bits however the logits are batched', async () => {
    const { data } = await inMemory(logits);
    const whole = await inceptionScore(logits, { splits: 3 });
    const sum = inceptionScoreSum(30, 7, { splits: 3 });
    for (let i = 0; i < 30; i += 4) sum.add(data.subarray(i * 7, Math.min(i + 4, 30) * 7));
    expect(sum.result()).toEqual(whole);
  });

  it('refuses too few pictures, too many, and numbers that are none', () => {
    expect(() => inceptionScoreSum(9, 7)).toThrow('at least 10 pictures');
    const sum = inceptionScoreSum(10, 2);
    expect(() => sum.result()).toThrow('10 pictures got 0');
    expect(() => sum.add(new Float32Array(22))).toThrow('10 rows of 2');
    expect(() => sum.add(Float32Array.of(Number.NaN, 1))).toThrow('must be finite');
  });
});

describe('the sliced distance', () => {
  it('equals numpy for given directions', async () => {
    const { data } = await inMemory(mat(9, 6, 11, (x) => x - 0.5));
    for (let i = 0; i < 9; i++) {
      const row = data.subarray(i * 6, (i + 1) * 6);
      const length = Math.hypot(...row);
      for (let j = 0; j < 6; j++) row[j]! /= length;
    }
    const y = features((await inMemory(mat(50, 6, 5, squared))).data.slice(0, 240), 6);
    const found = await slicedDistance(mat(40, 6, 1), y, { directions: { rows: 9, columns: 6, data } });
    expect(found).toBeCloseTo(goldens.mind.value, 12);
  });

  it('of a shift by m is 3·d·m², but for the chance in the directions', async () => {
    const { data } = await inMemory(normal(1, 200, 10));
    const shifted = features(
      data.map((x) => x + 2),
      10,
    );
    const found = await slicedDistance(features(data, 10), shifted);
    expect(Math.abs(found / (3 * 10 * 4) - 1)).toBeLessThan(0.1);
  });
});

describe('a bootstrap interval', () => {
  const data = Float64Array.from({ length: 400 }, randomState(9).randn);
  const mean = (indices: Uint32Array) => indices.reduce((sum, i) => sum + data[i]!, 0) / indices.length;

  it('of a mean is as wide as theory has it, and the same for the same seed', async () => {
    const found = await bootstrapInterval(400, mean, { resamples: 500 });
    const sd = Math.sqrt(data.reduce((sum, x) => sum + (x - found.value) ** 2, 0) / 400);
    expect((found.high - found.low) / (2 * 1.96 * (sd / 20))).toBeGreaterThan(0.85);
    expect((found.high - found.low) / (2 * 1.96 * (sd / 20))).toBeLessThan(1.15);
    expect(await bootstrapInterval(400, mean, { resamples: 500 })).toEqual(found);
    const other = await bootstrapInterval(400, mean, { resamples: 500, seed: 1 });
    expect(other.low).not.toBe(found.low);
  });

  it('sits round the value even where resamples are biased', async () => {
    // The number of different items is smaller in every resample than in the whole.
    const different = (indices: Uint32Array) => new Set(indices).size;
    const found = await bootstrapInterval(400, different);
    expect([found.value > found.low, found.value < found.high]).toEqual([true, true]);
  });

  it('needs resamples and a level', async () => {
    await expect(bootstrapInterval(4, mean, { resamples: 3 })).rejects.toThrow(RangeError);
    await expect(bootstrapInterval(4, mean, { level: 1 })).rejects.toThrow(RangeError);
  });
});

describe('features on disk', () => {
  it('give the same results as in memory, and refuse a file that is cut short', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ganlet-features-'));
    try {
      const path = join(folder, 'fake.f32');
      const data = Float32Array.from((await inMemory(normal(5, 70, 6))).data);
      await writeFile(path, data);
      const real = normal(6, 80, 6);
      {
        await using file = await featuresOnDisk(path, 6);
        expect(file.count).toBe(70);
        const options = { subsets: 3, subsetSize: 30 };
        expect(await kid(real, file, options)).toEqual(await kid(real, features(data, 6), options));
      }
      await writeFile(path, data.subarray(0, 100));
      await expect(featuresOnDisk(path, 6)).rejects.toMatchObject({ code: 'FEATURES_INVALID' });
      await expect(featuresOnDisk(join(folder, 'none'), 6)).rejects.toMatchObject({ code: 'FILE_MISSING' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
