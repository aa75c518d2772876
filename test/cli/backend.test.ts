import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ganlet } from './ganlet.ts';
import { tinyFolders, tinyRecipe } from './tiny-run.ts';

const recipe = tinyRecipe.replace('train: {steps: 4,', 'train: {steps: 2,').replace('tick: 4', 'tick: 2');
const folder = tinyFolders({ recipe });
const backendOf = (card: string) => JSON.parse(readFileSync(card, 'utf8')).backend;

test('--backend tfjs trains with TensorFlow.js, says that it is slow, and the card says what computed', async () => {
  const where = await folder();
  const { status, stderr } = ganlet(['teach', 'tiny.yaml', '--backend', 'tfjs', '--quiet'], where);
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr:
      'warning: TensorFlow.js computes in plain JavaScript, which is slow (@tensorflow/tfjs-node-gpu is not installed, ' +
      '@tensorflow/tfjs-node is not installed)\n',
  });
  const lines = readFileSync(join(where, 'runs/tiny/teach/stats.jsonl'), 'utf8').trim().split('\n');
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ step: 2, recon: expect.any(Number) });
  expect(backendOf(join(where, 'runs/tiny/teacher.card.json'))).toEqual({
    engine: '@tensorflow/tfjs',
    version: '4.22.0',
    provider: 'cpu',
    threads: 1,
  });
});

test('without --backend a machine with one engine says nothing of engines and leaves no file about them', async () => {
  const where = await folder();
  const cache = join(where, 'cache');
  const environment = { GANLET_CACHE: cache, VK_DRIVER_FILES: '', VK_ICD_FILENAMES: '' };
  const { status, stderr } = ganlet(['teach', 'tiny.yaml'], where, environment);
  expect(status).toBe(0);
  expect(stderr).not.toMatch(/engine/i);
  expect(backendOf(join(where, 'runs/tiny/teacher.card.json'))).toMatchObject({
    engine: 'onnxruntime-node',
    provider: 'cpu',
    threads: 1,
  });
  expect(() => readFileSync(join(cache, 'engines.json'))).toThrow('ENOENT');
});

test.each<[string[], string]>([
  [
    ['--backend', 'tfjs', '--provider', 'cuda'],
    'provider must be left out for the backend tfjs: it is for onnxruntime',
  ],
  [['--backend', 'torch'], '--backend must be auto, onnxruntime or tfjs, got "torch"'],
  [['--provider', 'cuda'], 'provider cuda must load the CUDA provider and its libraries'],
])('%j is one clear error', async (given, message) => {
  const { status, stderr } = ganlet(['teach', 'tiny.yaml', ...given], await folder());
  expect(status).not.toBe(0);
  expect(stderr).toContain(message);
  expect(stderr.match(/^error:/gm)).toHaveLength(1);
});
