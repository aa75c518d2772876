import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeBatch } from '../../../src/data/batch.ts';
import { imageFolderSource } from '../../../src/data/folder/classes.ts';
import { parquetSource } from '../../../src/data/parquet-source.ts';
import { splits } from '../../../src/data/source.ts';
import { rng } from '../../../src/util/rng.ts';
import { dataFolder, flatPicture, refusal } from '../../support/data-folder.ts';

const open = (path: string, more = {}) => imageFolderSource({ path, size: 4, ...more });

async function writeClasses(folder: string): Promise<void> {
  for (const [split, count] of [
    ['train', 5],
    ['test', 2],
  ] as const)
    for (const [number, name] of ['cat', 'ant'].entries())
      for (let i = 0; i < count; i++) await flatPicture(folder, `${split}/${name}/${i}.png`, [number, i, 0]);
}

describe('a folder of pictures', () => {
  test('has its sub-folders as classes, sorted', async () => {
    const folder = dataFolder();
    await writeClasses(folder);
    const source = await open(folder);
    expect(source).toMatchObject({
      name: 'folder',
      truth: false,
      condition: { kind: 'class', classes: ['ant', 'cat'] },
      channels: { condition: 2, image: 3 },
      counts: { train: 8, val: 2, test: 4 },
    });
    expect(source.ids.test).toEqual(['test/ant/0.png', 'test/ant/1.png', 'test/cat/0.png', 'test/cat/1.png']);
    const { condition } = await makeBatch(source, 'test', [0, 3], {}, rng(0, 'unused'));
    expect([...condition]).toEqual([1, 0, 0, 1]);
  });

  test('without sub-folders has no condition, and is split by name', async () => {
    const folder = dataFolder();
    for (let i = 0; i < 20; i++) await flatPicture(folder, `${i}.png`, [i, i, i]);
    const source = await open(folder);
    expect(source).toMatchObject({ condition: { kind: 'none' }, counts: { train: 14, val: 2, test: 4 } });
    const batch = await makeBatch(source, 'train', [0, 1], { flip: true }, rng(0, 'x'));
    expect(batch.condition.length).toBe(0);
    expect(batch.image.length).toBe(2 * 3 * 16);
  });

  test('of classes only is split by name as well', async () => {
    const folder = dataFolder();
    for (const name of ['x', 'y'])
      for (let i = 0; i < 10; i++) await flatPicture(folder, `${name}/${i}.png`, [i, 0, 0]);
    expect(await open(folder)).toMatchObject({
      condition: { kind: 'class', classes: ['x', 'y'] },
      counts: { train: 14, val: 2, test: 4 },
    });
  });

  test('of the classes A and B asks whether pairs were meant', async () => {
    const folder = dataFolder();
    for (const name of ['A', 'B', 'C'])
      for (let i = 0; i < 3; i++) await flatPicture(folder, `${name}/${i}.png`, [i, 0, 0]);
    expect((await open(folder)).doubt).toBeUndefined();
    rmSync(join(folder, 'C'), { recursive: true });
    expect((await open(folder)).doubt).toContain('set data.source to folders');
  });

  test('is refused where a split has a class that is not trained on', async () => {
    const folder = dataFolder();
    await writeClasses(folder);
    await flatPicture(folder, 'test/dog/1.png', [0, 0, 0]);
    expect(await refusal(open(folder), folder)).toMatchObject({
      code: 'DATA_CLASSES',
      message: 'the test split of DATA must have the classes of train, it has dog',
    });
  });

  test('is refused where pictures lie beside classes, or leaves these out', async () => {
    const folder = dataFolder();
    await writeClasses(folder);
    await flatPicture(folder, 'train/loose.png', [0, 0, 0]);
    expect((await refusal(open(folder), folder)).message).toContain(
      'train/loose.png lies beside the folders of classes',
    );
    expect((await open(folder, { onBadImage: 'skip' })).skipped.length).toBe(1);
  });

  test('is refused where there is none, or nothing in it', async () => {
    const folder = dataFolder();
    expect((await refusal(open(join(folder, 'none')), folder)).code).toBe('DATA_MISSING');
    mkdirSync(join(folder, 'train'));
    mkdirSync(join(folder, 'test'));
    expect((await refusal(open(folder), folder)).code).toBe('DATA_EMPTY');
  });
});

describe('Parquet files with a column label', () => {
  // See test/fixtures/make_parquet.py: picture k is (10 k, 0, 255).
  const fixtures = join(import.meta.dirname, '../../fixtures/parquet');
  const folderWith = (...names: string[]) => {
    const folder = dataFolder();
    for (const name of names) cpSync(join(fixtures, name), join(folder, name));
    return folder;
  };
  const parquet = (folder: string, more = {}) =>
    parquetSource(folder, { size: 8, cache: join(folder, 'cache'), ...more });

  test('give pictures of classes, in the order and by the names of the hub', async () => {
    const source = await parquet(folderWith('classes.parquet'));
    expect(source).toMatchObject({
      name: 'parquet',
      truth: false,
      condition: { kind: 'class', classes: ['zebra', 'ant', 'cat'] },
      counts: { train: 6, val: 3, test: 3 },
    });
    for (const split of splits) {
      for (let i = 0; i < source.counts[split]; i++) {
        const { condition, image } = await source.pair(split, i);
        expect(condition).toEqual(Uint8Array.of((image[0]! / 10) % 3));
      }
    }
  });

  test('have classes by name too, and pairs where the columns of pairs are there', async () => {
    const folder = folderWith(
      'train-00000-of-00002.parquet',
      'train-00001-of-00002.parquet',
      'test-00000-of-00001.parquet',
    );
    const source = await parquet(folder, { columns: { image: 'imageA' } });
    expect(source).toMatchObject({
      condition: { kind: 'class', classes: ['row 0', 'row 1', 'row 2', 'row 3', 'row 4'] },
      counts: { train: 5, val: 3, test: 2 },
    });
    expect((await parquet(folder)).condition.kind).toBe('image');
  });

  test('are refused where the columns are no such things', async () => {
    const folder = folderWith('plain.parquet');
    const refused = (columns: object) => refusal(parquet(folder, { columns }), folder);
    expect(await refused({ image: 'imageA', label: 'kind' })).toEqual({
      code: 'PARQUET_COLUMN',
      message: 'DATA/plain.parquet must have the column kind, it has imageA, imageB, label',
      hint: 'name the column of the classes in data.columns.label',
    });
    expect(await refused({ image: 'imageA', label: 'imageB' })).toMatchObject({
      code: 'PARQUET_COLUMN',
      message: expect.stringContaining('the column imageB of DATA/plain.parquet must hold classes'),
    });
    expect((await refused({ image: 'label', label: 'label' })).message).toContain('must hold pictures');
  });
});
