import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EmojiStyles } from '../../../src/data/emoji/styles.ts';
import { type EmojiAugment, emojiBatch, unchanged } from '../../../src/data/emoji/styles-batch.ts';
import { blur, damage, damages, mottle, noise, turnHue } from '../../../src/data/emoji/styles-damage.ts';
import { halve } from '../../../src/data/image.ts';
import { rng } from '../../../src/util/rng.ts';

const size = 16;
const area = size * size;

/** Two pictures: colours that differ everywhere, and a black one. */
const pictures = [
  Uint8Array.from({ length: 4 * area * 3 }, (_, i) => (i * 37 + (i >> 5) * 11) % 256),
  new Uint8Array(4 * area * 3),
];
const source: EmojiStyles = {
  size,
  styles: ['openmoji', 'noto'],
  subgroups: ['a', 'b', 'c'],
  counts: { train: 2, val: 0, test: 0 },
  sets: [],
  hash: '',
  picture: (_, i) => ({ pixels: pictures[i]!, subgroup: i + 1, style: i, id: `${i}` }),
};
const batchOf = (augment: Partial<EmojiAugment>, seed = 0, indices = [0, 1]) =>
  emojiBatch(source, 'train', indices, { ...unchanged, ...augment }, rng(seed, 'test'));

/** An 8-bit HWC picture as CHW in [−1, 1]. */
function planar(pixels: ArrayLike<number>): Float32Array {
  return Float32Array.from({ length: pixels.length }, (_, o) => {
    const [c, i] = [Math.floor(o / area), o % area];
    return pixels[i * 3 + c]! / 127.5 - 1;
  });
}

test('an unchanged picture is the mean of 2 × 2 pixels of the drawing', () => {
  const { image } = batchOf({});
  expect(image.subarray(0, 3 * area)).toBeAllclose(planar(halve(pictures[0]!, 2 * size, 2 * size, 3)), {
    atol: 0.51 / 127.5,
    rtol: 0,
  });
  expect(image.subarray(3 * area)).toEqual(new Float32Array(3 * area).fill(-1));
});

test('classes go with their pictures', () => {
  const { subgroup, style, damage } = batchOf({}, 0, [1, 0, 1]);
  expect([...subgroup]).toEqual([2, 1, 2]);
  expect([...style]).toEqual([1, 0, 1]);
  expect([...damage]).toEqual([0, 0, 0]);
});

test('a flip mirrors left and right', () => {
  const plain = batchOf({}).image;
  const flips = [0, 1, 2, 3, 4, 5].map((seed) => batchOf({ flip: true }, seed).image.slice(0, 3 * area));
  const mirrored = plain.slice(0, 3 * area).map((_, i, row) => row[i - (i % size) + size - 1 - (i % size)]!);
  const isClose = (a: Float32Array, b: Float32Array) => a.every((x, i) => Math.abs(x - b[i]!) < 1e-5);
  expect(flips.some((image) => isClose(image, mirrored))).toBe(true);
  expect(flips.every((image) => isClose(image, mirrored) || isClose(image, plain.slice(0, 3 * area)))).toBe(
    true,
  );
});

test('what moves out leaves white behind', () => {
  const { image } = batchOf({ scale: 1, shift: 0.3 }, 3, [1, 1, 1, 1, 1, 1]);
  expect(new Set(image).has(1)).toBe(true);
  expect(Math.min(...image)).toBe(-1);
});

test('equal seeds give equal batches, others do not', () => {
  const augment = { flip: true, shift: 0.1, scale: 0.2, rotate: 20, ink: 0.2, grain: 3, damaged: 0.5 };
  expect(batchOf(augment, 5)).toEqual(batchOf(augment, 5));
  expect(batchOf(augment, 5).image).not.toEqual(batchOf(augment, 6).image);
});

test('as many pictures are damaged as was asked for, of every kind, and labelled so', () => {
  const { damage: kinds } = batchOf({ damaged: 0.5 }, 1, new Array(400).fill(0));
  const untouched = kinds.filter((kind) => kind === 0).length;
  expect(untouched).toBeGreaterThan(150);
  expect(untouched).toBeLessThan(250);
  expect(new Set(kinds)).toEqual(new Set(damages.keys()));
});

describe('damage', () => {
  const picture = batchOf({}).image.slice(0, 3 * area);
  const changeOf = (kind: (typeof damages)[number], strength: number, seed: number) => {
    const image = picture.slice();
    damage(kind, image, size, strength, rng(seed, 'damage'));
    expect(image.every((x) => x >= -1 && x <= 1)).toBe(true);
    return image.reduce((sum, x, i) => sum + Math.abs(x - picture[i]!), 0) / image.length;
  };

  test('none leaves a picture as it is', () => {
    expect(changeOf('none', 1, 0)).toBe(0);
  });

  test.each(damages.slice(1))('%s changes a picture, more with more strength, and stays in range', (kind) => {
    const mean = (strength: number) =>
      Array.from({ length: 40 }, (_, seed) => changeOf(kind, strength, seed)).reduce((a, b) => a + b) / 40;
    expect(mean(0)).toBeGreaterThan(0);
    expect(mean(1)).toBeGreaterThan(1.3 * mean(0));
  });

  test('of one strength and seed is one and the same', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...damages),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (kind, strength) => {
          expect(changeOf(kind, strength, 7)).toBe(changeOf(kind, strength, 7));
        },
      ),
      { numRuns: 30 },
    );
  });

  test('blur keeps a flat picture and the mean of any', () => {
    const flat = new Float32Array(3 * area).fill(0.25);
    blur(flat, size, 1.5);
    expect(flat).toBeAllclose(new Float32Array(3 * area).fill(0.25), { atol: 1e-6 });
    const dot = new Float32Array(3 * area);
    dot[8 * size + 8] = 1;
    blur(dot, size, 1);
    expect(dot.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    // The peak of a two-dimensional Gaussian of deviation 1 is 1/2π.
    expect(dot[8 * size + 8]).toBeCloseTo(1 / (2 * Math.PI), 3);
  });

  test('noise has the deviation asked for', () => {
    const image = new Float32Array(3 * area);
    noise(image, size, 0.1, 1, rng(1, 'noise'));
    expect(Math.sqrt(image.reduce((sum, x) => sum + x * x, 0) / image.length)).toBeCloseTo(0.1, 2);
  });

  test('a third of a turn of hues takes red to green, and three of them back; greys stay', () => {
    const [red, grey] = [-1, 0.2];
    const image = Float32Array.from([1, grey, red, grey, red, grey]);
    turnHue(image, (2 * Math.PI) / 3, 1);
    expect(image).toBeAllclose([red, grey, 1, grey, red, grey], { atol: 1e-6 });
    turnHue(image, (4 * Math.PI) / 3, 1);
    expect(image).toBeAllclose([1, grey, red, grey, red, grey], { atol: 1e-6 });
    turnHue(image, 0, 0);
    expect(image[0]).toBeCloseTo(-1 / 3, 6);
  });

  test('mottle leaves black, white and grey alone', () => {
    const image = Float32Array.from(
      { length: 3 * area },
      (_, i) => [-1, 0, 1][i % 3 === 0 ? 0 : (i % area) % 3]!,
    );
    for (let i = 0; i < area; i++) image[i + area] = image[i + 2 * area] = image[i]!;
    const before = image.slice();
    mottle(image, size, 0.5, rng(2, 'mottle'));
    expect(image).toEqual(before);
  });
});
