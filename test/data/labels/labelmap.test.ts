import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeBatch } from '../../../src/data/batch.ts';
import { openSource } from '../../../src/data/index.ts';
import { edgesOf, type LabelmapOptions, labelmapSource } from '../../../src/data/labels/labelmap.ts';
import type { Pair } from '../../../src/data/source.ts';
import { rng } from '../../../src/util/rng.ts';
import { dataFolder, flatPicture, refusal, writeAt } from '../../support/data-folder.ts';
import { pngOf } from '../../support/png.ts';

/** Top half 0, bottom half `value`. */
const halves = (value: number, side = 8) =>
  Array.from({ length: side * side }, (_, p) => (p < (side * side) / 2 ? 0 : value));

/** Four training pairs, of which one becomes val, and one test pair. */
async function writeSet(folder: string, layout: (split: string, what: string) => string): Promise<void> {
  for (const name of ['a', 'b', 'c', 'd', 'test']) {
    const split = name === 'test' ? 'test' : 'train';
    writeAt(folder, `${layout(split, 'labels')}/${name}.png`, pngOf(8, 8, halves(2)));
    await flatPicture(folder, `${layout(split, 'images')}/${name}.png`, [10, 20, 30]);
  }
}

const inSplits = (split: string, what: string) => `${split}/${what}`;
const open = (path: string, more: Partial<LabelmapOptions> = {}) =>
  labelmapSource({ path, size: 4, labels: 3, ...more });

describe('label maps and images', () => {
  test.each([
    ['split/labels', inSplits],
    ['labels/split', (split: string, what: string) => `${what}/${split}`],
    ['split_label', (split: string, what: string) => `${split}_${what === 'labels' ? 'label' : 'img'}`],
  ])('in the layout %s are pairs', async (_name, layout) => {
    const folder = dataFolder();
    await writeSet(folder, layout);
    const source = await open(folder);
    expect(source).toMatchObject({
      name: 'labelmap',
      truth: true,
      counts: { train: 3, val: 1, test: 1 },
      channels: { condition: 3, image: 3 },
      condition: { kind: 'labels', edges: false, labels: [{ name: 'label 0' }, {}, {}] },
    });
    const { condition, image } = (await source.pair('test', 0)) as Pair;
    expect([...condition]).toEqual(halves(2, 4));
    expect([...image.subarray(0, 3)]).toEqual([10, 20, 30]);
    const batch = await makeBatch(source, 'test', [0], {}, rng(0, 'unused'));
    expect([...batch.condition]).toEqual(
      [0, 1, 2].flatMap((label) => halves(2, 4).map((id) => Number(id === label))),
    );
  });

  test('pair as Cityscapes names its files, in folders of cities', async () => {
    const folder = dataFolder();
    for (const split of ['train', 'test'])
      for (const name of ['ulm/ulm_01', 'ulm/ulm_02', 'jena/jena_01']) {
        writeAt(folder, `${split}/labels/${name}_gtFine_labelIds.png`, pngOf(8, 8, halves(1)));
        writeAt(
          folder,
          `${split}/instances/${name}_gtFine_instanceIds.png`,
          pngOf(8, 8, halves(26001), { depth: 16 }),
        );
        await flatPicture(folder, `${split}/images/${name}_leftImg8bit.png`, [1, 2, 3]);
      }
    const source = await open(folder, { edges: true, size: 4 });
    expect(source.ids.test).toEqual(['test/jena/jena_01', 'test/ulm/ulm_01', 'test/ulm/ulm_02']);
    expect(source.channels.condition).toBe(4);
    const { condition } = (await source.pair('test', 0)) as Pair;
    expect([...condition.subarray(16)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
  });

  describe('of Cityscapes, with every file that it has', () => {
    const kinds = ['color', 'instanceIds', 'labelIds', 'labelTrainIds'] as const;
    /** Objects lie side by side, labels one above the other, and numbers to train on are others. */
    const contents = (side: number) => ({
      color: halves(200),
      instanceIds: Array.from({ length: 64 }, (_, p) => (p % 8 < side ? 0 : 26001)),
      labelIds: halves(2),
      labelTrainIds: halves(1),
    });
    async function writeCities(folder: string, labels: string, images: string, left: readonly string[] = []) {
      for (const split of ['train', 'val', 'test'])
        for (const name of ['ulm/ulm_01', 'jena/jena_01']) {
          const at = (what: string) => `${labels.replace('SPLIT', split)}/${name}_gtFine_${what}`;
          for (const kind of kinds) {
            if (left.includes(kind)) continue;
            const depth = kind === 'instanceIds' ? 16 : 8;
            writeAt(folder, `${at(kind)}.png`, pngOf(8, 8, contents(4)[kind], { depth }));
          }
          writeAt(folder, `${at('polygons')}.json`, '{}');
          const image = `${images.replace('SPLIT', split)}/${name}_leftImg8bit.png`;
          await flatPicture(folder, image, [1, 2, 3]);
        }
    }

    test.each([
      ['as it is', 'gtFine/SPLIT', 'leftImg8bit/SPLIT', undefined],
      ['linked', 'labels/SPLIT', 'images/SPLIT', 'labels'],
    ])('%s', async (_how, labels, images, link) => {
      const folder = dataFolder();
      await writeCities(folder, labels, images);
      if (link) symlinkSync(join(folder, link), join(folder, 'instances'));
      const source = await open(folder, { edges: true });
      expect(source.counts).toEqual({ train: 2, val: 2, test: 2 });
      expect(source.ids.test).toEqual(['test/jena/jena_01', 'test/ulm/ulm_01']);
      expect(source.skipped).toEqual([]);
      const { condition } = (await source.pair('test', 0)) as Pair;
      expect([...condition.subarray(0, 16)]).toEqual(halves(2, 4));
      expect([...condition.subarray(16)]).toEqual([0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0]);
    });

    test('but label ids: the numbers to train on are read', async () => {
      const folder = dataFolder();
      await writeCities(folder, 'gtFine/SPLIT', 'leftImg8bit/SPLIT', ['labelIds']);
      const { condition } = (await (await open(folder)).pair('train', 0)) as Pair;
      expect([...condition]).toEqual(halves(1, 4));
    });
  });

  test('keep label numbers when they are resized', async () => {
    const folder = dataFolder();
    await writeSet(folder, inSplits);
    const stripes = Array.from({ length: 64 }, (_, p) => (p % 8 < 3 ? 0 : 2));
    writeAt(folder, 'test/labels/test.png', pngOf(8, 8, stripes));
    const { condition } = (await (await open(folder, { size: 12 })).pair('test', 0)) as Pair;
    expect(new Set(condition)).toEqual(new Set([0, 2]));
  });

  test('take dontCare as one label more, which is not counted', async () => {
    const folder = dataFolder();
    await writeSet(folder, inSplits);
    writeAt(folder, 'test/labels/test.png', pngOf(8, 8, halves(255)));
    expect((await refusal(open(folder), folder)).hint).toContain('data.dontCare: 255');
    const source = await open(folder, { dontCare: 255 });
    expect(source.channels.condition).toBe(4);
    expect(source.condition).toMatchObject({ labels: [{}, {}, {}, { name: 'unlabelled', counted: false }] });
    expect([...((await source.pair('test', 0)) as Pair).condition]).toEqual(halves(3, 4));
  });

  test('have the names that are given, and the colours of an indexed label map', async () => {
    const folder = dataFolder();
    await writeSet(folder, inSplits);
    const palette = [
      [1, 1, 1],
      [2, 2, 2],
      [3, 3, 3],
    ] as const;
    writeAt(folder, 'train/labels/a.png', pngOf(8, 8, halves(2), { palette }));
    const source = await open(folder, { labels: ['sky', 'tree', 'road'] });
    expect(source.condition).toMatchObject({
      labels: [
        { name: 'sky', colour: [1, 1, 1] },
        { name: 'tree', colour: [2, 2, 2] },
        { name: 'road', colour: [3, 3, 3] },
      ],
    });
  });
});

describe('of label maps that are wrong', () => {
  test('the value and its place are told', async () => {
    const folder = dataFolder();
    await writeSet(folder, inSplits);
    const values = halves(2);
    values[3 * 8 + 5] = 7;
    writeAt(folder, 'train/labels/b.png', pngOf(8, 8, values));
    expect(await refusal(open(folder), folder)).toEqual({
      code: 'DATA_BAD_IMAGES',
      message:
        '1 image in DATA cannot be used:\n  train/labels/b.png has the value 7 at column 6, row 4: labels must be 0 to 2',
      hint: expect.stringContaining('data.labels'),
    });
    for (const name of ['x', 'y']) {
      writeAt(folder, `val/labels/${name}.png`, pngOf(8, 8, halves(1)));
      await flatPicture(folder, `val/images/${name}.png`, [1, 1, 1]);
    }
    const { skipped, counts } = await open(folder, { onBadImage: 'skip' });
    expect(skipped.map(({ name }) => name)).toEqual(['train/labels/b.png']);
    expect(counts).toEqual({ train: 3, val: 2, test: 1 });
  });

  test('the values are told of a set too large for memory', async () => {
    const folder = dataFolder();
    await writeSet(folder, inSplits);
    writeAt(folder, 'train/labels/b.png', pngOf(8, 8, halves(9)));
    expect((await refusal(open(folder, { memory: 1 }), folder)).message).toContain('has the value 9');
  });

  test('both sizes are told', async () => {
    const folder = dataFolder();
    await writeSet(folder, inSplits);
    writeAt(folder, 'test/labels/test.png', pngOf(4, 4, halves(1, 4)));
    expect((await refusal(open(folder), folder)).message).toContain(
      'test/labels/test.png is 4 × 4, its image test.png is 8 × 8: they must be equal',
    );
  });

  test('partners that are missing are told', async () => {
    const folder = dataFolder();
    await writeSet(folder, inSplits);
    await flatPicture(folder, 'train/images/lonely.png', [0, 0, 0]);
    writeAt(folder, 'train/labels/alone.png', pngOf(8, 8, halves(1)));
    const { message } = await refusal(open(folder), folder);
    expect(message).toContain('train/images/lonely.png has no label map of that name in train/labels');
    expect(message).toContain('train/labels/alone.png has no image of that name in train/images');
    const edges = await refusal(open(folder, { edges: true }), folder);
    expect(edges.message).toContain('train/labels/a.png has no instance map of that name in train/instances');
  });

  test('files of one name are told, and none of them is taken for the other', async () => {
    const folder = dataFolder();
    await writeSet(folder, inSplits);
    await flatPicture(folder, 'train/images/a.jpg', [0, 0, 0]);
    writeAt(folder, 'train/labels/b_gtFine_labelIds.png', pngOf(8, 8, halves(1)));
    expect((await refusal(open(folder), folder)).message.split('\n  ')).toEqual([
      '4 images in DATA cannot be used:',
      'train/images/a.jpg must be the only image of its name, there is train/images/a.png too',
      'train/images/a.png must be the only image of its name, there is train/images/a.jpg too',
      'train/labels/b.png must be the only label map of its name, there is train/labels/b_gtFine_labelIds.png too',
      'train/labels/b_gtFine_labelIds.png must be the only label map of its name, there is train/labels/b.png too',
    ]);
    const { ids } = await open(folder, { onBadImage: 'skip' });
    expect([...ids.train, ...ids.val].sort()).toEqual(['train/c', 'train/d']);
  });

  test('the folders that were looked for are told', async () => {
    const folder = dataFolder();
    expect(await refusal(open(folder), folder)).toMatchObject({
      code: 'DATA_MISSING',
      message: expect.stringContaining('looked for DATA/train/labels, DATA/labels/train, DATA/train_label'),
    });
    await expect(openSource({ source: 'labelmap', path: folder, size: 4 })).rejects.toMatchObject({
      code: 'DATA_LABELS_MISSING',
    });
  });
});

test('edges are where a neighbour is another object', () => {
  const objects = [1, 1, 2, 1, 1, 2, 3, 3, 3];
  expect([...edgesOf(objects, 3)]).toEqual([0, 1, 1, 1, 1, 1, 1, 1, 1]);
  expect([...edgesOf(new Array(9).fill(5), 3)]).toEqual(new Array(9).fill(0));
});
