import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { folderWith, ganlet } from './ganlet.ts';

test('model writes a network of the asked-for shape, which ONNX Runtime opens', async () => {
  const folder = folderWith();
  const args = [
    '--base-width',
    '4',
    '--blocks',
    '1',
    '--separable',
    '--size',
    '16',
    '--condition-channels',
    '1',
  ];
  const { status, stderr } = ganlet(['model', 'resnet', ...args, '--out', 'small.onnx'], folder);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const session = await InferenceSession.create(join(folder, 'small.onnx'));
  expect(session.inputMetadata).toMatchObject([{ shape: ['batch', 1, 16, 16] }]);
  expect(session.outputMetadata).toMatchObject([{ shape: ['batch', 3, 16, 16] }]);
});

test('model --quiet says nothing, and --out has a default', () => {
  const folder = folderWith();
  const quiet = ganlet(['model', 'pixel', '--base-width', '2', '--quiet'], folder);
  expect(quiet).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(existsSync(join(folder, 'pixel.onnx'))).toBe(true);
});

test('model draws other weights for another seed, and the same for the same', () => {
  const folder = folderWith();
  const bytes = (seed: string, out: string) => {
    ganlet(['model', 'patch', '--base-width', '2', '--layers', '1', '--seed', seed, '--out', out], folder);
    return readFileSync(join(folder, out));
  };
  const first = bytes('1', 'a.onnx');
  expect(bytes('1', 'b.onnx').equals(first)).toBe(true);
  expect(bytes('2', 'c.onnx').equals(first)).toBe(false);
});

test('what a network cannot be is told by status 1', () => {
  const folder = folderWith();
  const { status, stderr } = ganlet(['model', 'unet', '--levels', '3', '--size', '20'], folder);
  expect({ status, first: stderr.split('\n')[0] }).toEqual({
    status: 1,
    first: 'error: image size must be a multiple of 8 for a U-Net of 3 levels, got 20',
  });
  expect(existsSync(join(folder, 'unet.onnx'))).toBe(false);
});
