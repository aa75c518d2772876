import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
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
    // Five columns of 96 pixels: as it is, as trained on, and as judged; two rows, and a legend below.
    expect(width).toBe(4 + 5 * 100);
    expect(height).toBeGreaterThan(24 + 2 * 100);
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
