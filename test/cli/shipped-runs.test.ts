import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMetrics } from '../../src/pipeline/measure/metrics-file.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { writeTinyNetwork } from '../metrics/tiny-network.ts';
import { emojiPackages } from '../support/emoji-packages.ts';
import { ganletHere } from './here.ts';

const folder = mkdtempSync(join(tmpdir(), 'ganlet-shipped-'));
beforeAll(() => {
  emojiPackages(folder, 12);
  writeTinyNetwork(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What makes every recipe small, and its stages as short as they can be. */
const small = [
  `data.path=${folder}`,
  'data.size=16',
  'threads=1',
  'backend=onnxruntime',
  'search.workers=1',
  'search.searcher=evolution',
  'search.evolution={population: 4, generations: 1}',
  'search.finalists=1',
  `search.features=${join(folder, 'tiny.onnx')}`,
  `evaluate.features=${join(folder, 'tiny.onnx')}`,
  'discriminator.baseWidth=2',
  'supernet.probe=0',
  ...['teacher.train', 'supernet', 'finetune'].flatMap((section) => [
    `${section}.steps=2`,
    `${section}.batch=2`,
    `${section}.tick=2`,
    `${section}.samples=2`,
  ]),
];

const roles = ['teacher', 'naive', 'uniform', 'student'];

describe.each([
  [
    'emoji-cyclegan',
    ['teacher.generator.baseWidth=4', 'teacher.generator.blocks=1', 'student.baseWidth=4'],
    ['discriminator.layers=1', 'supernet.widths=[4, 2]', 'search.budget=0.5x'],
  ],
  [
    'emoji-gaugan',
    // Below 32 pixels the smallest label maps are all alike, and rounding is all that a norm leaves.
    ['data.size=32', 'teacher.generator.baseWidth=2', 'student.baseWidth=2'],
    ['discriminator.layers=1', 'supernet.widths={up_2: [2, 1], up_3: [2, 1]}', 'search.budget=0.7x'],
  ],
  [
    'emoji-classes',
    ['teacher.generator.baseWidth=4', 'teacher.generator.latent=4', 'student.baseWidth=4'],
    ['supernet.widths=[4, 2]', 'search.budget=0.35x'],
  ],
])('recipes/%s.yaml on a few emoji, two steps each', (name, networks, searched) => {
  test('goes from teacher to table', async () => {
    const file = join(import.meta.dirname, '../../recipes', `${name}.yaml`);
    const set = [...small, ...networks, ...searched].flatMap((each) => ['--set', each]);
    const out = join(folder, name);
    const env = { GANLET_CACHE: join(folder, 'cache') };
    const args = ['run', file, '--quiet', '--out', out, ...set];
    const { status, stdout, stderr } = await ganletHere(args, folder, env);
    expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.not.stringContaining('error') });
    const { models } = readMetrics(out);
    expect(models.map(({ role }) => role)).toEqual(roles);
    for (const role of roles) expect(stdout).toContain(`| ${role}`);
    const { evaluate } = loadRecipe(file).recipe;
    for (const { distributions, truth, segmentation, macs, role } of models) {
      const measured = [
        ...new Set(distributions!.map(({ metric }) => metric)),
        ...Object.keys(truth ?? {}),
        ...Object.keys(segmentation ?? {}).filter((key) => key !== 'labels'),
      ];
      expect(measured.toSorted()).toEqual(evaluate.metrics.toSorted());
      if (role !== 'teacher') expect(macs.true).toBeLessThan(models[0]!.macs.true);
    }
  }, 600_000);
});
