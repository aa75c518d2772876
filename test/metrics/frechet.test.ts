import { describe, expect, it } from 'vitest';
import { features, halves, inMemory } from '../../src/metrics/features.ts';
import { type FrechetDistance, frechetFromFeatures, frechetFromMoments } from '../../src/metrics/frechet.ts';
import { fitLine, frechetInfinite } from '../../src/metrics/frechet-infinite.ts';
import { type Moments, mergeMoments, momentSum, momentsOf } from '../../src/metrics/moments.ts';
import { debiased, floorConstant, noiseFloor } from '../../src/metrics/noise-floor.ts';
import { pairedFrechet } from '../../src/metrics/resampling.ts';
import { drawn, type FeatureSet, fixtures, goldens, mat, normal, squared, u } from './metric-data.ts';

const raw = ({ value, clamped }: FrechetDistance) => clamped ?? value;

describe('the Fréchet distance of formula-built features', () => {
  it.each([0, 1] as const)('equals scipy with ddof %i, term by term', async (ddof) => {
    const expected = goldens.fd[`ddof${ddof}`];
    const found = await frechetFromFeatures(mat(40, 6, 1), mat(50, 6, 5, squared), { ddof });
    expect([found.method, found.rankReal]).toEqual(['singular values', 6]);
    const { value, meanTerm, traceReal, traceFake, traceRoot } = found;
    const wanted = [expected.nuclear, expected.mean_term, expected.trS1, expected.trS2, expected.tr_sqrt];
    expect([value, meanTerm, traceReal, traceFake, traceRoot]).toBeAllclose(wanted, { atol: 0, rtol: 1e-12 });
  });

  it('is exact with fewer pictures than dimensions, where square roots of matrices are not', async () => {
    const found = await frechetFromFeatures(mat(5, 8, 1), mat(6, 8, 5, squared));
    expect(found.rankReal).toBeNull();
    expect(found.value).toBeCloseTo(goldens.fd_rankdef.ddof1.nuclear, 12);
  });
});

describe('the Fréchet distance agrees with numpy and scipy', () => {
  interface Case {
    name: string;
    real: FeatureSet;
    fake: FeatureSet;
    ddof: 0 | 1;
    value: number;
    sqrtm: number;
  }
  const cases: Case[] = fixtures.frechet;

  it.each(cases)('for $name', async ({ real, fake, ddof, value }) => {
    const found = await frechetFromFeatures(drawn(real), drawn(fake), { ddof });
    expect([found.value]).toBeAllclose([value], { atol: 0, rtol: 1e-8 });
  });

  it.each(cases)('for $name, from moments', async ({ real, fake, ddof, value }) => {
    const [a, b] = [await momentsOf(drawn(real), ddof), await momentsOf(drawn(fake), ddof)];
    const found = await frechetFromMoments(a, b);
    expect([found.value]).toBeAllclose([value], { atol: 0, rtol: 1e-8 });
  });
});

const gaussian = (mean: number[], variances: number[]): Moments => ({
  count: 1000,
  dimension: mean.length,
  mean: Float64Array.from(mean),
  covariance: Float64Array.from({ length: mean.length ** 2 }, (_, i) =>
    i % (mean.length + 1) === 0 ? variances[i / (mean.length + 1)]! : 0,
  ),
  ddof: 1,
});

describe('the Fréchet distance of Gaussians', () => {
  it('of equal shape is the squared distance of their means', async () => {
    const ones = Array.from({ length: 300 }, () => 1);
    const zeros = ones.map(() => 0);
    const { value } = await frechetFromMoments(gaussian(zeros, ones), gaussian(ones, ones));
    expect(value).toBeCloseTo(300, 9);
  });

  it('with diagonal covariances is a sum over dimensions', async () => {
    const { value } = await frechetFromMoments(
      gaussian([0, 1, 2], [4, 9, 0]),
      gaussian([0, 0, 2], [1, 25, 16]),
    );
    expect(value).toBeCloseTo(1 + (2 - 1) ** 2 + (3 - 5) ** 2 + 4 ** 2, 10);
  });
});

describe('the Fréchet distance', () => {
  it('is symmetric', async () => {
    for (const [a, b] of [
      [normal(1, 80, 10), normal(2, 70, 10, 2, 1)],
      [normal(1, 8, 10), normal(2, 7, 10, 2, 1)],
    ] as const) {
      const [there, back] = [await frechetFromFeatures(a, b), await frechetFromFeatures(b, a)];
      expect([there.value]).toBeAllclose([back.value], { atol: 0, rtol: 1e-11 });
    }
  });

  it('of a set to itself is 0, shown as what was clamped', async () => {
    for (const count of [12, 100]) {
      const set = normal(3, count, 30);
      const found = await frechetFromFeatures(set, set);
      expect(found.value).toBeLessThan(1e-11);
      if (found.clamped !== null) expect(found.value).toBe(0);
      expect(Math.abs(raw(found))).toBeLessThan(1e-11);
    }
  });

  it('of a shifted set is the squared length of the shift', async () => {
    const set = await inMemory(normal(4, 200, 7));
    const shifted = features(
      set.data.map((x) => x + 3),
      7,
    );
    const { value } = await frechetFromFeatures(features(set.data, 7), shifted);
    expect([value]).toBeAllclose([7 * 9], { atol: 0, rtol: 1e-12 });
  });

  it('is the same from features and from moments where the features are few', async () => {
    const [a, b] = [normal(5, 31, 30), normal(6, 30, 30, 1.2)];
    const small = await frechetFromFeatures(a, b);
    const whole = await frechetFromMoments(await momentsOf(a), await momentsOf(b));
    expect([small.rankReal, whole.rankReal]).toEqual([null, 30]);
    expect([whole.value]).toBeAllclose([small.value], { atol: 0, rtol: 1e-8 });
  });

  it('of more dimensions than are done exactly comes from eigenvalues, and is right', async () => {
    const d = 800;
    const variances = (s: number) => Array.from({ length: d }, (_, i) => 1 + u(i, s, 1));
    const [a, b] = [variances(1), variances(2)];
    const zeros = a.map(() => 0);
    const found = await frechetFromMoments(gaussian(zeros, a), gaussian(zeros, b));
    const expected = a.reduce((sum, x, i) => sum + (Math.sqrt(x) - Math.sqrt(b[i]!)) ** 2, 0);
    expect(found.method).toBe('eigenvalues');
    expect([found.value]).toBeAllclose([expected], { atol: 0, rtol: 1e-10 });
  });

  it('says what the counts mean', async () => {
    const warnings = async (count: number, d: number) =>
      (await frechetFromFeatures(normal(1, count, d), normal(2, count, d))).warnings.join();
    expect(await warnings(50, 4)).toContain('too few for any distance');
    expect(await warnings(120, 130)).toContain('mostly sample noise');
    expect(await warnings(120, 20)).toContain('compare only equal counts');
    expect(await warnings(120, 12)).toBe('');
  });

  it('refuses features that do not compare, are too few or not finite', async () => {
    await expect(frechetFromFeatures(normal(1, 5, 3), normal(1, 5, 4))).rejects.toMatchObject({
      code: 'FEATURES_MISMATCH',
    });
    await expect(frechetFromFeatures(normal(1, 1, 3), normal(1, 5, 3))).rejects.toMatchObject({
      code: 'TOO_FEW_PICTURES',
    });
    expect(() => features(Float32Array.of(1, Number.NaN), 1)).toThrow('picture 1 has NaN');
    expect(() => features(new Float32Array(5), 2)).toThrow('2 numbers a picture');
  });
});

describe('moments', () => {
  it('are those of a constant sequence of pictures (pytorch-fid)', async () => {
    const { mean, covariance } = await momentsOf(features(Float64Array.of(0, 0, 0.5, 0.5, 1, 1), 2));
    expect([...mean, ...covariance]).toEqual([0.5, 0.5, 0.25, 0.25, 0.25, 0.25]);
  });

  it('are the same bits however the rows are batched, the last partial batch included', async () => {
    const { data } = await inMemory(normal(7, 1300, 5, 1, 100));
    const results = [];
    for (const batch of [1, 7, 512, 1300]) {
      const sum = momentSum(5);
      for (let i = 0; i < 1300; i += batch) await sum.add(data.subarray(i * 5, (i + batch) * 5));
      results.push(await sum.moments());
    }
    for (const result of results) expect(result).toEqual(results[0]);
    expect(results[0]!.count).toBe(1300);
  });

  it('keep their digits far from the origin', async () => {
    const near = await inMemory(normal(8, 700, 3));
    const far = features(
      near.data.map((x) => x + 2 ** 26),
      3,
    );
    const { covariance } = await momentsOf(features(near.data, 3));
    expect((await momentsOf(far)).covariance).toBeAllclose(covariance, { atol: 1e-7, rtol: 1e-7 });
  });

  it('of parts merge into those of the whole', async () => {
    const { data } = await inMemory(normal(9, 90, 4));
    const part = (from: number, to: number) => momentsOf(features(data.slice(from * 4, to * 4), 4));
    const merged = mergeMoments(await part(0, 25), await part(25, 90));
    const whole = await part(0, 90);
    expect(merged.count).toBe(90);
    expect(merged.mean).toBeAllclose(whole.mean, { atol: 1e-14, rtol: 1e-13 });
    expect(merged.covariance).toBeAllclose(whole.covariance, { atol: 1e-14, rtol: 1e-13 });
  });

  it('can be asked for midway', async () => {
    const { data } = await inMemory(normal(10, 40, 2));
    const sum = momentSum(2);
    await sum.add(data.subarray(0, 30));
    const midway = await sum.moments();
    await sum.add(data.subarray(30));
    expect(midway).toEqual(await momentsOf(features(data.slice(0, 30), 2)));
    expect((await sum.moments()).count).toBe(40);
  });

  it('need more pictures than the divisor takes away', async () => {
    await expect(momentSum(2).moments()).rejects.toMatchObject({ code: 'TOO_FEW_PICTURES' });
  });
});

describe('the noise floor', () => {
  it('has the constant of the golden covariance, and the closed form for equal eigenvalues', async () => {
    const set = await momentsOf(mat(40, 6, 1));
    expect(noiseFloor(set, set)!.constant).toBeCloseTo(goldens.fd_bias_const.C, 12);
    expect(floorConstant(Array.from({ length: 20 }, () => 1))).toBeCloseTo(400 / 4 + 25, 10);
  });

  it('is what two samples of one distribution are apart', async () => {
    let [sum, floors, rests] = [0, 0, 0];
    const runs = 30;
    for (let i = 0; i < runs; i++) {
      const [a, b] = [await momentsOf(normal(2 * i, 400, 16)), await momentsOf(normal(2 * i + 1, 300, 16))];
      const [found, floor] = [await frechetFromMoments(a, b), noiseFloor(a, b)!];
      sum += found.value / runs;
      floors += floor.value / runs;
      rests += debiased(found, floor) / runs;
      expect(floor.reliable).toBe(true);
    }
    expect(sum / floors).toBeGreaterThan(0.93);
    expect(sum / floors).toBeLessThan(1.07);
    expect(Math.abs(rests)).toBeLessThan(0.07 * floors);
  });

  it('is unknown when a count is', async () => {
    const set = await momentsOf(normal(1, 30, 3));
    expect(noiseFloor(set, { ...set, count: null })).toBeNull();
  });

  it('has a real-vs-real value beside it from disjoint halves of equal size', async () => {
    const [a, b] = await halves(
      features(
        Float64Array.from({ length: 11 }, (_, i) => i),
        1,
      ),
    );
    const rows = [...(await inMemory(a)).data, ...(await inMemory(b)).data];
    expect([a.count, b.count, new Set(rows).size]).toEqual([5, 5, 10]);
  });
});

describe('the distance extrapolated to infinitely many pictures', () => {
  it('is nearer to the truth than that of all pictures', async () => {
    const real = normal(1, 4000, 8);
    const fake = normal(2, 1200, 8, 1, 0.1);
    const truth = 8 * 0.1 ** 2;
    const found = await frechetInfinite(real, fake, { smallest: 100 });
    expect(found.points.map((p) => p.count).slice(0, 2)).toEqual([100, 178]);
    expect(found.points.at(-1)!.count).toBe(1200);
    expect(found.r2).toBeGreaterThan(0.9);
    expect(Math.abs(found.value - truth)).toBeLessThan(Math.abs(found.points[0]!.distance - truth) / 4);
  });

  it('is refused where it would start below the dimension', async () => {
    await expect(
      frechetInfinite(normal(1, 100, 20), normal(2, 60, 20), { smallest: 20 }),
    ).rejects.toMatchObject({ code: 'TOO_FEW_PICTURES' });
  });

  it('comes from a least-squares line', () => {
    const { intercept, slope, r2 } = fitLine([1, 2, 3, 4], [5, 7, 9, 11]);
    expect([intercept, slope, r2!]).toBeAllclose([3, 2, 1], { atol: 1e-14 });
    expect(fitLine([1, 2], [3, 3]).r2).toBeNull();
  });
});

describe('teacher against student', () => {
  const real = normal(1, 300, 4);
  const base = normal(2, 120, 4, 1, 0.3);

  it('finds the one that is further away, with an interval far tighter than the distances differ by chance', async () => {
    const { data } = await inMemory(base);
    const student = features(
      data.map((x) => x + 0.1),
      4,
    );
    const found = await pairedFrechet(real, base, student, { resamples: 60 });
    expect(found.better).toBe('teacher');
    expect(found.value).toBeCloseTo(found.student - found.teacher, 12);
    expect(found.low).toBeLessThan(found.value);
    expect(found.high).toBeGreaterThan(found.value);
    expect(found.countPairs).toBe(120);
    expect(await pairedFrechet(real, student, base, { resamples: 60 })).toMatchObject({ better: 'student' });
  });

  it('sees no difference between equal pictures, and the same in each run', async () => {
    const found = await pairedFrechet(real, base, base, { resamples: 20 });
    expect(found).toMatchObject({ better: 'neither', value: 0, low: 0, high: 0 });
  });

  it('needs the same pictures of both', async () => {
    await expect(pairedFrechet(real, base, normal(3, 119, 4))).rejects.toMatchObject({
      code: 'FEATURES_MISMATCH',
    });
  });
});
