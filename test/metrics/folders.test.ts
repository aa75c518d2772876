import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { openPictureFolder } from '../../src/data/folder/pictures.ts';
import { type CompareOptions, compareFolders } from '../../src/metrics/folders/compare.ts';
import { readStatistics, writeStatistics } from '../../src/metrics/statistics-file.ts';
import { decodeNpy, encodeNpy } from '../../src/util/npy.ts';
import { pictureFolders, writePicture } from './picture-folders.ts';
import { writeTinyNetwork } from './tiny-network.ts';

const folders = pictureFolders();

type Wanted = Partial<Omit<CompareOptions, 'progress'>>;

/** Compares `real` and `made` of a folder with its tiny networks; paths in `wanted` start there. */
function compare(folder: string, wanted: Wanted = {}) {
  const at = (path: string | null | undefined) => (path ? join(folder, path) : path);
  const { real = 'real', made = 'made', metrics = ['fid'], stats, features = 'tiny.onnx', ...rest } = wanted;
  return compareFolders({
    metrics,
    real: at(real) as string | null,
    made: at(made)!,
    features: /onnx$/.test(features) ? at(features)! : features,
    lpips: at('difference.onnx')!,
    ...(stats !== undefined && { stats: at(stats)! }),
    threads: 1,
    fetch: { cache: join(folder, 'cache'), offline: true },
    progress: () => ({ update() {}, line() {}, end() {} }),
    ...rest,
  });
}

const valuesOf = ({ scores }: Awaited<ReturnType<typeof compare>>) => scores.map(({ value }) => value!);

describe('a comparison', () => {
  test('says of every number its network, pictures, floor and what real against real gives', async () => {
    const { scores } = await compare(folders(), {
      metrics: ['fid', 'fid-inf', 'kid', 'is', 'pr', 'dc', 'lpips', 'l1'],
    });
    expect(scores.map(({ metric, label }) => `${metric} ${label}`)).toEqual([
      'fid FD-tiny-6',
      'fid-inf FD-tiny-6∞',
      'kid KD-tiny-6',
      'is IS-tiny-6',
      'pr precision tiny-6',
      'pr recall tiny-6',
      'dc density tiny-6',
      'dc coverage tiny-6',
      'lpips PD-difference',
      'l1 L1',
    ]);
    for (const { metric, countReal, countMade, dimension, feature, realVsReal, floor } of scores) {
      expect(countMade).toBe(40);
      expect(countReal).toBe(metric === 'is' ? null : 40);
      const ofSets = !['lpips', 'l1'].includes(metric);
      expect([dimension, feature]).toEqual(ofSets ? [6, 'tiny-6'] : [null, null]);
      expect(realVsReal?.count).toBe(['fid', 'kid', 'pr', 'dc'].includes(metric) ? 20 : undefined);
      expect(floor !== null).toBe(metric === 'fid');
    }
    // The word is for one network only.
    expect(JSON.stringify(scores.map(({ label }) => label))).not.toMatch(/FID|KID/);
  });

  test('is the same to 1e-6 whatever batch and threads, the last part of a batch included', async () => {
    const folder = folders();
    const metrics = ['fid', 'kid', 'is', 'pr', 'dc', 'lpips'] as const;
    const first = valuesOf(await compare(folder, { metrics }));
    for (const [i, options] of [{ batch: 1 }, { batch: 7, threads: 2 }, { batch: 64 }].entries()) {
      const fetch = { cache: join(folder, `cache-${i}`), offline: true };
      const again = await compare(folder, { metrics, fetch, ...options });
      expect(valuesOf(again)).toBeAllclose(first, { rtol: 1e-6, atol: 1e-9 });
    }
  });

  test('draws other subsets with another seed', async () => {
    const folder = folders();
    for (let i = 0; i < 10; i++) rmSync(join(folder, `made/00${i}.png`));
    const of = async (seed: number) => valuesOf(await compare(folder, { metrics: ['kid'], seed }));
    expect(await of(1)).toEqual(await of(1));
    expect(await of(1)).not.toEqual(await of(2));
  });

  test('resizes as it is told, and says so', async () => {
    const folder = folders();
    const found = [];
    for (const resize of ['pil-bicubic', undefined, 'tf1', 'torch', 'torch-aa'] as const) {
      const { features, scores } = await compare(folder, { resize });
      found.push([features!.resize, scores[0]!.value!] as const);
    }
    expect(found.map(([resize]) => resize)).toEqual([
      'pil-bicubic',
      'pil-bicubic',
      'tf1',
      'torch',
      'torch-aa',
    ]);
    expect(new Set(found.map(([, value]) => value)).size).toBe(4);
  });

  test('takes real features from the cache for the same pictures, wherever they are', async () => {
    const folder = folders();
    const first = await compare(folder);
    const rows = () => readdirSync(join(folder, 'cache/features')).filter((name) => name.endsWith('.f32'));
    expect(rows().length).toBe(1);
    // That it is read shows when the features in it are others and its hash is right all the same.
    const [path, index] = [
      join(folder, 'cache/features', rows()[0]!),
      join(folder, 'cache/features', rows()[0]!.replace('f32', 'json')),
    ];
    const bytes = readFileSync(path);
    const { sha256 } = await import('../../src/util/hash.ts');
    const other = Buffer.from(Float32Array.from({ length: bytes.length / 4 }, (_, i) => i % 7).buffer);
    writeFileSync(path, other);
    const described = JSON.parse(readFileSync(index, 'utf8'));
    writeFileSync(index, JSON.stringify({ ...described, sha256: sha256(other) }));
    renameSync(join(folder, 'real'), join(folder, 'elsewhere'));
    expect(valuesOf(await compare(folder, { real: 'elsewhere' }))).not.toEqual(valuesOf(first));
    // With a hash that is not its own it is not believed, but measured again.
    writeFileSync(index, JSON.stringify(described));
    expect(valuesOf(await compare(folder, { real: 'elsewhere' }))).toEqual(valuesOf(first));
    expect(readFileSync(path).equals(bytes)).toBe(true);
    // Other pictures, another resizing, another network: other features.
    await writePicture(join(folder, 'elsewhere/000.png'), 999);
    await compare(folder, { real: 'elsewhere' });
    await compare(folder, { real: 'elsewhere', resize: 'tf1' });
    writeTinyNetwork(folder, { dimension: 6, size: 20, name: 'other' });
    await compare(folder, { real: 'elsewhere', features: 'other.onnx' });
    expect(rows().length).toBe(4);
  });

  test('goes on where the cache cannot be written to', async () => {
    const folder = folders();
    writeFileSync(join(folder, 'file'), '');
    const { warnings, scores } = await compare(folder, {
      fetch: { cache: join(folder, 'file'), offline: true },
    });
    expect(scores.length).toBe(1);
    expect(warnings).toContainEqual(
      expect.stringMatching(/the features of .*real are not kept for the next time/),
    );
  });

  test('needs no real pictures for what is said of one folder', async () => {
    const folder = folders();
    for (const [condition, seeds] of Object.entries({ cat: [1, 2, 3], dog: [4, 4] })) {
      mkdirSync(join(folder, 'many', condition), { recursive: true });
      for (const [i, seed] of seeds.entries()) {
        await writePicture(join(folder, 'many', condition, `${i}.png`), seed);
      }
    }
    const { scores } = await compare(folder, {
      real: null,
      made: 'many',
      metrics: ['diversity', 'is'],
      splits: 2,
    });
    expect(scores).toMatchObject([
      { label: 'diversity PD-difference', countMade: 5, details: { conditions: 2, pairs: 4 } },
      { label: 'IS-tiny-6', details: { splits: 2 } },
    ]);
    // Two conditions count alike, though one has no variety at all.
    const cat = await compare(folder, { real: null, made: 'many/cat', metrics: ['diversity'] });
    expect(scores[0]!.value).toBeCloseTo(cat.scores[0]!.value! / 2, 6);
  });
});

describe('a statistics file', () => {
  test('is written in the layout of pytorch-fid, and stands for the pictures afterwards', async () => {
    const folder = folders();
    const written = await compare(folder, { stats: 'real.npz' });
    expect(written.statistics).toEqual({ path: join(folder, 'real.npz'), written: true });
    const members = unzipSync(readFileSync(join(folder, 'real.npz')));
    expect(Object.keys(members).sort()).toEqual(
      ['ddof', 'feature', 'mu', 'n', 'preprocessing', 'resize', 'sigma', 'tool'].map((name) => `${name}.npy`),
    );
    expect(decodeNpy(members['sigma.npy']!, 'sigma')).toMatchObject({ shape: [6, 6] });
    const read = await compare(folder, { real: null, stats: 'real.npz' });
    expect(read.statistics!.written).toBe(false);
    expect(read.real).toEqual({ path: join(folder, 'real.npz'), count: 40, hash: null });
    expect(valuesOf(read)).toBeAllclose(valuesOf(written), { rtol: 1e-9, atol: 0 });
    expect(read.scores[0]!.floor).toBeCloseTo(written.scores[0]!.floor!, 9);
    const both = await compare(folder, { stats: 'real.npz', metrics: ['fid', 'kid'] });
    expect(both.scores.map(({ realVsReal }) => realVsReal?.count)).toEqual([undefined, 20]);
  });

  test('of a foreign tool is read, with a warning of what it does not say', async () => {
    const folder = folders();
    await compare(folder, { stats: 'real.npz' });
    const { mean, covariance } = await readStatistics(join(folder, 'real.npz'));
    const foreign = {
      'mu.npy': encodeNpy({ shape: [6], data: mean }),
      'sigma.npy': encodeNpy({ shape: [6, 6], data: covariance }),
    };
    writeFileSync(join(folder, 'foreign.npz'), zipSync(foreign));
    const { scores, warnings } = await compare(folder, { real: null, stats: 'foreign.npz' });
    expect(valuesOf(await compare(folder))).toBeAllclose([scores[0]!.value!], { rtol: 1e-9, atol: 0 });
    expect(scores[0]).toMatchObject({ countReal: null, floor: null });
    expect(warnings[0]).toContain('the statistics do not say their feature, resize, preprocessing');
  });

  test.each<[what: string, wanted: Wanted, says: string]>([
    ['resizing', { resize: 'tf1' }, 'the same resize, got "pil-bicubic" and "tf1"'],
    ['network', { features: 'other.onnx' }, 'the same feature, got "tiny-6" and "other-6"'],
    ['weights', { features: 'retrained.onnx' }, 'the same preprocessing, got "tiny-6; net'],
    ['dimension', { features: 'wide.onnx' }, 'the same dimension, got 6 and 9'],
  ])('of another %s is refused', async (_what, wanted, says) => {
    const folder = folders();
    writeTinyNetwork(folder, { dimension: 6, name: 'other' });
    writeTinyNetwork(folder, { dimension: 9, name: 'wide' });
    writeTinyNetwork(folder, { dimension: 6, size: 18, name: 'retrained', card: { name: 'tiny' } });
    await compare(folder, { stats: 'real.npz' });
    await expect(compare(folder, { real: null, stats: 'real.npz', ...wanted })).rejects.toMatchObject({
      code: 'PREPROCESSING_MIXED',
      message: expect.stringContaining(says),
    });
  });

  test('that differs in its divisor is used with that divisor', async () => {
    const folder = folders();
    await compare(folder, { stats: 'real.npz' });
    const statistics = await readStatistics(join(folder, 'real.npz'));
    const covariance = statistics.covariance.map((x) => (x * 39) / 40);
    await writeStatistics(join(folder, 'ada.npz'), { ...statistics, covariance, ddof: 0 });
    const { scores } = await compare(folder, { real: null, stats: 'ada.npz' });
    expect(scores[0]!.details.ddof).toBe(0);
  });
});

describe('warnings', () => {
  test('tell of lossy formats, sizes, files left out and real pictures without a made one', async () => {
    const folder = folders();
    await writePicture(join(folder, 'real/900.jpg'), 900, { side: 48 });
    writeFileSync(join(folder, 'made/notes.txt'), 'x');
    const { warnings } = await compare(folder, { metrics: ['l1'] });
    expect(warnings.map((text) => text.replaceAll(`${folder}/`, ''))).toEqual([
      '1 of 41 pictures in real are JPEG or WebP: such compression alone changes distances; keep made pictures as PNG',
      'the pictures in real have 2 sizes: 32 × 32 (40), 48 × 48 (1); each is resized by itself',
      '1 files in made are no PNG, JPEG or WebP and left out',
      '1 of 41 real pictures have no made one of their name: paired metrics leave them out',
    ]);
  });

  test('tell of made pictures of another size than the real ones', async () => {
    const folder = folders();
    for (let i = 0; i < 9; i++) {
      mkdirSync(join(folder, 'small'), { recursive: true });
      await writePicture(join(folder, `small/${i}.png`), i, { side: 16 });
    }
    const { warnings } = await compare(folder, { made: 'small' });
    expect(warnings[0]).toBe(
      'real pictures have 32 × 32 pixels, made ones 16 × 16: what is measured is that difference too',
    );
  });

  test('tell of too few pictures for the dimension, and what to use then', async () => {
    const folder = folders();
    writeTinyNetwork(folder, { dimension: 150, name: 'wide' });
    const few = await compare(folder, { features: 'wide.onnx' });
    expect(few.warnings).toEqual([
      'FD-wide-150: 40 pictures are too few for any distance between distributions; compare pictures in pairs instead',
    ]);
    for (let i = 40; i < 110; i++) {
      for (const side of ['real', 'made']) await writePicture(join(folder, `${side}/${i}x.png`), i);
    }
    const more = await compare(folder, { features: 'wide.onnx' });
    expect(more.warnings).toEqual([
      'FD-wide-150: 110 pictures in 150 dimensions: the distance is mostly sample noise; use KID, or features of fewer dimensions',
    ]);
    expect((await compare(folder)).warnings).toEqual([]);
  });

  test('tell of two folders of the same pictures, whose PSNR is infinite', async () => {
    const folder = folders();
    cpSync(join(folder, 'real'), join(folder, 'copy'), { recursive: true });
    const { scores, warnings } = await compare(folder, { made: 'copy', metrics: ['fid', 'psnr'] });
    expect(warnings).toContain('both folders hold the same pictures');
    expect(scores[0]!.value).toBeCloseTo(0, 10);
    // An infinite number is none of JSON's.
    expect(scores[1]).toMatchObject({ value: null, details: { identical: 40 } });
  });

  test('tell of pictures that were scaled wrongly before LPIPS', async () => {
    const folder = folders();
    for (const side of ['pale', 'paler']) {
      mkdirSync(join(folder, side));
      for (const name of readdirSync(join(folder, 'real'))) {
        const scaled = sharp(join(folder, 'real', name)).linear(0.5, side === 'pale' ? 127 : 127.5);
        await scaled.png().toFile(join(folder, side, name));
      }
    }
    const { warnings } = await compare(folder, { real: 'pale', made: 'paler', metrics: ['lpips'] });
    expect(warnings).toContainEqual(
      expect.stringContaining('all pictures given to LPIPS lie in the upper half of their range'),
    );
  });
});

describe('what cannot be compared is one error, and nothing is written', () => {
  test.each<[what: string, wanted: Wanted, error: string]>([
    ['a folder that is not there', { real: 'none' }, 'none must be a folder of pictures, there is none'],
    ['a file for a folder', { real: 'tiny.onnx' }, 'tiny.onnx must be a folder of pictures, it is a file'],
    ['an empty folder', { made: 'empty' }, 'empty must hold pictures, it has no PNG, JPEG or WebP files'],
    [
      'a folder of other files',
      { made: 'texts' },
      'texts must hold pictures, it has no PNG, JPEG or WebP files (but 1 others)',
    ],
    [
      'one folder twice',
      { made: 'real/../real' },
      'real and made pictures must be in two folders, real is both',
    ],
    ['one folder by a link', { made: 'link' }, 'real and made pictures must be in two folders, real is both'],
    [
      'a folder in the other',
      { made: 'real/inner' },
      'real and made pictures must be in folders apart, real/inner lies in real',
    ],
    ['one picture', { made: 'one' }, 'fid needs at least 2 pictures on each side, one has 1'],
    [
      'few pictures',
      { made: 'few', metrics: ['dc'] },
      'dc needs at least 6 pictures on each side, few has 5',
    ],
    [
      'fewer pictures than splits',
      { metrics: ['is'], splits: 41 },
      'is needs at least 41 pictures on each side, made has 40',
    ],
    [
      'few pictures to extrapolate',
      { made: 'few', metrics: ['fid-inf'] },
      'fid-inf needs at least 28 pictures on each side, few has 5',
    ],
    [
      'unreadable pictures',
      { made: 'broken' },
      '2 pictures in broken cannot be used:\n  broken/a.png is not a PNG, JPEG or WebP picture\n  broken/b.png is empty',
    ],
    ['a picture whose pixels are damaged', { made: 'damaged' }, 'damaged/001.png cannot be decoded'],
    [
      'pairs of other names',
      { made: 'strangers', metrics: ['ssim'] },
      'paired metrics need a picture of the same name in real for each in strangers, 1 of 1 have none: x',
    ],
    [
      'pairs of other sizes',
      { made: 'large', metrics: ['l1'] },
      'large/000.png must have the size of real/000.png, 32 × 32, it has 40 × 40',
    ],
    [
      'two files of one name',
      { made: 'double', metrics: ['l1'] },
      'double must have one picture called 000, it has two',
    ],
    [
      'pictures too small',
      { metrics: ['ms-ssim'] },
      'made/000.png: MS-SSIM needs pictures of at least 161 × 161 pixels, got 32 × 32',
    ],
    [
      'diversity of one picture',
      { real: null, made: 'one', metrics: ['diversity'] },
      'diversity needs at least 2 pictures',
    ],
    [
      'no real side',
      { real: null },
      'a distance needs real pictures or their statistics, got only one folder',
    ],
    [
      'statistics that are not there',
      { real: null, stats: 'none.npz' },
      'a distance needs real pictures or their statistics, got there is no file none.npz',
    ],
    [
      'kid of statistics',
      { real: null, stats: 'kept.npz', metrics: ['fid', 'kid'] },
      'kid needs the real pictures themselves, got their statistics only',
    ],
    [
      'pairs with statistics',
      { real: null, stats: 'kept.npz', metrics: ['fid', 'psnr'] },
      'psnr compares picture with picture and needs the real ones, got their statistics only',
    ],
    ['damaged statistics', { real: null, stats: 'bad.npz' }, 'bad.npz must be statistics of features (.npz)'],
    [
      'a network without classes',
      { features: 'plain.onnx', metrics: ['is'] },
      'is needs a network with class scores, plain-6 has none',
    ],
    [
      'a network that must be fetched',
      { features: 'inception' },
      'the network inception is not here: https://github.com/',
    ],
  ])('%s', async (_what, wanted, error) => {
    const folder = folders();
    const made = [
      'empty',
      'texts',
      'one',
      'few',
      'broken',
      'damaged',
      'strangers',
      'large',
      'double',
      'real/inner',
    ];
    for (const name of made) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'texts/a.txt'), 'x');
    symlinkSync('real', join(folder, 'link'));
    writeFileSync(join(folder, 'broken/a.png'), 'no picture');
    writeFileSync(join(folder, 'broken/b.png'), '');
    for (let i = 0; i < 5; i++) cpSync(join(folder, `made/00${i}.png`), join(folder, `few/00${i}.png`));
    for (const to of ['one/000', 'strangers/x', 'double/000', 'damaged/000', 'real/inner/zzz']) {
      cpSync(join(folder, 'made/000.png'), join(folder, `${to}.png`));
    }
    const whole = readFileSync(join(folder, 'made/001.png'));
    writeFileSync(join(folder, 'damaged/001.png'), whole.subarray(0, whole.length / 2));
    await writePicture(join(folder, 'double/000.jpg'), 0);
    await writePicture(join(folder, 'large/000.png'), 0, { side: 40 });
    writeTinyNetwork(folder, { name: 'plain', dimension: 6, card: { logits: undefined } });
    await compare(folder, { made: 'few', stats: 'kept.npz' });
    writeFileSync(join(folder, 'bad.npz'), readFileSync(join(folder, 'kept.npz')).subarray(0, 300));
    const files = () =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => !name.startsWith('cache'));
    const before = files();
    const problem = await compare(folder, wanted).catch((e) => e);
    expect(problem.name).toBe('GanletError');
    expect(problem.message.replaceAll(`${folder}/`, '')).toContain(error);
    expect(problem.hint).toBeTruthy();
    expect(files()).toEqual(before);
  });
});

describe('a folder of pictures', () => {
  test('is read deep and sorted by name; hidden files and names do not count', async () => {
    const folder = folders();
    for (const name of ['deep/b', 'deep/a/x', 'deep/.hidden'])
      mkdirSync(join(folder, name), { recursive: true });
    for (const [name, seed] of Object.entries({
      'b/1.png': 1,
      'a/x/2.PNG': 2,
      '.hidden/3.png': 3,
      '.4.png': 4,
      '5.png': 5,
    })) {
      await writePicture(join(folder, `deep/${name}`), seed);
    }
    const found = await openPictureFolder(join(folder, 'deep'));
    expect(found.files.map(({ name }) => name)).toEqual(['5', 'a/x/2', 'b/1']);
    renameSync(join(folder, 'deep/5.png'), join(folder, 'deep/0.png'));
    expect((await openPictureFolder(join(folder, 'deep'))).hash).toBe(found.hash);
    renameSync(join(folder, 'deep/0.png'), join(folder, 'deep/zz.png'));
    expect((await openPictureFolder(join(folder, 'deep'))).hash).not.toBe(found.hash);
  });
});
