import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { type Augment, makeBatch, trainIndices } from '../../src/data/batch.ts';
import { openSource } from '../../src/data/index.ts';
import { sheetLayout } from '../../src/data/sheet.ts';
import type { Source } from '../../src/data/source.ts';
import { drawAugment } from '../../src/train/diffaugment.ts';
import { augmentPixels } from '../../src/train/diffaugment-pixels.ts';
import { rng } from '../../src/util/rng.ts';
import { flatPicture, writeAt } from '../support/data-folder.ts';
import { pngOf } from '../support/png.ts';
import { folderWith } from './ganlet.ts';
import { ganletHere } from './here.ts';

const recipe = (data: string) => `name: look
data: ${data}
teacher:
  generator: {type: resnet, baseWidth: 4}
  train: {steps: 2, batch: 2, lambdaRecon: 0, diffaugment: [color, translation]}
`;

async function withLabels(): Promise<string> {
  const folder = folderWith({
    'r.yaml': recipe('{source: labelmap, path: d, size: 24, labels: [sky, sea]}'),
  });
  for (const [split, count] of [
    ['train', 4],
    ['test', 2],
  ] as const)
    for (let i = 0; i < count; i++) {
      const values = Array.from({ length: 24 * 24 }, (_, p) => Number(p >= 24 * 18));
      writeAt(folder, `d/${split}/labels/${i}.png`, pngOf(24, 24, values));
      await flatPicture(folder, `d/${split}/images/${i}.png`, [50 * i, 0, 255], [24, 24]);
    }
  return folder;
}

const policy = ['color', 'translation'] as const;

/** Three rows as the first step of a training of the whole split has them. */
async function asTrained(source: Source, augment: Augment, seed: number) {
  const indices = trainIndices(seed, 0, 3, source.counts.train);
  const batch = await makeBatch(source, 'train', indices, augment, rng(seed, 'augment', 0));
  const draw = drawAugment(rng(seed, 'augmentD', 0), 3, source.size);
  return { batch, draw, judged: augmentPixels(batch.image, 3, source.size, draw, policy) };
}

/** Pixel `p` of pictures one below the other, of [N, 3, size, size] in [−1, 1]. */
function levelsAt(images: Float32Array, size: number, p: number): number[] {
  const area = size * size;
  const level = (value: number) => Math.min(Math.max(Math.round((value + 1) * 127.5), 0), 255);
  return [0, 1, 2].map((c) => level(images[(Math.floor(p / area) * 3 + c) * area + (p % area)]!));
}

/** The pixels of each column of a sheet of so many rows, before they were enlarged. */
async function columnsOf(file: string, size: number, rows: number): Promise<number[][][]> {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const { gap, header, scale, cell } = sheetLayout(size);
  const columns = (info.width - gap) / (cell + gap);
  return Array.from({ length: columns }, (_, column) =>
    Array.from({ length: rows * size * size }, (_, p) => {
      const [row, y, x] = [Math.floor(p / (size * size)), Math.floor(p / size) % size, p % size];
      const left = gap + column * (cell + gap) + x * scale;
      const at = ((header + row * (cell + gap) + y * scale) * info.width + left) * 3;
      return [...data.subarray(at, at + 3)];
    }),
  );
}

describe('ganlet data', () => {
  test('draws what training will see and says what there is', async () => {
    const folder = await withLabels();
    const { status, stdout, stderr } = await ganletHere(['data', 'r.yaml', '--count', '2'], folder);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const line of [
      /^data {6}labelmap, 24 × 24, hash [0-9a-f]{16}$/m,
      /^given {5}a map of 2 labels$/m,
      /^counts {4}train 3, val 1, test 2$/m,
      /^label {5}sky: 75\.0 % of pixels$/m,
      /^ {10}blue 255 to 255, mean 255\.0, sd 0\.0 \(3 training pictures\)$/m,
      /^sheet {5}look-data\.png: 2 of train$/m,
    ])
      expect(stdout).toMatch(line);
    const { width, height } = await sharp(join(folder, 'look-data.png')).metadata();
    // Six columns of 96 pixels: as it is, as trained on, and as judged; two rows, and a legend below.
    expect(width).toBe(4 + 6 * 100);
    expect(height).toBeGreaterThan(24 + 2 * 100);
  });

  test('draws labels with their edges as a batch has them, and as they are judged', async () => {
    const folder = await withLabels();
    for (const split of ['train', 'test'])
      for (let i = 0; i < 4; i++)
        writeAt(
          folder,
          `d/${split}/instances/${i}.png`,
          pngOf(
            24,
            24,
            Array.from({ length: 24 * 24 }, (_, p) => Number(p % 24 > 5 + i)),
          ),
        );
    const data = { source: 'labelmap', path: join(folder, 'd'), size: 24, labels: 2, edges: true } as const;
    const args = ['data', 'r.yaml', '--count', '3', '--seed', '4', '--set', 'data.labels=2'];
    const set = ['--set', 'data.edges=true', '--set', 'data.jitter=0.25'];
    expect(await ganletHere([...args, ...set], folder)).toMatchObject({ status: 0, stderr: '' });

    const source = await openSource(data);
    const { batch, draw, judged } = await asTrained(source, { flip: true, jitter: 0.25 }, 4);
    if (source.condition.kind !== 'labels') throw new Error('expected labels');
    const colours = source.condition.labels.map(({ colour }) => [...colour]);
    const inColours = (maps: Float32Array) =>
      Array.from({ length: 3 * 24 * 24 }, (_, p) => {
        const at = (channel: number) => maps[(Math.floor(p / 576) * 3 + channel) * 576 + (p % 576)]!;
        if (at(2) === 1) return [24, 24, 24];
        return at(0) === 1 ? colours[0]! : at(1) === 1 ? colours[1]! : [128, 128, 128];
      });
    const levels = (images: Float32Array) =>
      Array.from({ length: 3 * 576 }, (_, p) => levelsAt(images, 24, p));
    const sheet = await columnsOf(join(folder, 'look-data.png'), 24, 3);
    const moved = augmentPixels(batch.condition, 3, 24, draw, policy, { colour: false });
    expect(moved).not.toEqual(batch.condition);
    expect(sheet.slice(2)).toEqual([
      inColours(batch.condition),
      levels(batch.image),
      inColours(moved),
      levels(judged),
    ]);
  });

  test('draws unpaired pictures as a batch has them, conditions as they are not judged', async () => {
    const folder = folderWith({ 'r.yaml': recipe('{source: unpaired, path: d, size: 24, jitter: 0.5}') });
    for (const domain of ['trainA', 'trainB', 'testA', 'testB'])
      for (let i = 0; i < 4; i++) {
        const raw = Uint8Array.from({ length: 24 * 24 * 3 }, (_, p) => (p * (7 + i) + domain.length) % 256);
        const png = sharp(raw, { raw: { width: 24, height: 24, channels: 3 } }).png();
        writeAt(folder, `d/${domain}/${i}.png`, await png.toBuffer());
      }
    expect(await ganletHere(['data', 'r.yaml', '--count', '3'], folder)).toMatchObject({
      status: 0,
      stderr: '',
    });
    const source = await openSource({ source: 'unpaired', path: join(folder, 'd'), size: 24 });
    const { batch, judged } = await asTrained(source, { flip: true, jitter: 0.5 }, 0);
    const sheet = await columnsOf(join(folder, 'look-data.png'), 24, 3);
    expect(sheet.slice(1)).toEqual(
      [batch.condition, batch.image, judged].map((images) =>
        Array.from({ length: 3 * 576 }, (_, p) => levelsAt(images, 24, p)),
      ),
    );
  });

  test('prints JSON, of another split without augmentation', async () => {
    const folder = await withLabels();
    const args = ['data', 'r.yaml', '--split', 'test', '--out', 't.png', '--json'];
    const { status, stdout } = await ganletHere(args, folder);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      source: 'labelmap',
      counts: { train: 3, val: 1, test: 2 },
      labels: [
        { name: 'sky', share: expect.closeTo(0.75, 6) },
        { name: 'sea', share: expect.closeTo(0.25, 6) },
      ],
      sampled: 3,
      skipped: [],
      sheet: { file: 't.png', split: 'test', rows: 2 },
    });
    expect((await sharp(join(folder, 't.png')).metadata()).width).toBe(4 + 2 * 100);
  });

  test('counts classes, and lists what is left out', async () => {
    const folder = folderWith({ 'r.yaml': recipe('{source: folder, path: d, size: 24, onBadImage: skip}') });
    for (const split of ['train', 'test'])
      for (const name of ['cat', 'dog'])
        for (let i = 0; i < 3; i++) await flatPicture(folder, `d/${split}/${name}/${i}.png`, [9, 9, 9]);
    writeAt(folder, 'd/train/dog/broken.png', 'no picture');
    const { status, stdout } = await ganletHere(['data', 'r.yaml'], folder);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^class {5}cat: train 2, val 1, test 3$/m);
    expect(stdout).toMatch(/^left out {2}train\/dog\/broken\.png is not a PNG, JPEG or WebP picture$/m);
  });

  test.each([
    ['a folder that is not there', 'r.yaml', [], 1, 'data.path must be a folder'],
    [
      'another kind of file',
      'r.yaml',
      ['--out', 'x.jpg'],
      2,
      '--out must be the name of a .png file, got "x.jpg"',
    ],
    ['no rows', 'r.yaml', ['--count', '0'], 2, '--count must be a whole number from 1 to 64, got "0"'],
  ])('refuses %s', async (_what, file, options, status, said) => {
    const folder = folderWith({ 'r.yaml': recipe('{source: folder, path: none, size: 24}') });
    const outcome = await ganletHere(['data', file, ...options], folder);
    expect({ status: outcome.status, stdout: outcome.stdout }).toEqual({ status, stdout: '' });
    expect(outcome.stderr).toContain(said);
    expect(existsSync(join(folder, 'look-data.png'))).toBe(false);
  });
});
