import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { float32 } from '../../src/graph/graph.ts';
import { countMacs, inputSymbols } from '../../src/ops/cost.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { readMetrics } from '../../src/pipeline/measure/metrics-file.ts';
import { rng } from '../../src/util/rng.ts';
import { writeTinyDistance, writeTinyNetwork } from '../metrics/tiny-network.ts';
import { classSource } from '../support/class-source.ts';
import { ganletHere, runHere } from './here.ts';

const size = 16;
const classes = ['disc', 'square', 'stripes'];
const train = (more: string) =>
  `{steps: 3, batch: 4, beta1: 0, beta2: 0.9, tick: 3, samples: 3, initGain: 0.2, diffaugment: [color, translation]${more}}`;

/** Every stage on pictures of three classes. */
const recipe = `name: tiny
seed: 3
threads: 1
data: {source: folder, path: pictures, size: ${size}, flip: false}
teacher:
  generator: {type: sngan, baseWidth: 8, latent: 6}
  train: ${train('')}
discriminator: {type: projection, baseWidth: 4}
student: {baseWidth: 8, separable: true}
distill: ${train(', lambdaRecon: 10')}
supernet: ${train(', lambdaRecon: 10, widths: [8, 4], probe: 0')}
search: {budget: 0.2x, quality: frechet, features: tiny.onnx, workers: 1, finalists: 2, evolution: {population: 4, generations: 1}}
finetune: ${train(', lambdaRecon: 10')}
baselines: [naive, uniform]
evaluate: {metrics: [l1, frechet, kid, pr, is, ppl, diversity], features: tiny.onnx, lpips: difference.onnx, paths: 20}
`;

/** Pictures without classes: the generators start from noise alone. */
const noiseRecipe = `name: noise
seed: 3
threads: 1
data: {source: folder, path: noise, size: ${size}, flip: false}
teacher:
  generator: {type: sngan, baseWidth: 4, latent: 6}
  train: ${train('')}
discriminator: {type: projection, baseWidth: 4}
student: {baseWidth: 2}
distill: ${train(', lambdaRecon: 10')}
evaluate: {metrics: [frechet, diversity], features: tiny.onnx, lpips: difference.onnx}
`;

const folder = mkdtempSync(join(tmpdir(), 'ganlet-class-'));
const out = join(folder, 'runs/tiny');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  const source = classSource(size, { train: 48, val: 0, test: 12 });
  for (const split of ['train', 'test'] as const) {
    for (let i = 0; i < source.counts[split]; i++) {
      const { condition, image } = await source.pair(split, i);
      const at = join(folder, 'pictures', split, classes[condition[0]!]!);
      mkdirSync(at, { recursive: true });
      const raw = { raw: { width: size, height: size, channels: 3 } } as const;
      await sharp(image, raw)
        .png()
        .toFile(join(at, `${i}.png`));
      mkdirSync(join(folder, 'noise', split), { recursive: true });
      copyFileSync(join(at, `${i}.png`), join(folder, 'noise', split, `${i}.png`));
    }
  }
  writeTinyNetwork(folder);
  writeTinyDistance(folder);
  writeFileSync(join(folder, 'tiny.yaml'), recipe);
});

describe('a recipe for pictures by class', () => {
  test('goes from teacher to table', async () => {
    expect(await runHere(folder)).toBe('');
    const teacher = loadOnnx(join(out, 'teacher.onnx'));
    const student = loadOnnx(join(out, 'student.onnx'));
    for (const network of [teacher, student])
      expect(network.inputs.map(({ name, shape }) => [name, shape])).toEqual([
        ['class', ['batch', 3]],
        ['latent', ['batch', 6]],
      ]);
    const macs = (network: typeof student) => countMacs(network, inputSymbols(network, {})).true;
    expect(macs(student)).toBeLessThanOrEqual(0.2 * macs(teacher));

    const { models, paired, sheet } = readMetrics(out);
    expect(models.map(({ role }) => role)).toEqual(['teacher', 'naive', 'uniform', 'student']);
    expect(paired).toBe(false);
    expect(sheet?.[0]).toBe('condition');
    for (const { role, truth, teacher: toTeacher, distributions, variety } of models) {
      expect(truth).toEqual({});
      expect(toTeacher?.l1?.mean === undefined).toBe(role === 'teacher');
      expect(distributions!.map(({ metric }) => metric)).toEqual(['frechet', 'kid', 'pr', 'pr', 'is']);
      expect(variety!.ppl!.full.value).toBeGreaterThanOrEqual(0);
      expect(variety!.diversity).toMatchObject({ conditions: 3, pairs: 135 });
    }
    const card = JSON.parse(readFileSync(join(out, 'student.card.json'), 'utf8'));
    expect(card).toMatchObject({
      architecture: { type: 'sngan', separable: true, latent: 6 },
      condition: { kind: 'class', classes },
      inputs: { class: 'class', latent: 'latent' },
    });
    expect(card.architecture.widths).toHaveLength(5);

    const latent = float32([1, 6], rng(1, 'z').fillNormal(new Float32Array(6)));
    const { image } = await runGraph(
      student,
      { class: float32([1, 3], [0, 1, 0]), latent },
      onnxruntime({ threads: 1 }),
    );
    expect(image!.shape).toEqual([1, 3, size, size]);
  }, 120_000);

  test('does nothing the second time, and cannot ask for the truth', async () => {
    const before = readFileSync(join(out, 'metrics.json'), 'utf8');
    expect(await runHere(folder)).toBe('');
    expect(readFileSync(join(out, 'metrics.json'), 'utf8')).toBe(before);
    expect(await runHere(folder, { out: 'runs/other', set: ['finetune.reconTarget=truth'] })).toContain(
      'finetune.reconTarget must be "auto" or "teacher" for an sngan teacher',
    );
  }, 60_000);

  test('needs a generator of classes', async () => {
    const said = await runHere(folder, {
      out: 'runs/other',
      stages: ['teach'],
      set: ['teacher.generator={type: resnet, baseWidth: 8, blocks: 1}'],
    });
    expect(said).toContain(
      'error: teacher.generator must take one of 3 classes [1, 3] and make [1, 3, 16, 16]',
    );
  });
});

test('a recipe for pictures without classes goes from teacher to table', async () => {
  writeFileSync(join(folder, 'noise.yaml'), noiseRecipe);
  const { status, stdout } = await ganletHere(['run', 'noise.yaml', '--quiet'], folder);
  expect(status).toBe(0);
  const made = join(folder, 'runs/noise');
  for (const name of ['teacher', 'student'])
    expect(loadOnnx(join(made, `${name}.onnx`)).inputs.map((input) => [input.name, input.shape])).toEqual([
      ['latent', ['batch', 6]],
    ]);
  const { models, sheet } = readMetrics(made);
  expect(models.map(({ role }) => role)).toEqual(['teacher', 'student']);
  expect(sheet).not.toContain('condition');
  for (const { role, distributions, variety } of models) {
    expect(stdout).toContain(`| ${role}`);
    expect(distributions!.map(({ metric }) => metric)).toEqual(['frechet']);
    expect(variety!.diversity!.value).toBeGreaterThan(0);
  }
  const card = JSON.parse(readFileSync(join(made, 'student.card.json'), 'utf8'));
  expect(card).toMatchObject({ condition: { kind: 'none' }, inputs: { latent: 'latent' } });
}, 120_000);
