import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { folderWith, ganlet } from './ganlet.ts';
import { ganletHere } from './here.ts';

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

test('model --quiet says nothing, and --out has a default', async () => {
  const folder = folderWith();
  const quiet = await ganletHere(['model', 'pixel', '--base-width', '2', '--quiet'], folder);
  expect(quiet).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(existsSync(join(folder, 'pixel.onnx'))).toBe(true);
});

test('model draws other weights for another seed, and the same for the same', async () => {
  const folder = folderWith();
  const bytes = async (seed: string, out: string) => {
    await ganletHere(
      ['model', 'patch', '--base-width', '2', '--layers', '1', '--seed', seed, '--out', out],
      folder,
    );
    return readFileSync(join(folder, out));
  };
  const first = await bytes('1', 'a.onnx');
  expect((await bytes('1', 'b.onnx')).equals(first)).toBe(true);
  expect((await bytes('2', 'c.onnx')).equals(first)).toBe(false);
});

const shape = ({ shape: [, ...sides] }: { shape: readonly unknown[] }) => sides;

test('model writes networks of label maps, classes and latents by their own options', async () => {
  const folder = folderWith();
  const write = async (...args: string[]) => {
    const { status, stderr } = await ganletHere(
      ['model', ...args, '--base-width', '1', '--out', 'm.onnx'],
      folder,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const session = await InferenceSession.create(join(folder, 'm.onnx'));
    const card = JSON.parse(readFileSync(join(folder, 'm.card.json'), 'utf8'));
    const inputs = session.inputMetadata.map((input) => [input.name, shape(input as never)]);
    return { inputs, outputs: session.outputNames, architecture: card.architecture };
  };
  const size = ['--size', '32'];
  const spade = ['--labels', '5', '--edges', '--upsampling', 'normal', '--latent', '7', '--separable'];
  expect(await write('spade', ...size, ...spade, '--widths', '1_1_1_2_1_1_1_1')).toEqual({
    inputs: [
      ['labels', [6, 32, 32]],
      ['latent', [7]],
    ],
    outputs: ['image'],
    architecture: {
      type: 'spade',
      baseWidth: 1,
      upsampling: 'normal',
      norm: 'batch',
      separable: true,
      spectralNorm: false,
      latent: 7,
      widths: [1, 1, 1, 2, 1, 1, 1, 1],
    },
  });
  expect(await write('sngan', '--size', '8', '--classes', '4', '--norm', 'instance')).toMatchObject({
    inputs: [
      ['class', [4]],
      ['latent', [128]],
    ],
    architecture: { type: 'sngan', latent: 128, norm: 'instance', separable: false },
  });
  const scales = ['--scales', '3', '--layers', '1', '--spectral-norm=false', '--condition-channels', '6'];
  expect(await write('multiscale', ...size, ...scales)).toMatchObject({
    inputs: [['pair', [9, 32, 32]]],
    outputs: expect.arrayContaining(['score/1', 'score/3', 'feature/3/2']),
    architecture: { scales: 3, layers: 1, norm: 'instance', spectralNorm: false },
  });
  expect(await write('projection', '--size', '16', '--classes', '4')).toMatchObject({
    inputs: [
      ['image', [3, 16, 16]],
      ['class', [4]],
    ],
    architecture: { type: 'projection', spectralNorm: true },
  });
});

test.each([
  [
    ['unet', '--levels', '3', '--size', '20'],
    '--size: image size must be a multiple of 8 for a U-Net of 3 levels, got 20',
  ],
  [
    ['spade', '--labels', '3', '--upsampling', 'more', '--size', '96'],
    '--size: image sides must be multiples of 64 for a SPADE generator with upsampling "more", got 96',
  ],
  [['sngan'], '--size: a network of type sngan must be made for one image size, got none'],
  [
    ['sngan', '--size', '8', '--widths', '4_4'],
    '--widths: widths must be 3 whole numbers above 0, one for the stem and two for each of the 1 blocks, got [4, 4]',
  ],
])('what a network cannot be is told by status 1, the flag named: %j', async (args, message) => {
  const folder = folderWith();
  const { status, stderr } = await ganletHere(['model', ...args, '--out', 'm.onnx'], folder);
  expect({ status, first: stderr.split('\n')[0] }).toEqual({ status: 1, first: `error: ${message}` });
  expect(existsSync(join(folder, 'm.onnx'))).toBe(false);
});

test.each([
  [['sngan', '--size', '8', '--latent', '0'], '--latent must be a whole number from 1 to 4096, got 0'],
  [['multiscale', '--scales', '9'], '--scales must be a whole number from 1 to 5, got 9'],
  [['resnet', '--latent', '8'], '--latent is for spade, sngan, not for resnet'],
  [
    ['sngan', '--size', '8', '--condition-channels', '3'],
    '--condition-channels is for resnet, unet, patch, pixel, multiscale, projection, not for sngan',
  ],
  [['resnet', '--condition-channels', '0'], '--condition-channels must be at least 1 for resnet, got 0'],
  [['spade', '--size', '64'], '--labels must be given for spade: how many labels its maps have'],
  [
    ['spade', '--labels', '3', '--upsampling', 'much'],
    '--upsampling must be fewer, normal, more or most, got "much"',
  ],
])('an option that no such network has is told by status 2: %j', async (args, message) => {
  const { status, stderr } = await ganletHere(['model', ...args]);
  expect({ status, first: stderr.split('\n')[0] }).toEqual({ status: 2, first: `error: ${message}` });
});
