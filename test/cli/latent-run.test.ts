import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { readMetrics } from '../../src/pipeline/measure/metrics-file.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { writeTinyDistance } from '../metrics/tiny-network.ts';
import { flatPicture, writeAt } from '../support/data-folder.ts';
import { pngOf } from '../support/png.ts';
import { readSafetensors } from '../support/safetensors.ts';
import { runHere } from './here.ts';

const size = 32;
const train = (more: string) =>
  `{steps: 2, batch: 2, tick: 2, samples: 0, initGain: 0.2, lambdaRecon: 10${more}}`;

/** A GauGAN with an image encoder, and a student of it. */
const recipe = `name: tiny
seed: 3
threads: 1
backend: onnxruntime
data: {source: labelmap, path: maps, size: ${size}, labels: [sky, sea, sand]}
teacher:
  generator: {type: spade, baseWidth: 1, latent: 3, encoder: true, norm: instance, spectralNorm: false}
  train: ${train(', lambdaKl: 0.1')}
discriminator: {type: pixel, baseWidth: 2}
student: {baseWidth: 1}
distill: ${train(', lambdaGan: 0, distill: none')}
baselines: [naive]
evaluate: {metrics: [l1, diversity], lpips: difference.onnx}
`;

const folder = mkdtempSync(join(tmpdir(), 'ganlet-latent-'));
const out = join(folder, 'runs/tiny');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  for (const [split, count] of Object.entries({ train: 4, test: 2 })) {
    for (let i = 0; i < count; i++) {
      const bands = Array.from({ length: size * size }, (_, p) => (i + Math.floor(p / 96)) % 3);
      writeAt(folder, `maps/${split}/labels/${i}.png`, pngOf(size, size, bands));
      await flatPicture(folder, `maps/${split}/images/${i}.png`, [60 * i, 120, 200], [size, size]);
    }
  }
  writeTinyDistance(folder);
  writeFileSync(join(folder, 'tiny.yaml'), recipe);
});

describe('a recipe for label maps and latent vectors', () => {
  test('takes the vectors from the pictures while the teacher is trained, and measures what they change', async () => {
    expect(await runHere(folder)).toBe('');
    for (const name of ['teacher', 'student', 'naive']) {
      const network = loadOnnx(join(out, `${name}.onnx`));
      expect(network.inputs.map((input) => [input.name, input.shape.slice(1)])).toEqual([
        ['labels', [3, size, size]],
        ['latent', [3]],
      ]);
    }
    const stats = (stage: string) => readJsonLines(join(out, stage, 'stats.jsonl'))[0]!;
    expect(stats('teach').kl).toBeGreaterThan(0);
    expect(stats('naive').kl).toBeGreaterThan(0);
    expect(stats('distill')).not.toHaveProperty('kl');
    const state = [...readSafetensors(join(out, 'teach/checkpoint.safetensors')).keys()];
    expect(state).toEqual(expect.arrayContaining(['e/conv1.weight', 'e/logVariance.bias']));

    // Of the width of its teacher, the student begins as a copy, and is compared with what that makes of the same vector.
    expect(stats('distill').recon).toBeLessThan(0.05);
    expect(stats('naive').recon).toBeGreaterThan(0.1);

    const { models } = readMetrics(out);
    expect(models.map(({ role }) => role)).toEqual(['teacher', 'naive', 'student']);
    for (const { truth, variety } of models) {
      expect(truth.l1!.mean).toBeGreaterThan(0);
      expect(variety!.diversity!.value).toBeGreaterThan(0);
    }
    const card = (name: string) => JSON.parse(readFileSync(join(out, `${name}.card.json`), 'utf8'));
    expect(card('teacher').architecture).toMatchObject({ type: 'spade', latent: 3, encoder: true });
    expect(card('student')).toMatchObject({ inputs: { labels: 'labels', latent: 'latent' } });
    expect(card('student').architecture).not.toHaveProperty('encoder');
  }, 120_000);
});
