import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strFromU8, unzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { momentsOf } from '../../src/metrics/moments.ts';
import {
  needComparableStatistics,
  readStatistics,
  writeStatistics,
} from '../../src/metrics/statistics-file.ts';
import { GanletError } from '../../src/util/errors.ts';
import { randomState } from '../../src/util/mt19937.ts';
import { decodeNpy, encodeNpy } from '../../src/util/npy.ts';
import { toolVersion } from '../../src/util/version.ts';
import { fixtures, normal } from './metric-data.ts';

const { npz } = fixtures;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ganlet-statistics-'));
});
afterAll(() => rm(folder, { recursive: true }));

const saved = async (bytes: Uint8Array, name = 'file.npz') => {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
};

describe('statistics of other tools', () => {
  it.each(Object.keys(npz.files))('are read as numpy wrote them: %s', async (name) => {
    const found = await readStatistics(await saved(Buffer.from(npz.files[name], 'base64')));
    expect([...found.mean]).toEqual(npz.mu);
    expect([...found.covariance]).toEqual(npz.sigma.flat());
    expect(found).toMatchObject({ dimension: 3, count: null, ddof: 1, feature: null, tool: null });
  });

  it('with objects inside are refused by name, and not unpickled', async () => {
    await expect(readStatistics(await saved(Buffer.from(npz.objects, 'base64')))).rejects.toMatchObject({
      code: 'NPY_INVALID',
      message: expect.stringContaining('mu must be a numpy array of numbers, it holds Python objects'),
    });
  });
});

describe('statistics of ours', () => {
  const own = async () => ({
    ...(await momentsOf(normal(1, 50, 4))),
    feature: 'emoji-64',
    resize: 'pil-bicubic',
    preprocessing: 'emoji-64; größe 64',
  });

  it('come back to the last bit, with all they say', async () => {
    const statistics = await own();
    const path = join(folder, 'own.npz');
    await writeStatistics(path, statistics);
    expect(await readStatistics(path)).toEqual({ ...statistics, tool: toolVersion });
    const before = await readFile(path);
    await writeStatistics(path, statistics);
    expect(await readFile(path)).toEqual(before);
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('hold arrays as numpy lays them out: header of whole lines of 64 bytes, little-endian', () => {
    const bytes = encodeNpy({ shape: [2, 1], data: Float64Array.of(1, -2) });
    expect(strFromU8(bytes.subarray(10, 128))).toBe(
      `${"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }".padEnd(117)}\n`,
    );
    expect([...bytes.subarray(0, 10)]).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
    expect(bytes.length).toBe(128 + 16);
    expect(decodeNpy(encodeNpy({ text: 'añ😀' }), 'text')).toEqual({ text: 'añ😀' });
    expect(decodeNpy(encodeNpy({ integer: -7 }), 'n')).toEqual({ shape: [], data: Float64Array.of(-7) });
  });

  it('are not compared with those of another preprocessing or size', async () => {
    const a = { ...(await own()), tool: toolVersion };
    expect(needComparableStatistics(a, { ...a })).toEqual([]);
    for (const other of [
      { resize: 'tf1' },
      { feature: 'vgg16' },
      { preprocessing: 'other' },
      { dimension: 5 },
    ]) {
      expect(() => needComparableStatistics(a, { ...a, ...other })).toThrow(
        expect.objectContaining({ code: 'PREPROCESSING_MIXED' }),
      );
    }
    expect(needComparableStatistics(a, { ...a, preprocessing: null })).toHaveLength(1);
  });
});

describe('a file that is no statistics', () => {
  const arrays = (mu: number[], sigma: number[], more: Record<string, Uint8Array> = {}) =>
    zipSync({
      'mu.npy': encodeNpy({ shape: [mu.length], data: Float64Array.from(mu) }),
      'sigma.npy': encodeNpy({
        shape: [mu.length, sigma.length / mu.length],
        data: Float64Array.from(sigma),
      }),
      ...more,
    });

  it.each([
    ['empty', new Uint8Array(0), 'no zip file'],
    ['text', Buffer.from('these are no statistics'), 'no zip file'],
    ['a zip of something else', zipSync({ 'a.txt': Buffer.from('hello') }), 'members mu and sigma'],
    ['of two sizes', arrays([1, 2], [1, 0, 0, 1, 0, 0]), 'sigma must be 2 × 2'],
    ['not symmetric', arrays([1, 2], [1, 0.5, 0, 1]), 'not symmetric at (1, 0)'],
    ['with a negative variance', arrays([1, 2], [1, 0, 0, -1]), 'negative variance'],
    ['not finite', arrays([1, Number.NaN], [1, 0, 0, 1]), 'not finite'],
    [
      'with a count that is none',
      arrays([1], [1], { 'n.npy': encodeNpy({ integer: -3 }) }),
      'n must be positive',
    ],
    [
      'with a divisor that is none',
      arrays([1], [1], { 'ddof.npy': encodeNpy({ integer: 3 }) }),
      'ddof must be 0 or 1',
    ],
  ])('is refused: %s', async (_name, bytes, message) => {
    await expect(readStatistics(await saved(bytes))).rejects.toMatchObject({
      code: 'STATISTICS_INVALID',
      message: expect.stringContaining(message),
    });
  });

  it('is named when it is missing', async () => {
    await expect(readStatistics(join(folder, 'none.npz'))).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });

  it('is a named error or the same numbers for 300 random changes, never a crash or other numbers', async () => {
    const original = Buffer.from(npz.files.savez_compressed, 'base64');
    const truth = await readStatistics(await saved(original));
    const random = randomState(5);
    for (let i = 0; i < 300; i++) {
      const bytes = Buffer.from(original);
      const changed = i % 3 === 0 ? bytes.subarray(0, random.randint(bytes.length)) : bytes;
      if (i % 3 > 0) changed[random.randint(bytes.length)] = random.randint(256);
      const found = await readStatistics(await saved(changed, 'changed.npz')).catch((error) => error);
      if (found instanceof GanletError) continue;
      expect(found).toEqual(truth);
    }
  });
});

describe('what numpy makes of our files', () => {
  it('is a zip of stored .npy members by the names the tools look for', async () => {
    const path = join(folder, 'names.npz');
    await writeStatistics(path, {
      ...(await momentsOf(normal(1, 9, 2))),
      feature: 'x',
      resize: null,
      preprocessing: null,
    });
    expect(Object.keys(unzipSync(await readFile(path))).sort()).toEqual(
      ['ddof', 'feature', 'mu', 'n', 'sigma', 'tool'].map((name) => `${name}.npy`),
    );
  });
});
