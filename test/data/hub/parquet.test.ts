import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readPairs } from '../../../src/data/hub/parquet.ts';
import { splitOfPath } from '../../../src/data/hub/unpack.ts';
import { hubSource } from '../../../src/data/hub-source.ts';
import { openSource } from '../../../src/data/index.ts';
import { parquetSource } from '../../../src/data/parquet-source.ts';
import { splits } from '../../../src/data/source.ts';
import { commit, folder, noise, quick, sha256, startHub } from './server.ts';

// Picture k of A is (10 k, 0, 255), of B (0, 10 k, 255): see test/fixtures/make_parquet.py.
const fixtures = join(import.meta.dirname, '../../fixtures/parquet');
const usual = { a: 'imageA', b: 'imageB' };
const shards = [
  'train-00000-of-00002.parquet',
  'train-00001-of-00002.parquet',
  'test-00000-of-00001.parquet',
];

/** A folder with some of the fixtures, under other names where wanted. */
function dataset(names: Record<string, string>): string {
  const path = folder();
  for (const [name, fixture] of Object.entries(names)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    copyFileSync(join(fixtures, fixture), join(path, name));
  }
  return path;
}

const three = Object.fromEntries(shards.map((name) => [`data/${name}`, name]));

async function first(path: string, columns = usual) {
  const pairs = [];
  for await (const pair of readPairs(path, columns)) pairs.push(pair);
  return pairs;
}

describe('a Parquet file', () => {
  test.each([
    ['zstd', shards[0]!, 5],
    ['snappy', shards[1]!, 3],
    ['no compression', shards[2]!, 2],
    ['gzip and plain bytes', 'plain.parquet', 6],
  ])('with %s gives its pictures in order', async (_what, name, count) => {
    const pairs = await first(join(fixtures, name));
    expect(pairs.length).toBe(count);
    for (const { a, b } of pairs) {
      expect(Buffer.from(a.subarray(0, 4)).toString('latin1')).toBe('\x89PNG');
      expect(Buffer.from(b.subarray(0, 4)).toString('latin1')).toBe('\x89PNG');
    }
    expect(new Set(pairs.map(({ a }) => sha256(a))).size).toBe(count);
  });

  test('may have both sides in one column', async () => {
    const [pair] = await first(join(fixtures, 'plain.parquet'), { a: 'imageA', b: 'imageA' });
    expect(pair!.a).toEqual(pair!.b);
  });

  test('without the column names those it has', async () => {
    const path = join(fixtures, 'plain.parquet');
    await expect(first(path, { a: 'imageA', b: 'target' })).rejects.toMatchObject({
      code: 'PARQUET_COLUMN',
      message: `${path} must have the column target, it has imageA, imageB, label`,
      hint: 'name the column of the pictures in data.columns.b',
    });
    await expect(first(path, { a: 'imageA', b: 'label' })).rejects.toMatchObject({ code: 'PARQUET_COLUMN' });
  });

  test('that is damaged anywhere is an error that names it, never a crash', async () => {
    const whole = readFileSync(join(fixtures, shards[0]!));
    const path = join(folder(), 'x.parquet');
    let refused = 0;
    for (let i = 0; i < 300; i++) {
      const bytes = Buffer.from(whole);
      const at = Math.floor((i / 300) * bytes.length);
      bytes[at] = bytes[at]! ^ (1 << (i % 8));
      writeFileSync(path, i % 5 === 4 ? bytes.subarray(0, at) : bytes);
      await first(path).catch((error) => {
        expect(error.code).toMatch(/^PARQUET_(INVALID|COLUMN)$/);
        expect(error.message).toContain(path);
        refused++;
      });
    }
    expect(refused).toBeGreaterThan(100);
  });
});

describe('the source parquet', () => {
  test('gives the pairs of each split that file names tell, and holds out val', async () => {
    const source = await parquetSource(dataset(three), { size: 16, cache: folder() });
    expect(source).toMatchObject({ name: 'parquet', size: 16, counts: { train: 7, val: 1, test: 2 } });
    const { condition, image } = await source.pair('test', 1);
    expect([...condition.subarray(0, 3)]).toEqual([90, 0, 255]);
    expect([...image.subarray(0, 3)]).toEqual([0, 90, 255]);
  });

  test('unpacks once, and again when a file changes', async () => {
    const path = dataset(three);
    const cache = folder();
    const before = await parquetSource(path, { size: 16, cache });
    const [unpacked] = readdirSync(cache);
    expect(readdirSync(cache)).toEqual([expect.stringMatching(/^parquet-[0-9a-f]{32}$/)]);
    writeFileSync(
      join(cache, unpacked!, 'test/A/000000.png'),
      readFileSync(join(cache, unpacked!, 'test/A/000001.png')),
    );
    expect((await parquetSource(path, { size: 16, cache })).hash).not.toBe(before.hash);
    rmSync(join(path, 'data', shards[1]!));
    expect((await parquetSource(path, { size: 16, cache })).counts.train).toBe(4);
  });

  test('has the same hash wherever the files lie', async () => {
    const [a, b] = [dataset(three), dataset(three)];
    const hashes = [a, b].map(
      async (path) => (await parquetSource(path, { size: 16, cache: folder() })).hash,
    );
    expect(await hashes[0]).toBe(await hashes[1]);
  });

  test('opens from a recipe, with columns and direction', async () => {
    const data = { source: 'parquet', path: dataset({ 'a.parquet': 'plain.parquet' }), size: 16 } as const;
    const source = await openSource({ ...data, columns: usual, direction: 'BtoA', cache: folder() });
    expect(splits.reduce((sum, split) => sum + source.counts[split], 0)).toBe(6);
    const { condition } = await source.pair('train', 0);
    expect([condition[0], condition[2]]).toEqual([0, 255]);
  });

  test('gives the class of each pair besides, numbers in their order and by the names the file has for them', async () => {
    const data = { source: 'parquet', path: dataset({ 'a.parquet': 'classes.parquet' }), size: 16 } as const;
    const columns = { a: 'img', b: 'img', label: 'label' };
    const source = await openSource({ ...data, columns, cache: folder() });
    expect(source.name).toBe('parquet');
    expect(source.condition).toEqual({ kind: 'image', channels: 3, classes: ['zebra', 'ant', 'cat'] });
    expect(source.channels).toEqual({ condition: 6, classes: 3, image: 3 });
    for (const split of splits)
      for (const index of source.ids[split].keys()) {
        const { condition, image } = await source.pair(split, index);
        // The red of picture k is 10 k, its class k % 3.
        expect([condition.length, condition.at(-1)]).toEqual([16 * 16 * 3 + 1, (image[0]! / 10) % 3]);
      }
    const names = await openSource({
      ...data,
      path: dataset(three),
      columns: { a: 'imageA', label: 'label' },
      cache: folder(),
    });
    expect(names.condition).toMatchObject({ classes: ['row 0', 'row 1', 'row 2', 'row 3', 'row 4'] });
    const { condition, image } = await names.pair('test', 1);
    expect([image[1], condition.at(-1)]).toEqual([90, 1]);
  });

  test('asked for the classes of pairs where it has none of that name says so', async () => {
    const columns = { a: 'img', b: 'img', label: 'kind' };
    const path = dataset({ 'a.parquet': 'classes.parquet' });
    await expect(parquetSource(path, { size: 16, columns, cache: folder() })).rejects.toMatchObject({
      code: 'PARQUET_COLUMN',
      message: expect.stringMatching(/must have the column kind, it has img, label$/),
    });
  });

  test('lists rows without a picture or with a damaged one, or leaves them out', async () => {
    const path = dataset({ 'a.parquet': 'broken.parquet' });
    await expect(parquetSource(path, { size: 16, cache: folder() })).rejects.toMatchObject({
      code: 'DATA_BAD_IMAGES',
      message: expect.stringMatching(
        /2 images in .*\n {2}A\/000001\.png is empty\n {2}A\/000002\.png cannot be decoded/,
      ),
    });
    const source = await parquetSource(path, { size: 16, cache: folder(), onBadImage: 'skip' });
    expect(source.skipped.map(({ name }) => name)).toEqual(['A/000001.png', 'A/000002.png']);
  });

  test('leaves nothing half unpacked', async () => {
    const path = dataset({ 'a.parquet': shards[0]!, 'b.parquet': 'plain.parquet' });
    writeFileSync(join(path, 'b.parquet'), noise(5000));
    const cache = folder();
    await expect(parquetSource(path, { size: 16, cache })).rejects.toMatchObject({ code: 'PARQUET_INVALID' });
    expect(readdirSync(cache).filter((name) => !name.endsWith('.lock'))).toEqual([]);
  });

  test('of a folder without Parquet files says so', async () => {
    const path = folder();
    await expect(parquetSource(path, { size: 16 })).rejects.toMatchObject({ code: 'DATA_MISSING' });
    await expect(parquetSource(join(path, 'nope'), { size: 16 })).rejects.toMatchObject({
      code: 'FILE_MISSING',
    });
  });
});

describe('the source hub', () => {
  const files = Object.fromEntries(
    Object.entries(three).map(([name, fixture]) => [
      name,
      new Uint8Array(readFileSync(join(fixtures, fixture))),
    ]),
  );
  const start = () =>
    startHub({ 'some/set': { type: 'dataset', commit, files: { ...files, 'README.md': noise(40) } } });

  test('is a data set of the hub, downloaded once', async () => {
    const hub = await start();
    const cache = folder();
    const told: number[][] = [];
    const options = { repo: 'some/set', size: 16, settings: hub.settings, patience: quick, cache };
    const source = await hubSource({ ...options, onDownload: (...numbers) => told.push(numbers) });
    expect(source).toMatchObject({
      name: 'hub:some/set',
      counts: { train: 7, val: 1, test: 2 },
      attribution: expect.stringContaining('https://huggingface.co/datasets/some/set'),
    });
    const bytes = Object.values(files).reduce((sum, { length }) => sum + length, 0);
    expect(told.at(-1)).toEqual([bytes, bytes]);
    const local = await parquetSource(dataset(three), { size: 16, cache: folder() });
    expect(source.hash).toBe(local.hash);

    const asked = hub.storage.seen.length;
    const offline = { ...hub.settings, offline: true };
    expect((await hubSource({ ...options, settings: offline })).hash).toBe(source.hash);
    expect((await hubSource({ ...options, revision: commit })).hash).toBe(source.hash);
    hub.hub.faults.push({ status: 503 }, { status: 503 }, { status: 503 }, { status: 503 });
    expect((await hubSource(options)).hash).toBe(source.hash);
    expect(hub.storage.seen.length).toBe(asked);
  });

  test('that is not here, offline, says what to do', async () => {
    const hub = await start();
    const settings = { ...hub.settings, offline: true };
    for (const revision of [undefined, commit]) {
      await expect(
        hubSource({ repo: 'some/set', revision, size: 16, settings, cache: folder() }),
      ).rejects.toMatchObject({
        code: 'HUB_OFFLINE',
      });
    }
    expect(hub.hub.seen).toEqual([]);
  });

  test('without Parquet files points to the converted branch', async () => {
    const hub = await startHub({ 'some/set': { type: 'dataset', commit, files: { 'a.zip': noise(200) } } });
    await expect(
      hubSource({
        repo: 'datasets/some/set',
        size: 16,
        settings: hub.settings,
        patience: quick,
        cache: folder(),
      }),
    ).rejects.toMatchObject({
      code: 'HUB_NO_PARQUET',
      hint: expect.stringContaining('refs/convert/parquet'),
    });
  });

  test('must be named owner/name', async () => {
    await expect(hubSource({ repo: 'set', size: 16 })).rejects.toMatchObject({ code: 'HUB_ADDRESS' });
    await expect(openSource({ source: 'hub', size: 16 })).rejects.toMatchObject({
      code: 'DATA_REPO_MISSING',
    });
  });
});

test.each([
  ['data/train-00000-of-00002.parquet', 'train'],
  ['default/validation/0000.parquet', 'val'],
  ['facades_test.parquet', 'test'],
  ['data/dev.parquet', 'val'],
  ['trainer.parquet', undefined],
  ['data/part-0.parquet', undefined],
])('%j is of the split %s', (name, split) => {
  expect(splitOfPath(name)).toBe(split);
});
