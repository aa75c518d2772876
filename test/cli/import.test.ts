import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importKinds } from '../../src/models/import/kinds.ts';
import { sha256 } from '../../src/util/hash.ts';
import { folderWith } from './ganlet.ts';
import { ganletHere } from './here.ts';

const checkpoints = join(import.meta.dirname, '../fixtures/checkpoints');
const at = (file: string) => join(checkpoints, file);

test('a generator becomes teacher.onnx with its card, and its taps are told', async () => {
  const folder = folderWith();
  const args = [
    'import',
    'sub_mobile_resnet_9blocks',
    at('sub_mobile_resnet_9blocks.pth'),
    '--out',
    'teachers/sub',
  ];
  const { status, stdout, stderr } = await ganletHere(args, folder);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(
    /^teachers\/sub\/teacher\.onnx {2}[\d.]+ KiB, [\d.]+k parameters\nMACs at 256×256: .*\ntaps: down2, block3, block6, block9\n$/,
  );
  const out = join(folder, 'teachers/sub');
  expect(readdirSync(out).sort()).toEqual(['teacher.card.json', 'teacher.onnx']);
  const card = JSON.parse(readFileSync(join(out, 'teacher.card.json'), 'utf8'));
  expect(card).toMatchObject({
    role: 'teacher',
    architecture: { type: 'resnet', separable: true, widths: [4, 3, 5, 2, 4, 3, 3, 6] },
    range: [-1, 1],
    taps: ['down2', 'block3', 'block6', 'block9'],
    imported: { kind: 'sub_mobile_resnet_9blocks', file: 'sub_mobile_resnet_9blocks.pth' },
  });
  expect(card.sha256).toBe(sha256(readFileSync(join(out, 'teacher.onnx'))));
  expect(card.imported.sha256).toBe(sha256(readFileSync(at('sub_mobile_resnet_9blocks.pth'))));
});

test('a discriminator becomes discriminator.onnx, in a folder named like its file', async () => {
  const folder = folderWith();
  expect(
    await ganletHere(['import', 'basic', at('basic-batch-legacy.pth'), '--quiet'], folder),
  ).toMatchObject({
    status: 0,
    stdout: '',
  });
  expect(readdirSync(join(folder, 'basic-batch-legacy')).sort()).toEqual([
    'discriminator.card.json',
    'discriminator.onnx',
  ]);
});

test('an imported network can be profiled', async () => {
  const folder = folderWith();
  await ganletHere(
    ['import', 'mobile_resnet_9blocks', at('mobile_resnet_9blocks.pth'), '--key', 'netG', '--out', 'm'],
    folder,
  );
  const { status, stdout } = await ganletHere(
    ['profile', 'm/teacher.onnx', '--size', '32', '--runs', '0'],
    folder,
  );
  expect(status).toBe(0);
  expect(stdout).toContain('block3.conv2.pointwise');
});

describe('what cannot be imported leaves nothing behind', () => {
  test.each<[args: string[], status: number, message: string, hint: string]>([
    [
      ['unet_256', at('n_layers.pth')],
      1,
      'must hold a U-Net generator of 8 levels; model.model.1.model.1.weight is missing, it has model.0.weight',
      'name the network that was saved, or choose its dictionary with --key',
    ],
    [
      ['resnet_9blocks', at('malicious-eval.pth')],
      1,
      'must hold tensors only, it names __builtin__.eval',
      'nothing was executed; save the tensors alone, torch.save(model.state_dict(), path)',
    ],
    [
      ['resnet_9blocks', at('resnet_9blocks.pth'), '--key', 'netG'],
      1,
      'must have a dictionary of tensors at "netG", it has "model.1.weight"',
      'choose one with --key',
    ],
    [['resnet_9blocks', 'none.pth'], 1, 'cannot read none.pth: there is no such file', 'check the path'],
    [
      ['stylegan', 'g.pth'],
      2,
      '<kind> must be one of resnet_9blocks,',
      'ganlet import --help lists its arguments',
    ],
    [
      ['unet_256', 'g.pth', '--padding', 'reflect'],
      2,
      '--padding is for resnets, not for unet_256',
      'ganlet import --help lists its arguments',
    ],
    [
      ['vgg16', 'g.pth', '--lin', 'lin.pth'],
      2,
      '--lin is for lpips-…, not for vgg16',
      'ganlet import --help lists its arguments',
    ],
  ])('%j', async (args, status, message, hint) => {
    const folder = folderWith();
    const result = await ganletHere(['import', ...args, '--out', 'out'], folder);
    expect(result.status).toBe(status);
    expect(result.stdout).toBe('');
    const [first, second] = result.stderr.split('\n');
    expect(first).toContain(message);
    expect(second).toBe(`  help: ${hint}`);
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });
});

test('the kinds that --help lists are those that exist', async () => {
  const { stdout } = await ganletHere(['import', '--help']);
  const listed = stdout.match(/kind {2}([\s\S]*?)\[value\]/)![1]!;
  expect(listed.split(',').map((kind) => kind.trim())).toEqual(importKinds);
});
