import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeBatch, trainIndices } from '../../src/data/batch.ts';
import type { Pair, Source } from '../../src/data/source.ts';
import { rng } from '../../src/util/rng.ts';

/** Three pairs in memory; one-channel conditions unless told. */
function source(
  size: number,
  draw: (n: number, y: number, x: number, c: number) => number,
  channels: 1 | 3 = 1,
) {
  const pairs = [0, 1, 2].map((n): Pair => {
    const picture = (depth: number) => {
      const bytes = new Uint8Array(size * size * depth);
      bytes.forEach((_, i) => {
        const pixel = Math.floor(i / depth);
        bytes[i] = draw(n, Math.floor(pixel / size), pixel % size, i % depth);
      });
      return bytes;
    };
    return { condition: picture(channels), image: picture(3) };
  });
  return {
    name: 'drawn',
    size,
    condition: { kind: 'image', channels },
    channels: { condition: channels, image: 3 },
    counts: { train: 3, val: 0, test: 0 },
    ids: { train: ['0', '1', '2'], val: [], test: [] },
    skipped: [],
    hash: 'drawn',
    truth: true,
    pair: (_split, index) => pairs[index]!,
  } satisfies Source;
}

const none = () => rng(0, 'unused');

describe('makeBatch', () => {
  it('lays pictures out as NCHW in [−1, 1]', async () => {
    const drawn = source(2, (n, y, x, c) => [0, 255, 51, 102][y * 2 + x]! * (n === 1 && c === 1 ? 0 : 1));
    const { condition, image } = await makeBatch(drawn, 'train', [1, 0], {}, none());
    const plane = [-1, 1, -0.6, -0.2];
    const black = [-1, -1, -1, -1];
    expect(condition).toBeAllclose([...plane, ...plane]);
    expect(image).toBeAllclose([...plane, ...black, ...plane, ...plane, ...plane, ...plane]);
  });

  it('waits for sources that decode', async () => {
    const drawn = source(2, (n) => n * 10);
    const slow = { ...drawn, pair: async (split: 'train', i: number) => drawn.pair(split, i) };
    const batch = await makeBatch(slow as Source, 'train', [2], {}, none());
    expect(batch).toEqual(await makeBatch(drawn, 'train', [2], {}, none()));
  });

  it('mirrors condition and image together, about every second pair', async () => {
    const ramp = source(4, (_n, _y, x) => x * 10);
    let mirrored = 0;
    for (let step = 0; step < 200; step++) {
      const batch = await makeBatch(ramp, 'train', [0], { flip: true }, rng(1, 'flip', step));
      const { condition, image } = batch;
      const row = Array.from(condition.subarray(0, 4), (value) => Math.round((value + 1) * 127.5));
      expect([
        [0, 10, 20, 30],
        [30, 20, 10, 0],
      ]).toContainEqual(row);
      expect(image.subarray(0, 16)).toEqual(condition);
      expect(batch.mirrored).toEqual([row[0] === 30]);
      if (row[0] === 30) mirrored++;
    }
    expect(mirrored).toBeGreaterThan(70);
    expect(mirrored).toBeLessThan(130);
  });

  it('jitters like an enlargement by the fraction followed by a crop, the same for both pictures', async () => {
    const size = 16;
    const enlarged = 18;
    // A plane stays a plane under bilinear enlargement, so the expected window is known in closed form.
    const plane = source(size, (_n, y, x) => 5 * x + 7 * y);
    const at = (i: number) => Math.min(Math.max(((i + 0.5) * size) / enlarged - 0.5, 0), size - 1);
    const seen = new Set<string>();
    for (let step = 0; step < 60; step++) {
      const batch = await makeBatch(plane, 'train', [0], { jitter: 0.117 }, rng(2, 'jitter', step));
      expect(batch.image.subarray(0, size * size)).toEqual(batch.condition);
      const matches = [0, 1, 2].flatMap((oy) =>
        [0, 1, 2]
          .filter((ox) =>
            batch.condition.every((value, i) => {
              const expected = 5 * at(ox + (i % size)) + 7 * at(oy + Math.floor(i / size));
              return Math.abs(value - (expected / 127.5 - 1)) < 1e-5;
            }),
          )
          .map((ox) => `${oy},${ox}`),
      );
      expect(matches).toHaveLength(1);
      seen.add(matches[0]!);
    }
    expect(seen.size).toBe(9);
  });

  it('mirrors what it jitters', async () => {
    const ramp = source(16, (_n, _y, x) => 10 * x);
    const rises = async (step: number) => {
      const augment = { flip: true, jitter: 0.117 };
      const { condition } = await makeBatch(ramp, 'train', [0], augment, rng(3, 'both', step));
      const steps = Array.from(condition.subarray(1, 15), (value, i) => Math.sign(value - condition[i]!));
      expect(new Set(steps.filter(Boolean)).size).toBe(1);
      return steps.includes(1);
    };
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, step) => rises(step)));
    expect(new Set(outcomes).size).toBe(2);
  });

  it('keeps a flat picture flat, whatever the augmentation', async () => {
    const flat = source(8, () => 200, 3);
    const { condition, image } = await makeBatch(
      flat,
      'train',
      [0, 1, 2],
      { flip: true, jitter: 0.117 },
      none(),
    );
    expect(condition).toBeAllclose(new Float32Array(3 * 3 * 64).fill(200 / 127.5 - 1));
    expect(image).toBeAllclose(condition);
  });

  it('is the same for the same key', async () => {
    const drawn = source(16, (n, y, x, c) => (37 * n + 11 * y + 5 * x + c) % 256);
    const make = (step: number) =>
      makeBatch(drawn, 'train', [0, 1, 2], { flip: true, jitter: 0.117 }, rng(4, 'augment', step));
    expect(await make(5)).toEqual(await make(5));
    expect(await make(5)).not.toEqual(await make(6));
  });
});

describe('trainIndices', () => {
  it('goes through every pair once an epoch, whatever the batch size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(1000),
        (count, batch, seed) => {
          const steps = Math.ceil((3 * count) / batch);
          const all = Array.from({ length: steps }, (_, step) => [
            ...trainIndices(seed, step, batch, count),
          ]).flat();
          const everyPair = Array.from({ length: count }, (_, i) => i);
          for (let epoch = 0; epoch < 3; epoch++) {
            const part = all.slice(epoch * count, (epoch + 1) * count);
            expect(part.sort((a, b) => a - b)).toEqual(everyPair);
          }
        },
      ),
    );
  });

  it('needs no history: a step alone gives what it gives in sequence', () => {
    const inSequence = Array.from({ length: 500 }, (_, step) => trainIndices(3, step, 8, 100));
    for (const step of [499, 0, 250, 13]) {
      // Other data sets in between push the remembered shuffles out.
      for (let other = 0; other < 8; other++) trainIndices(other, 0, 1, 50 + other);
      expect(trainIndices(3, step, 8, 100)).toEqual(inSequence[step]);
    }
  });

  it('shuffles each epoch and each seed differently', () => {
    const epochs = [0, 1, 2].map((step) => String(trainIndices(1, step, 50, 50)));
    expect(new Set([...epochs, String(trainIndices(2, 0, 50, 50))]).size).toBe(4);
  });

  it('refuses an empty set', () => {
    expect(() => trainIndices(1, 0, 8, 0)).toThrow(RangeError);
  });
});
