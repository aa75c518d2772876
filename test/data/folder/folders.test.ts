import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FolderOptions } from '../../../src/data/folder/aligned.ts';
import { folderSource } from '../../../src/data/folder/aligned.ts';
import { openSource } from '../../../src/data/index.ts';
import type { Pair } from '../../../src/data/source.ts';
import type { GanletError } from '../../../src/util/errors.ts';
import { rng } from '../../../src/util/rng.ts';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'ganlet-folder-'));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

type Colour = [number, number, number];
const red: Colour = [200, 10, 20];
const blue: Colour = [10, 20, 200];

/** Writes an image whose left half has one colour and whose right half the other. */
async function write(name: string, width: number, height: number, left: Colour, right = left): Promise<void> {
  const pixels = Buffer.alloc(width * height * 3);
  for (let p = 0; p < width * height; p++) pixels.set(p % width < width / 2 ? left : right, p * 3);
  const file = join(path, name);
  mkdirSync(dirname(file), { recursive: true });
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  await (name.endsWith('.webp') ? image.webp({ lossless: true }) : image).toFile(file);
}

async function writeGrey(name: string, width: number, height: number, value: number): Promise<void> {
  mkdirSync(dirname(join(path, name)), { recursive: true });
  await sharp(Buffer.alloc(width * height, value), { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toFile(join(path, name));
}

const aligned = (more: Partial<FolderOptions> = {}) => folderSource('aligned', { path, size: 8, ...more });
const folders = (more: Partial<FolderOptions> = {}) => folderSource('folders', { path, size: 8, ...more });
const failure = async (promise: Promise<unknown>): Promise<GanletError> => {
  const outcome = await promise.then(
    () => undefined,
    (error: GanletError) => error,
  );
  if (!outcome) throw new Error('expected a failure');
  return { ...outcome, message: outcome.message.replaceAll(path, 'DATA') } as GanletError;
};
const flat = (colour: Colour, pixels: number) => Array.from({ length: pixels }, () => colour).flat();

async function writeAligned(): Promise<void> {
  for (let i = 0; i < 20; i++)
    await write(`train/${String(i).padStart(2, '0')}.png`, 32, 16, [i, 0, 0], blue);
  await write('test/a.webp', 32, 16, red, blue);
  await write('test/b.png', 64, 32, blue, red);
}

describe('aligned images', () => {
  it('are cut in two and resized; the direction chooses the condition', async () => {
    await writeAligned();
    const source = await aligned();
    expect(source.counts).toEqual({ train: 18, val: 2, test: 2 });
    expect(source.ids.test).toEqual(['test/a.webp', 'test/b.png']);
    const pair = (await source.pair('test', 0)) as Pair;
    expect(pair.condition).toBeAllclose(flat(red, 64));
    expect(pair.image).toBeAllclose(flat(blue, 64));
    const turned = await aligned({ direction: 'BtoA' });
    expect(((await turned.pair('test', 0)) as Pair).condition).toBeAllclose(flat(blue, 64));
    expect(turned.hash).not.toBe(source.hash);
  });

  it('hold the same part of train out for val each time, apart from the rest', async () => {
    await writeAligned();
    const [source, again] = [await aligned(), await aligned()];
    expect(again.ids).toEqual(source.ids);
    expect(again.hash).toBe(source.hash);
    expect(new Set([...source.ids.train, ...source.ids.val]).size).toBe(20);
  });

  it('use a val folder when there is one', async () => {
    await writeAligned();
    await write('val/x.png', 32, 16, red);
    const { counts, ids } = await aligned();
    expect(counts).toEqual({ train: 20, val: 1, test: 2 });
    expect(ids.val).toEqual(['val/x.png']);
  });

  it('without split folders are split by name', async () => {
    for (let i = 0; i < 25; i++) await write(`${i}.png`, 16, 8, red);
    expect((await aligned()).counts).toEqual({ train: 18, val: 2, test: 5 });
  });

  it('change the hash with any pixel', async () => {
    await writeAligned();
    const { hash } = await aligned();
    await write('test/b.png', 64, 32, blue, [200, 10, 21]);
    expect((await aligned()).hash).not.toBe(hash);
  });

  it('name the folder of a missing test split', async () => {
    await write('train/a.png', 16, 8, red);
    expect(await failure(aligned())).toMatchObject({
      code: 'DATA_SPLIT_MISSING',
      message: 'DATA must have a test split, looked for DATA/test',
    });
    await write('val/a.png', 16, 8, red);
    expect((await failure(aligned())).hint).toContain('name the val folder "test"');
  });

  it('from a folder that is not there are missing, not a crash', async () => {
    expect(await failure(aligned({ path: join(path, 'none') }))).toMatchObject({ code: 'DATA_MISSING' });
  });
});

describe('A and B folders', () => {
  async function writeFolders(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      await write(`A/train/${i}.png`, 8, 8, [i, 0, 0]);
      await write(`B/train/${i}.webp`, 8, 8, [0, i, 0]);
    }
    await write('A/test/0.png', 20, 10, red);
    await write('B/test/0.png', 20, 10, blue);
  }

  it('pair images of one name, whatever their endings', async () => {
    await writeFolders();
    const source = await folders();
    expect(source.counts).toEqual({ train: 4, val: 1, test: 1 });
    for (let index = 0; index < 4; index++) {
      const number = Number(source.ids.train[index]!.slice('train/'.length));
      const pair = (await source.pair('train', index)) as Pair;
      expect(pair.condition).toBeAllclose(flat([number, 0, 0], 64));
      expect(pair.image).toBeAllclose(flat([0, number, 0], 64));
    }
    expect(((await source.pair('test', 0)) as Pair).image).toBeAllclose(flat(blue, 64));
  });

  it('may also lie inside split folders, or have no splits', async () => {
    for (const name of ['train/A/0', 'train/B/0', 'train/A/1', 'train/B/1', 'test/A/0', 'test/B/0']) {
      await write(`${name}.png`, 8, 8, red);
    }
    expect((await folders()).counts).toEqual({ train: 1, val: 1, test: 1 });
    rmSync(join(path, 'train'), { recursive: true });
    rmSync(join(path, 'test'), { recursive: true });
    for (let i = 0; i < 10; i++) for (const side of ['A', 'B']) await write(`${side}/${i}.png`, 8, 8, red);
    expect((await folders()).counts).toEqual({ train: 7, val: 1, test: 2 });
  });

  it('name both places where a split was looked for', async () => {
    await write('A/train/0.png', 8, 8, red);
    await write('B/train/0.png', 8, 8, red);
    expect((await failure(folders())).message).toBe(
      'DATA must have a test split, looked for DATA/A/test and DATA/test/A',
    );
  });

  it('report lonely images and pairs of unequal sides', async () => {
    await writeFolders();
    await write('A/train/lonely.png', 8, 8, red);
    await write('B/train/left.png', 8, 8, red);
    await write('A/train/odd.png', 8, 8, red);
    await write('B/train/odd.png', 8, 9, red);
    expect((await failure(folders())).message).toBe(
      [
        '3 images in DATA cannot be used:',
        '  A/train/lonely.png has no partner of that name in B/train',
        '  A/train/odd.png is 8 × 8, its partner in B is 8 × 9: they must be equal',
        '  B/train/left.png has no partner of that name in A/train',
      ].join('\n'),
    );
  });

  it('take one-channel conditions when conditions have one channel', async () => {
    await writeFolders();
    await writeGrey('A/train/grey.png', 8, 8, 77);
    await write('B/train/grey.png', 8, 8, red);
    const error = await failure(folders());
    expect(error.message).toContain('A/train/grey.png has one channel, an RGB image is wanted');
    expect(error.hint).toContain('data.greyscale: expand');
    const grey = await folders({ channels: { condition: 1, image: 3 } });
    const [split, i] = (['train', 'val'] as const)
      .map((name) => [name, grey.ids[name].indexOf('train/grey')] as const)
      .find(([, index]) => index >= 0)!;
    expect(((await grey.pair(split, i)) as Pair).condition).toBeAllclose(new Array(64).fill(77));
    const expanded = await folders({ greyscale: 'expand' });
    expect(((await expanded.pair(split, i)) as Pair).condition).toBeAllclose(new Array(192).fill(77));
  });
});

it('aligned images may be grey when both sides are', async () => {
  for (const name of ['train/a', 'train/b', 'test/a']) await writeGrey(`${name}.png`, 16, 8, 50);
  const source = await aligned({ channels: { condition: 1, image: 1 } });
  const { condition, image } = (await source.pair('test', 0)) as Pair;
  expect(condition).toBeAllclose(new Array(64).fill(50));
  expect(image).toBeAllclose(new Array(64).fill(50));
  expect(await failure(aligned({ channels: { condition: 1, image: 3 } }))).toMatchObject({
    code: 'DATA_BAD_IMAGES',
  });
});

describe('bad images', () => {
  async function writeBad(): Promise<void> {
    await writeAligned();
    writeFileSync(join(path, 'train/empty.png'), '');
    writeFileSync(join(path, 'train/text.jpg'), 'not an image at all');
    await write('train/square.png', 16, 16, red);
    await writeGrey('train/grey.png', 16, 8, 9);
    const whole = await sharp(join(path, 'train/00.png')).resize(256, 128).jpeg().toBuffer();
    writeFileSync(join(path, 'test/cut.jpg'), whole.subarray(0, whole.length - 200));
    writeFileSync(join(path, 'train/notes.txt'), 'ignored');
    writeFileSync(join(path, 'train/.hidden.png'), 'ignored');
  }

  it('are refused by default, with names and reasons', async () => {
    await writeBad();
    const error = await failure(aligned());
    expect(error.code).toBe('DATA_BAD_IMAGES');
    const [head, ...lines] = error.message.split('\n');
    expect(head).toBe('5 images in DATA cannot be used:');
    expect(lines).toEqual([
      expect.stringMatching(/^ {2}test\/cut\.jpg cannot be decoded: \S/),
      '  train/empty.png is empty',
      '  train/grey.png has one channel, an RGB image is wanted',
      '  train/square.png is 16 × 16, an aligned image must be twice as wide as high',
      '  train/text.jpg is not a PNG, JPEG or WebP picture',
    ]);
  });

  it('are listed five at most, and counted all', async () => {
    await writeAligned();
    for (let i = 0; i < 8; i++) writeFileSync(join(path, `train/bad${i}.png`), '');
    const { message } = await failure(aligned());
    expect(message.split('\n')).toHaveLength(7);
    expect(message).toMatch(/^8 images .* and 3 more$/s);
  });

  it('are left out and listed when asked to skip them', async () => {
    await writeAligned();
    const clean = await aligned();
    await writeBad();
    const source = await aligned({ onBadImage: 'skip' });
    expect(source.skipped.map(({ name }) => name)).toEqual([
      'test/cut.jpg',
      'train/empty.png',
      'train/grey.png',
      'train/square.png',
      'train/text.jpg',
    ]);
    expect(source.counts.test).toBe(clean.counts.test);
    expect(source.counts.train + source.counts.val).toBe(20);
  });

  it('do not leave a split empty in silence', async () => {
    await write('train/a.png', 16, 8, red);
    await write('train/b.png', 16, 8, red);
    mkdirSync(join(path, 'test'));
    writeFileSync(join(path, 'test/a.png'), '');
    expect(await failure(aligned({ onBadImage: 'skip' }))).toMatchObject({
      code: 'DATA_EMPTY',
      message: 'the test split of DATA must have at least one usable pair of images, has none',
      hint: '1 were left out, for example: test/a.png is empty',
    });
  });
});

describe('a data set larger than memory', () => {
  it('gives the same pairs and hash as one that is held', async () => {
    await writeAligned();
    const [held, lazy] = [await aligned(), await aligned({ memory: 1000 })];
    expect(lazy.hash).toBe(held.hash);
    for (let i = 0; i < 18; i++) expect(await lazy.pair('train', i)).toEqual(await held.pair('train', i));
    expect(lazy.pair('train', 0)).toBeInstanceOf(Promise);
    expect(held.pair('train', 0)).not.toBeInstanceOf(Promise);
  });

  it('names a file that turns out damaged when it is needed', async () => {
    await writeAligned();
    const noise = Buffer.from(rng(1, 'noise').fillUniform(new Float32Array(64 * 32 * 3), 0, 256));
    const whole = await sharp(noise, { raw: { width: 64, height: 32, channels: 3 } })
      .png()
      .toBuffer();
    writeFileSync(join(path, 'test/c.png'), whole.subarray(0, 2000));
    const lazy = await aligned({ memory: 1000 });
    expect(lazy.counts.test).toBe(3);
    expect(await failure(Promise.resolve(lazy.pair('test', 2)))).toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(/^DATA\/test\/c\.png cannot be decoded/),
    });
    expect(((await lazy.pair('test', 0)) as Pair).condition).toBeAllclose(flat(red, 64));
  });
});

describe('openSource', () => {
  it('opens folders by the words of a recipe', async () => {
    await writeAligned();
    const source = await openSource({ source: 'aligned', path, size: 4 });
    expect([source.name, source.size, source.counts.test]).toEqual(['aligned', 4, 2]);
  });

  it('asks for the path that a folder source needs', async () => {
    await expect(openSource({ source: 'folders', size: 4 })).rejects.toMatchObject({
      code: 'DATA_PATH_MISSING',
      message: 'data.source folders must come with data.path, got none',
    });
  });
});

it('turns photographs as their EXIF says, puts transparency on white and reads 16-bit PNG', async () => {
  await writeAligned();
  const upright = sharp({ create: { width: 8, height: 16, channels: 3, background: '#00ff00' } });
  const turned = await upright.withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer();
  writeFileSync(join(path, 'test/turned.jpg'), turned);
  const clear = sharp({
    create: { width: 16, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
  });
  await clear.png().toFile(join(path, 'test/clear.png'));
  const deep = sharp({ create: { width: 16, height: 8, channels: 3, background: '#336699' } });
  await deep.toColourspace('rgb16').png().toFile(join(path, 'test/deep.png'));
  const source = await aligned();
  const image = async (id: string) =>
    ((await source.pair('test', source.ids.test.indexOf(id))) as Pair).image;
  expect(await image('test/turned.jpg')).toBeAllclose(flat([0, 255, 0], 64), { atol: 3 });
  expect(await image('test/clear.png')).toBeAllclose(flat([255, 255, 255], 64));
  expect(await image('test/deep.png')).toBeAllclose(flat([0x33, 0x66, 0x99], 64), { atol: 1 });
});
