import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeBatch } from '../../src/data/batch.ts';
import { conditionColumn } from '../../src/data/draw-condition.ts';
import { openSource } from '../../src/data/index.ts';
import { conditionChannels, conditionShape } from '../../src/data/source.ts';
import { summarise } from '../../src/data/summary.ts';
import { rng } from '../../src/util/rng.ts';
import { emojiPackages } from '../support/emoji-packages.ts';
import { writePictures } from '../support/pair-pictures.ts';

const size = 16;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-classed-'));
  await writePictures(folder);
  emojiPackages(folder, 12);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function open(text: string) {
  const classes = join(folder, 'classes.csv');
  writeFileSync(classes, text);
  return openSource({ source: 'aligned', path: join(folder, 'pictures'), size, classes });
}

const plain = () => openSource({ source: 'aligned', path: join(folder, 'pictures'), size });

describe('pairs with a class besides', () => {
  const text = '0.png,dog\r\n1.png, cat\n\n2.png,dog\n3,owl\n4.png,cat\ntrain/5.png,owl\n';

  test('have a plane for each class behind their picture, whatever moves the picture', async () => {
    const [source, alone] = [await open(text), await plain()];
    expect(source.condition).toEqual({ kind: 'image', channels: 3, classes: ['cat', 'dog', 'owl'] });
    expect(conditionChannels(source.condition)).toBe(6);
    expect(source.channels).toEqual({ condition: 6, classes: 3, image: 3 });
    expect(conditionShape(source, 2)).toEqual([2, 6, size, size]);
    expect(source.hash).not.toBe(alone.hash);
    for (const augment of [{}, { flip: true, jitter: 0.5 }]) {
      const batch = await makeBatch(source, 'train', [0, 1, 5], augment, rng(4, 'augment'));
      const without = await makeBatch(alone, 'train', [0, 1, 5], augment, rng(4, 'augment'));
      expect(batch.image).toEqual(without.image);
      const area = size * size;
      for (const [n, own] of [1, 0, 2].entries()) {
        const of = batch.condition.subarray(n * 6 * area, (n + 1) * 6 * area);
        expect(of.subarray(0, 3 * area)).toEqual(
          without.condition.subarray(n * 3 * area, (n + 1) * 3 * area),
        );
        for (const k of [0, 1, 2])
          expect(new Set(of.subarray((3 + k) * area, (4 + k) * area))).toEqual(new Set([Number(k === own)]));
      }
      expect(conditionColumn(source, batch.condition)).toEqual(conditionColumn(alone, without.condition));
    }
  });

  test('are counted by class', async () => {
    expect((await summarise(await open(text))).classes).toEqual([
      { name: 'cat', counts: { train: 2, val: 1, test: 1 } },
      { name: 'dog', counts: { train: 2, val: 1, test: 2 } },
      { name: 'owl', counts: { train: 2, val: 0, test: 0 } },
    ]);
  });

  test('may be label maps: emoji by category', async () => {
    const source = await openSource({ source: 'emoji-labels', path: folder, size, categories: true });
    const { condition } = source;
    expect(condition).toMatchObject({
      kind: 'labels',
      classes: ['animals-nature', 'food-drink', 'objects', 'smileys-emotion'],
    });
    const batch = await makeBatch(source, 'train', [0], {}, rng(0, 'unused'));
    const planes = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, c) =>
        batch.condition
          .subarray((from + c) * size * size, (from + c + 1) * size * size)
          .reduce((a, b) => a + b),
      );
    expect(planes(0, 12).reduce((a, b) => a + b)).toBe(size * size);
    expect(planes(12, 16).toSorted()).toEqual([0, 0, 0, size * size]);
  });
});

test.each([
  ['a,b\n0.png', /^\S+classes\.csv:2 must be a name, a comma and a class, got "0\.png"$/],
  ['0.png,a\n0.jpg,b', /^\S+classes\.csv:2 gives 0 the class "b", a line before gives it "a"$/],
  [
    '0,a\n1,a\n2,a\n3,a\n4,a',
    /^\S+classes\.csv must give every pair a class, it has none for train\/5\.png$/,
  ],
  [
    '0,a\n1,a\n2,a\n3,a\n4,a\n5,a\ntest/2,b',
    /^the class "b" of test\/2\.png \(test\) must be that of a training pair too, it is of none$/,
  ],
])('classes that cannot be: %j', async (text, message) => {
  await expect(open(text)).rejects.toMatchObject({
    code: 'DATA_CLASSES',
    message: expect.stringMatching(message),
  });
});

test('more than 256 classes are refused, and a file that is not there', async () => {
  const { classed } = await import('../../src/data/classed.ts');
  const source = {
    ...(await plain()),
    ids: { train: Array.from({ length: 257 }, (_, i) => `${i}`), val: [], test: [] },
  };
  expect(() => classed(source, (id) => id)).toThrow(/must have at most 256 classes, they have 257$/);
  const given = {
    source: 'aligned',
    path: join(folder, 'pictures'),
    size,
    classes: join(folder, 'no.csv'),
  } as const;
  await expect(openSource(given)).rejects.toMatchObject({ code: 'FILE_MISSING' });
});
