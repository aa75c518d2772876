import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, onTestFinished, test } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { folderWith } from './ganlet.ts';
import { ganletHere } from './here.ts';

const recipe = `name: tiny
threads: 1
data: {source: aligned, path: pictures, size: 16}
teacher:
  generator: {type: resnet, baseWidth: 4, blocks: 1}
  train: {steps: 2, batch: 2, samples: 0}
discriminator: {type: patch, baseWidth: 4, layers: 1}
`;

async function pictures(folder: string): Promise<void> {
  for (const split of ['train', 'test']) {
    mkdirSync(join(folder, 'pictures', split), { recursive: true });
    for (let i = 0; i < 16; i++) {
      const background = { r: 15 * i, g: 255 - 15 * i, b: 90 };
      const file = join(folder, 'pictures', split, `${i}.png`);
      await sharp({ create: { width: 32, height: 16, channels: 3, background } })
        .png()
        .toFile(file);
    }
  }
}

test('bad pictures are named and counted, and left out only where the recipe says so', async () => {
  const folder = folderWith({ 'tiny.yaml': recipe });
  await pictures(folder);
  writeFileSync(join(folder, 'pictures/train/empty.png'), '');
  writeFileSync(join(folder, 'pictures/train/text.png'), 'no picture');
  const refused = await ganletHere(['teach', 'tiny.yaml', '--quiet'], folder);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/^error: .*\b2\b/);
  expect(refused.stderr).toMatch(/train\/empty\.png is empty\n.*train\/text\.png /);
  expect(existsSync(join(folder, 'runs/tiny/teacher.onnx'))).toBe(false);
  const skipped = await ganletHere(['teach', 'tiny.yaml', '--set', 'data.onBadImage=skip'], folder);
  expect([skipped.status, skipped.stderr]).toEqual([0, expect.any(String)]);
  expect(skipped.stderr).toMatch(/^warning: 2 pictures are left out:\n {2}train\/empty\.png is empty\n/);
});

test('a run that cannot be written says where, and trains nothing', async () => {
  const folder = folderWith({ 'tiny.yaml': recipe, taken: 'a file' });
  await pictures(folder);
  const { status, stderr } = await ganletHere(['run', 'tiny.yaml', '--out', 'taken/run'], folder);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: .*taken.*\n {2}help: /);
});

test('a full disk ends a run with one error, and what was finished before stays', async (context) => {
  const folder = folderWith({ 'tiny.yaml': recipe });
  await pictures(folder);
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    context.skip('mounting a small disk is not permitted here');
  }
  onTestFinished(() => {
    execFileSync('umount', [disk]);
  });
  const { status, stderr } = await ganletHere(['teach', 'tiny.yaml', '--quiet', '--out', 'disk/run'], folder);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: .*disk\/run.*\n {2}help: /);
  expect(stderr).toMatch(/full|space/);
  expect(existsSync(join(disk, 'run/recipe.yaml'))).toBe(true);
  expect(existsSync(join(disk, 'run/teacher.onnx'))).toBe(false);
});

test('an operator that is not known is named with its node', async () => {
  const graph = new Graph('foreign');
  const x = graph.input('x', 'float32', ['batch', 3, 16, 16]);
  const type = { dtype: 'float32', shape: x.shape } as const;
  graph.output(graph.add('GridSample', [x, x], {}, [type], 'warp/grid').outputs[0]!, 'y');
  const folder = folderWith();
  writeFileSync(join(folder, 'foreign.onnx'), encodeOnnx(graph));
  const { status, stderr } = await ganletHere(['profile', 'foreign.onnx'], folder);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: .*GridSample.*warp\/grid/);
});
