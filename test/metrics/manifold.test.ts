import { describe, expect, it } from 'vitest';
import { features, inMemory } from '../../src/metrics/features.ts';
import { equalised, expectedCoverage, manifoldScores, realism } from '../../src/metrics/manifold.ts';
import { drawn, type FeatureSet, fixtures, goldens, mat, normal, squared } from './metric-data.ts';

interface Case {
  real: FeatureSet;
  fake: FeatureSet;
  k: number;
  kDensity: number;
  precision: number;
  recall: number;
  density: number;
  coverage: number;
  realism: number[];
}
const cases: Case[] = fixtures.manifold;

describe('precision, recall, density and coverage', () => {
  it.each([3, 5])('of formula-built features equal prdc and its relatives, k = %i', async (k) => {
    const expected = goldens.prdc[`k${k}`];
    const found = await manifoldScores(mat(40, 6, 1), mat(50, 6, 5, squared), { k, kDensity: k });
    expect(found.precision).toBe(expected.precision_le);
    expect(found.recall).toBe(expected.recall_le);
    expect([found.density, found.coverage]).toBeAllclose([expected.density, expected.coverage], {
      atol: 1e-14,
    });
    expect(found).toMatchObject({ k, kDensity: k, countReal: 40, countFake: 50, dimension: 6 });
  });

  it.each(cases)('equal numpy with whole distance matrices, k = $k and $kDensity', async (expected) => {
    const { k, kDensity, precision, recall, density, coverage } = expected;
    const [real, fake] = [drawn(expected.real), drawn(expected.fake)];
    const found = await manifoldScores(real, fake, { k, kDensity });
    const numbers = [found.precision, found.recall, found.density, found.coverage];
    expect(numbers).toBeAllclose([precision, recall, density, coverage], { atol: 1e-14, rtol: 0 });
    expect((await realism(real, fake, k)).slice(0, 5)).toBeAllclose(expected.realism, {
      atol: 0,
      rtol: 1e-11,
    });
  });

  it('of a set and itself are 1, more than a block of pictures included', async () => {
    const set = normal(1, 1050, 4);
    const found = await manifoldScores(set, set);
    expect(found).toMatchObject({ precision: 1, recall: 1, coverage: 1 });
    expect(found.fScore).toBeCloseTo(1, 12);
  });

  it('of sets apart are 0', async () => {
    const found = await manifoldScores(normal(1, 30, 4), normal(2, 30, 4, 1, 100));
    expect(found).toMatchObject({ precision: 0, recall: 0, fScore: 0, density: 0, coverage: 0 });
  });

  it('treat borders as the originals do: inside for precision, outside for density', async () => {
    // Real 0, 1, 2: with k = 1 every radius is 1. Made pictures at distance 1 lie on borders only.
    const real = features(Float64Array.of(0, 1, 2), 1);
    const fake = features(Float64Array.of(3, -1), 1);
    const found = await manifoldScores(real, fake, { k: 1, kDensity: 1 });
    expect(found).toMatchObject({ precision: 1, density: 0, coverage: 0 });
  });

  it('of equal distributions come near what is expected', async () => {
    const found = await manifoldScores(normal(1, 600, 8), normal(2, 500, 8));
    expect(found.expectedCoverage).toBe(expectedCoverage(600, 500, 5));
    expect(Math.abs(found.coverage - found.expectedCoverage)).toBeLessThan(0.05);
    expect(Math.abs(found.density - 1)).toBeLessThan(0.15);
    expect(expectedCoverage(100_000, 100_000, 3)).toBeCloseTo(0.875, 4);
  });

  it('change their roles when the sets do', async () => {
    const [a, b] = [normal(1, 60, 3), normal(2, 80, 3, 0.6)];
    const [there, back] = [await manifoldScores(a, b), await manifoldScores(b, a)];
    expect([there.precision, there.recall]).toEqual([back.recall, back.precision]);
  });

  it('need more pictures than k', async () => {
    await expect(manifoldScores(normal(1, 5, 3), normal(2, 50, 3))).rejects.toMatchObject({
      code: 'TOO_FEW_PICTURES',
    });
  });
});

describe('sets cut to equal size', () => {
  it('keep rows of the larger one, each once, and the smaller as it is', async () => {
    const large = features(
      Float64Array.from({ length: 20 }, (_, i) => i),
      1,
    );
    const small = features(Float64Array.of(1, 2, 3), 1);
    const [a, b] = await equalised(large, small);
    const rows = (await inMemory(a)).data;
    expect(b).toBe(small);
    expect(new Set(rows).size).toBe(3);
    expect([...rows]).toEqual([...rows].sort((x, y) => x - y));
  });
});
