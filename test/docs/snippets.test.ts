import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { built, folderWith, ganlet } from '../cli/ganlet.ts';
import { readPage } from './markdown.ts';

const { resolve } = createRequire(import.meta.url);

/** Runs the lines of JavaScript of a page, the first ones or those of a number, in a folder as a program of its own; gives what it prints. */
function run(page: string, folder: string, number = 0): string {
  const { text } = readPage(page).blocks.filter(({ language }) => language === 'js')[number]!;
  const code = text.replaceAll(/ from '([\w-]+)';$/gm, (_all, name: string) => {
    return ` from '${name === 'ganlet' ? built('index.js') : pathToFileURL(resolve(name))}';`;
  });
  writeFileSync(join(folder, 'snippet.mjs'), code);
  const options = { cwd: folder, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['snippet.mjs'], options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

function folderWithModel(name: string, network = 'resnet --base-width 4 --blocks 1 --size 64'): string {
  const folder = folderWith();
  expect(ganlet(['model', ...network.split(' '), '--out', name], folder).status).toBe(0);
  return folder;
}

test('the lines of the README write a network of half the channels', () => {
  const folder = folderWithModel('generator.onnx');
  run('README.md', folder);
  const shapes = loadOnnx(join(folder, 'half.onnx')).constants;
  expect(shapes.get('stem.weight')!.shape).toEqual([2, 3, 7, 7]);
  expect(shapes.get('block1.conv1.weight')!.shape).toEqual([8, 8, 3, 3]);
});

test('the lines of docs/models.md name the values that can be tapped', () => {
  const listed = run('docs/models.md', folderWithModel('generator.onnx'));
  expect(listed).toMatch(/^Relu down2 \[ 'batch', 16, 16, 16 \]$/m);
});

test('the lines for Node in docs/export.md make a picture with an exported network', async () => {
  const folder = folderWithModel('student.onnx');
  await sharp({ create: { width: 80, height: 60, channels: 4, background: '#00000000' } })
    .png()
    .toFile(join(folder, 'outline.png'));
  run('docs/export.md', folder);
  const made = await sharp(join(folder, 'made.png')).metadata();
  expect(made).toMatchObject({ width: 64, height: 64, channels: 3 });
});

test('the lines for label maps, and for classes and latent vectors, in docs/export.md make a picture too', async () => {
  const maps = folderWithModel('student.onnx', 'spade --labels 3 --base-width 1 --size 64');
  const raw = { width: 6, height: 4, channels: 1 } as const;
  await sharp(
    Uint8Array.from({ length: 24 }, (_, i) => i % 3),
    { raw },
  )
    .png()
    .toFile(join(maps, 'map.png'));
  expect(run('docs/export.md', maps, 1)).toBe('[ 1, 3, 64, 64 ]\n');

  const classes = folderWithModel('student.onnx', 'sngan --classes 10 --base-width 2 --size 16');
  expect(run('docs/export.md', classes, 2)).toBe('[ 1, 3, 16, 16 ]\n');
});
