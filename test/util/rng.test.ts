import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { philox4x32, rng } from '../../src/util/rng.ts';

function block(counter: number[], key: number[]): string {
  const out = new Uint32Array(4);
  philox4x32(counter[0]!, counter[1]!, counter[2]!, counter[3]!, key[0]!, key[1]!, out);
  return Array.from(out, (word) => word.toString(16).padStart(8, '0')).join(' ');
}

describe('philox4x32', () => {
  // tests/kat_vectors of the Random123 library (D. E. Shaw Research), lines "philox4x32 10".
  it.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [Array(4).fill(0xffffffff), Array(2).fill(0xffffffff), '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    ],
  ])('gives the published answer for counter %j and key %j', (counter, key, expected) => {
    expect(block(counter, key)).toBe(expected);
  });

  it('agrees with exact integer arithmetic for any counter and key', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
        let [k0, k1] = key.map(BigInt) as [bigint, bigint];
        const mask = 0xffffffffn;
        for (let i = 0; i < 10; i++) {
          const [p0, p1] = [0xd2511f53n * c0, 0xcd9e8d57n * c2];
          [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & mask, (p0 >> 32n) ^ c3 ^ k1, p0 & mask];
          [k0, k1] = [(k0 + 0x9e3779b9n) & mask, (k1 + 0xbb67ae85n) & mask];
        }
        const expected = [c0, c1, c2, c3].map((value) => value.toString(16).padStart(8, '0')).join(' ');
        expect(block(counter, key)).toBe(expected);
      }),
    );
  });
});

describe('rng', () => {
  const draw = (seed: number, purpose: string, step?: number) => {
    const stream = rng(seed, purpose, step);
    return Array.from({ length: 8 }, () => stream.uniform());
  };

  it('gives the same stream for the same key, whatever was drawn before', () => {
    const first = draw(7, 'noise', 12);
    draw(7, 'noise', 11);
    expect(draw(7, 'noise', 12)).toEqual(first);
  });

  it('gives other streams for another seed, purpose or step, also beyond 32 bits', () => {
    const streams = [
      draw(7, 'noise', 12),
      draw(8, 'noise', 12),
      draw(-7, 'noise', 12),
      draw(7, 'noises', 12),
      draw(7, 'noise', 13),
      draw(7, 'noise', 12 + 2 ** 32),
    ];
    expect(new Set(streams.map(String)).size).toBe(streams.length);
  });

  it('keeps its numbers from version to version', () => {
    // Made once with Python: hashlib.sha256(b"1\0x") as key, Philox with counter (0, 0, 2, 0), words / 2^32.
    expect(draw(1, 'x', 2).slice(0, 4)).toEqual([
      0.38791856030002236, 0.3023402967955917, 0.06449361960403621, 0.8936868943274021,
    ]);
  });

  test('uniform stays in its half-open range with the right mean and variance', () => {
    const stream = rng(1, 'uniform');
    const values = Array.from({ length: 50_000 }, () => stream.uniform(-2, 4));
    expect(Math.min(...values.slice(0, 50_000))).toBeGreaterThanOrEqual(-2);
    expect(Math.max(...values)).toBeLessThan(4);
    expect(mean(values)).toBeCloseTo(1, 1);
    expect(variance(values)).toBeCloseTo(3, 1);
  });

  test('fillUniform never rounds up to its upper end in float32', () => {
    const filled = rng(2, 'fill').fillUniform(new Float32Array(200_000));
    expect(filled.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(mean(filled)).toBeCloseTo(0.5, 2);
  });

  test('normals have mean 0, variance 1, and the tails of a normal', () => {
    const values = rng(3, 'normal').fillNormal(new Float32Array(200_000));
    expect(mean(values)).toBeCloseTo(0, 1);
    expect(variance(values)).toBeCloseTo(1, 1);
    const beyondTwo = values.filter((value) => Math.abs(value) > 2).length / values.length;
    expect(beyondTwo).toBeCloseTo(0.0455, 2);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  test('fillNormal scales by the standard deviation', () => {
    const plain = rng(4, 'std').fillNormal(new Float32Array(101));
    const scaled = rng(4, 'std').fillNormal(new Float32Array(101), 0.02);
    expect(scaled).toBeAllclose(
      plain.map((value) => value * 0.02),
      { atol: 1e-9 },
    );
  });

  test('int reaches both ends, nothing else, and equally often', () => {
    const stream = rng(5, 'int');
    const counts = new Map<number, number>();
    for (let i = 0; i < 60_000; i++) {
      const value = stream.int(-2, 3);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2, 3]);
    for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  test('shuffle keeps the elements and every order of three comes up', () => {
    const seen = new Map<string, number>();
    for (let step = 0; step < 6000; step++) {
      const key = rng(6, 'shuffle', step).shuffle(['a', 'b', 'c']).join('');
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
    for (const count of seen.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  test('choice takes elements of the array only', () => {
    const stream = rng(7, 'choice');
    const taken = new Set(Array.from({ length: 100 }, () => stream.choice([16, 24, 32])));
    expect([...taken].sort()).toEqual([16, 24, 32]);
    expect(() => stream.choice([])).toThrow(RangeError);
  });

  it('refuses keys that could not be told apart', () => {
    expect(() => rng(0.5, 'x')).toThrow(RangeError);
    expect(() => rng(1, 'x', -1)).toThrow(RangeError);
    expect(() => rng(1, 'x').int(2, 1)).toThrow(RangeError);
  });
});

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

function variance(values: ArrayLike<number>): number {
  const centre = mean(values);
  return mean(Array.from(values, (value) => (value - centre) ** 2));
}
