import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomState } from '../../src/util/mt19937.ts';
import { goldens } from '../metrics/metric-data.ts';

const numpy = goldens.rng2020;
const times = <T>(n: number, draw: () => T) => Array.from({ length: n }, draw);

describe('the stream of numpy.random.RandomState(2020)', () => {
  it('has the same words', () => {
    expect(times(4, randomState(2020).uint32)).toEqual(numpy.raw_uint32_4);
  });

  it('has the same uniform numbers', () => {
    expect(times(5, randomState(2020).rand)).toEqual(numpy.rand5);
  });

  it('has the same normal numbers to the last digits', () => {
    expect(times(6, randomState(2020).randn)).toBeAllclose(numpy.randn6, { atol: 0, rtol: 4e-16 });
  });

  it('has the same integers', () => {
    const random = randomState(2020);
    expect(times(8, () => random.randint(10))).toEqual(numpy.randint_0_10_x8);
  });

  it('has the same permutation and choice', () => {
    expect([...randomState(2020).permutation(10)]).toEqual(numpy.permutation10);
    expect([...randomState(2020).choice(50, 20)]).toEqual(numpy.choice_20_of_50_first);
  });

  it('goes on from one choice to the next', () => {
    const random = randomState(2020);
    const pair = [random.choice(40, 20), random.choice(50, 20)].map((indices) => [...indices]);
    expect(pair).toEqual(goldens.kid_subsets.first_pair);
  });
});

describe('any seed', () => {
  it('permutes: each index comes once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0, max: 300 }), (seed, n) => {
        const order = [...randomState(seed).permutation(n)].sort((a, b) => a - b);
        expect(order).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
      { numRuns: 50 },
    );
  });

  it('refuses seeds numpy refuses, and draws that cannot be made', () => {
    for (const seed of [-1, 1.5, 2 ** 32, Number.NaN]) expect(() => randomState(seed)).toThrow(RangeError);
    expect(() => randomState(0).choice(3, 4)).toThrow('4 distinct elements of 3');
    expect(() => randomState(0).randint(0)).toThrow(RangeError);
  });
});
