import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeBatch } from '../../../src/data/batch.ts';
import { type UnpairedOptions, unpairedSource } from '../../../src/data/folder/unpaired.ts';
import type { Pair } from '../../../src/data/source.ts';
import { rng } from '../../../src/util/rng.ts';
import { dataFolder, flatPicture, refusal, writeAt } from '../../support/data-folder.ts';

/** Pictures of A are (i, 0, 0), of B (0, i, 0). */
async function writeDomain(
  folder: string,
  name: string,
  count: number,
  domain: 'A' | 'B',
  side = 8,
): Promise<void> {
  for (let i = 0; i < count; i++)
    await flatPicture(folder, `${name}/${i}.png`, domain === 'A' ? [i + 1, 0, 0] : [0, i + 1, 0], [
      side,
      side + 4,
    ]);
}

async function writeSet(folder: string): Promise<void> {
  await writeDomain(folder, 'trainA', 4, 'A');
  await writeDomain(folder, 'trainB', 7, 'B', 12);
  await writeDomain(folder, 'testA', 3, 'A');
  await writeDomain(folder, 'testB', 2, 'B');
}

const open = (path: string, more: Partial<UnpairedOptions> = {}) =>
  unpairedSource({ path, size: 4, ...more });

describe('two folders of unrelated pictures', () => {
  test('have counts of their own, and no truth', async () => {
    const folder = dataFolder();
    await writeSet(folder);
    const source = await open(folder);
    expect(source).toMatchObject({
      name: 'unpaired',
      truth: false,
      counts: { train: 3, val: 1, test: 3 },
      unpaired: { counts: { train: 6, val: 1, test: 2 } },
      condition: { kind: 'image', channels: 3 },
    });
    const { condition, image } = (await source.pair('test', 2)) as Pair;
    expect([...condition.subarray(0, 3)]).toEqual([3, 0, 0]);
    expect([...image.subarray(0, 3)]).toEqual([0, 1, 0]);
  });

  test('are turned round by direction', async () => {
    const folder = dataFolder();
    await writeSet(folder);
    const [source, turned] = [await open(folder), await open(folder, { direction: 'BtoA' })];
    expect(turned.counts).toEqual({ train: 6, val: 1, test: 2 });
    expect([...((await turned.pair('test', 0)) as Pair).condition.subarray(0, 3)]).toEqual([0, 1, 0]);
    expect(turned.hash).not.toBe(source.hash);
  });

  test('are drawn from without regard to each other in training', async () => {
    const folder = dataFolder();
    await writeSet(folder);
    const source = await open(folder);
    const seen = new Set<number>();
    for (let step = 0; step < 30; step++) {
      const { image } = await makeBatch(source, 'train', [0], {}, rng(1, 'augment', step));
      seen.add(Math.round((image[16]! + 1) * 127.5));
    }
    expect(seen.size).toBe(6);
  });

  test('use val folders where there are such, and train/A for trainA', async () => {
    const folder = dataFolder();
    await writeDomain(folder, 'train/A', 2, 'A');
    await writeDomain(folder, 'train/B', 3, 'B');
    for (const split of ['val', 'test'])
      for (const domain of ['A', 'B'] as const) await writeDomain(folder, `${split}/${domain}`, 1, domain);
    const { counts, unpaired } = await open(folder);
    expect(counts).toEqual({ train: 2, val: 1, test: 1 });
    expect(unpaired!.counts).toEqual({ train: 3, val: 1, test: 1 });
  });

  test.each(['trainB', 'testA'])('are refused when %s is empty', async (name) => {
    const folder = dataFolder();
    await writeSet(folder);
    rmSync(join(folder, name), { recursive: true });
    mkdirSync(join(folder, name));
    expect(await refusal(open(folder), folder)).toMatchObject({
      code: 'DATA_EMPTY',
      message: `domain ${name.at(-1)} must have images in DATA/${name}, it has none`,
    });
  });

  test('are refused when a folder is missing', async () => {
    const folder = dataFolder();
    await writeSet(folder);
    rmSync(join(folder, 'testB'), { recursive: true });
    expect(await refusal(open(folder), folder)).toMatchObject({
      code: 'DATA_SPLIT_MISSING',
      message: 'DATA must have a test folder of domain B, looked for DATA/testB and DATA/test/B',
    });
    expect((await refusal(open(join(folder, 'none')), folder)).code).toBe('DATA_MISSING');
  });

  test('of three pictures each suffice without val folders, of two do not', async () => {
    const folder = dataFolder();
    await writeSet(folder);
    rmSync(join(folder, 'trainA'), { recursive: true });
    await writeDomain(folder, 'trainA', 2, 'A');
    expect(await refusal(open(folder), folder)).toEqual({
      code: 'DATA_TOO_FEW',
      message: 'domain A of DATA must have at least 2 images to train on, it has 1',
      hint: expect.stringContaining('needs 3'),
    });
    await writeDomain(folder, 'trainA', 3, 'A');
    expect((await open(folder)).counts).toEqual({ train: 2, val: 1, test: 3 });
  });

  test('are refused when one has a single picture, also after bad ones were left out', async () => {
    const folder = dataFolder();
    await writeSet(folder);
    rmSync(join(folder, 'trainA'), { recursive: true });
    await writeDomain(folder, 'trainA', 1, 'A');
    expect(await refusal(open(folder), folder)).toMatchObject({
      code: 'DATA_TOO_FEW',
      message: expect.stringMatching(
        /^domain A of DATA must have at least 2 images to train on, it has [01]$/,
      ),
    });
    await writeDomain(folder, 'trainA', 3, 'A');
    await writeDomain(folder, 'valA', 1, 'A');
    for (const name of ['1', '2']) writeAt(folder, `trainA/${name}.png`, 'no picture');
    expect((await refusal(open(folder), folder)).code).toBe('DATA_BAD_IMAGES');
    expect((await refusal(open(folder, { onBadImage: 'skip' }), folder)).message).toContain('it has 1');
  });
});
