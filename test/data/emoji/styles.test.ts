import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openmojiSource } from '../../../src/data/emoji/openmoji.ts';
import { type EmojiStyles, emojiStylesSource } from '../../../src/data/emoji/styles.ts';
import { drawingSets, plainHexcode } from '../../../src/data/emoji/styles-packages.ts';
import { halve } from '../../../src/data/image.ts';
import { splits } from '../../../src/data/source.ts';
import { emojiStyles } from '../../../src/recipe/names.ts';
import { emojiPackages } from '../../support/emoji-packages.ts';

const size = 16;
let folder: string;
let cache: string;
let source: EmojiStyles;
let drawn = 0;
const onProgress = () => drawn++;
beforeAll(async () => {
  folder = emojiPackages(mkdtempSync(join(tmpdir(), 'ganlet-emoji-')), 12);
  cache = join(folder, 'cache');
  source = await emojiStylesSource({ styles: emojiStyles, size, path: folder, cache, onProgress });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open = (changes = {}) =>
  emojiStylesSource({ styles: emojiStyles, size, path: folder, cache, onProgress, ...changes });

function all(from: EmojiStyles) {
  return splits.flatMap((split) =>
    Array.from({ length: from.counts[split] }, (_, i) => ({ split, ...from.picture(split, i) })),
  );
}

test('the classes are the subgroups of Unicode, sorted, and the styles that were asked for', () => {
  expect(source.styles).toEqual(['openmoji', 'noto', 'twemoji', 'fluent-flat']);
  expect(source.subgroups).toEqual(source.subgroups.toSorted());
  expect(source.subgroups).toContain('face-smiling');
  expect(source.subgroups).toContain('food-fruit');
  const pictures = all(source);
  expect(pictures.length).toBe(drawn);
  expect(new Set(pictures.map(({ subgroup }) => subgroup)).size).toBe(source.subgroups.length);
  expect(new Set(pictures.map(({ style }) => style))).toEqual(new Set([0, 1, 2, 3]));
});

test('an emoji has one subgroup and one split in all styles, and its own drawing in each', () => {
  const pictures = all(source);
  const ids = [...new Set(pictures.map(({ id }) => id))];
  const inFour = ids
    .map((id) => pictures.filter((picture) => picture.id === id))
    .filter((drawings) => drawings.length === 4);
  expect(inFour.length).toBeGreaterThan(40);
  for (const drawings of inFour) {
    expect(new Set(drawings.map(({ subgroup }) => subgroup)).size).toBe(1);
    expect(new Set(drawings.map(({ split }) => split)).size).toBe(1);
    expect(new Set(drawings.map(({ pixels }) => Buffer.from(pixels).toString('base64'))).size).toBe(4);
  }
});

test('nothing that the openmoji source holds out is trained on, and both draw the same pixels', async () => {
  const pairs = await openmojiSource({ size, cache, path: join(folder, 'node_modules/openmoji') });
  const held = new Map(splits.flatMap((split) => pairs.ids[split].map((id, i) => [id, { split, i }])));
  let same = 0;
  let tested = 0;
  for (const { id, split, pixels } of all(source).filter(({ style }) => style === 0)) {
    const pair = held.get(id);
    if (!pair) continue;
    expect([id, split]).toEqual([id, pair.split]);
    if (split === 'test') tested++;
    const { image } = await pairs.pair(pair.split, pair.i);
    if (Buffer.compare(halve(pixels, 2 * size, 2 * size, 3), image) === 0) same++;
  }
  expect(same).toBeGreaterThan(30);
  expect(tested).toBeGreaterThan(5);
});

test('there are no skin tones and no flags of countries', async () => {
  expect(source.subgroups).not.toContain('country-flag');
  expect(source.subgroups).not.toContain('skin-tone');
  expect(all(source).filter(({ id }) => /1F3F[B-F]/.test(id))).toEqual([]);
});

describe('the cache', () => {
  test('gives what was drawn, without drawing', async () => {
    const before = drawn;
    const again = await open();
    expect(drawn).toBe(before);
    expect(again.hash).toBe(source.hash);
    expect(again.picture('test', 3)).toEqual(source.picture('test', 3));
  });

  test('is of one list of emoji: another version of openmoji draws other ones, whatever the styles', async () => {
    const other = emojiPackages(mkdtempSync(join(tmpdir(), 'ganlet-emoji-')), 100);
    try {
      const few = () => emojiStylesSource({ styles: ['noto'], size, path: other, cache });
      const { hash } = await few();
      const openmoji = join(other, 'node_modules/openmoji');
      const list = JSON.parse(readFileSync(join(openmoji, 'data/openmoji.json'), 'utf8'));
      writeFileSync(join(openmoji, 'data/openmoji.json'), JSON.stringify(list.slice(1)));
      writeFileSync(join(openmoji, 'package.json'), '{"name": "openmoji", "version": "17.0.1"}');
      expect((await few()).hash).not.toBe(hash);
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  test('is drawn again when it is damaged', async () => {
    const file = readdirSync(cache).find((name) => /^emoji-styles-16px-.*\.bin$/.test(name))!;
    truncateSync(join(cache, file), 1000);
    const before = drawn;
    const styles = await open({ styles: emojiStyles });
    const others = await open({ styles: ['openmoji', 'noto'] });
    expect(drawn).toBeGreaterThan(before);
    expect(styles.hash).toBe(source.hash);
    expect(others.hash).not.toBe(source.hash);
  });
});

describe('a package that cannot be used', () => {
  test.each(emojiStyles)('%s: one that is not installed is named with what installs it', async (style) => {
    const empty = mkdtempSync(join(tmpdir(), 'ganlet-empty-'));
    try {
      await expect(open({ styles: [style], path: empty })).rejects.toMatchObject({
        code: 'DATA_PACKAGE_MISSING',
        message: `data.path must be a folder with the npm package "${drawingSets[style].package}" in its node_modules, ${empty} has none`,
        hint: `npm install ${drawingSets[style].package}@${drawingSets[style].version}, ${
          style === 'openmoji'
            ? 'which lists the emoji of all styles'
            : 'or choose other styles in the recipe'
        }`,
      });
    } finally {
      rmSync(empty, { recursive: true });
    }
  });

  test('one with a damaged file is named with that file', async () => {
    const broken = emojiPackages(mkdtempSync(join(tmpdir(), 'ganlet-broken-')), 100);
    try {
      const icons = join(broken, 'node_modules/@iconify-json/noto/icons.json');
      writeFileSync(icons, '{');
      await expect(open({ path: broken })).rejects.toMatchObject({
        code: 'DATA_PACKAGE_INVALID',
        message: `${icons} must be JSON, it is not`,
      });
      writeFileSync(icons, JSON.stringify({ icons: {} }));
      const none = await open({ styles: ['openmoji', 'noto'], path: broken, cache: join(broken, 'cache') });
      expect(new Set(all(none).map(({ style }) => style))).toEqual(new Set([0]));
    } finally {
      rmSync(broken, { recursive: true });
    }
  });
});

test('code points are compared without variation selectors', () => {
  expect(plainHexcode('1F441-FE0F-200D-1F5E8-FE0F')).toBe('1f441-200d-1f5e8');
});

test('a picture beyond the split is a RangeError', () => {
  expect(() => source.picture('test', source.counts.test)).toThrow(RangeError);
});
