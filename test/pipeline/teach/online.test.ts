import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onnxruntime } from '../../../src/backend/onnxruntime.ts';
import { loadOnnx } from '../../../src/ops/import-onnx.ts';
import { readCard } from '../../../src/pipeline/card.ts';
import { teach } from '../../../src/pipeline/teach/teach.ts';
import { loadRecipe } from '../../../src/recipe/load.ts';
import { readJsonLines } from '../../../src/util/json-lines.ts';
import { failingAt } from '../../backend/failing.ts';
import { runHere } from '../../cli/here.ts';
import { hashOf } from '../../cli/tiny-run.ts';
import { classSource } from '../../support/class-source.ts';
import { writePictures } from '../../support/pair-pictures.ts';
import { contextOf } from '../context.ts';

const recipe = `name: tiny
seed: 3
threads: 1
preset: online
data: {source: aligned, path: pictures, size: 16}
teacher:
  generator: {type: resnet, baseWidth: 8, blocks: 1}
  train: {steps: 40, batch: 2, tick: 10, samples: 1, lr: 0.005, ema: 0, initGain: 0.2, checkpointSeconds: 0}
discriminator: {type: patch, baseWidth: 4, layers: 1}
online: {teacherEvery: 2}
evaluate: {metrics: [l1]}
`;
const out = 'runs/tiny';
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-online-'));
  await writePictures(folder);
  writeFileSync(join(folder, 'tiny.yaml'), recipe);
  expect(await runHere(folder)).toBe('');
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a teacher and its student, trained together', () => {
  test('are a quarter as wide, learn, and are exported with their cards', () => {
    const lines = readJsonLines<Record<string, number>>(join(folder, out, 'teach/stats.jsonl'));
    const [first, last] = [lines[0]!, lines.at(-1)!];
    for (const [name, part] of Object.entries({ recon: 0.9, style: 0.7, content: 0.9, channel: 0.6 }))
      expect(last[name], name).toBeLessThan(part * first[name]!);
    for (const name of ['ssim', 'variation', 'gan', 'dReal'])
      expect(Number.isFinite(last[name]), name).toBe(true);
    const student = loadOnnx(join(folder, out, 'student.onnx'));
    expect(student.constants.get('down2.weight')!.shape).toEqual([8, 4, 3, 3]);
    const card = readCard(join(folder, out, 'student.onnx'))!;
    expect(card).toMatchObject({
      role: 'student',
      architecture: { type: 'resnet', baseWidth: 2, separable: true },
      training: { steps: 40, online: { lambdaSsim: 10, teacherEvery: 2 } },
      teacher: { sha256: hashOf(folder, out, 'teacher.onnx') },
    });
    expect(existsSync(join(folder, out, 'teach/samples/step-0000040.png'))).toBe(true);
    expect(existsSync(join(folder, out, 'table.md'))).toBe(true);
  });

  test('stopped and started again end with the same bits', async () => {
    const files = ['teacher.onnx', 'student.onnx', 'discriminator.onnx'];
    const whole = files.map((file) => hashOf(folder, out, file));
    const again = join(folder, 'again');
    cpSync(join(folder, 'pictures'), join(again, 'pictures'), { recursive: true });
    writeFileSync(join(again, 'tiny.yaml'), recipe);
    const loaded = loadRecipe(join(again, 'tiny.yaml'));
    const backend = failingAt(onnxruntime({ threads: 1 }), 21);
    const context = contextOf(loaded, join(again, out), backend);
    await expect(teach(context)).rejects.toThrow('the device is gone');
    expect(existsSync(join(again, out, 'teacher.onnx'))).toBe(false);
    expect(await runHere(again)).toBe('');
    expect(files.map((file) => hashOf(again, out, file))).toEqual(whole);
  });
});

test('a teacher of classes and its student are trained together, with a discriminator that is told the class', async () => {
  const at = join(folder, 'classes');
  mkdirSync(join(at, 'pictures'), { recursive: true });
  writeFileSync(
    join(at, 'tiny.yaml'),
    `name: tiny
threads: 1
data: {source: folder, path: pictures, size: 16, flip: false}
teacher:
  generator: {type: sngan, baseWidth: 4, latent: 3}
  train: {steps: 2, batch: 2, tick: 2, samples: 2, ema: 0}
discriminator: {type: projection, baseWidth: 2}
student: {baseWidth: 2, initFrom: random}
online: {lambdaStyle: 0, lambdaContent: 0}
`,
  );
  const loaded = loadRecipe(join(at, 'tiny.yaml'));
  const context = {
    ...contextOf(loaded, join(at, out), onnxruntime({ threads: 1 })),
    source: async () => classSource(16),
  };
  await teach(context);
  const inputs = (name: string) => loadOnnx(join(at, out, name)).inputs.map(({ name }) => name);
  expect(inputs('teacher.onnx')).toEqual(['class', 'latent']);
  expect(inputs('distill/network.onnx')).toEqual(['class', 'latent']);
  expect(inputs('discriminator.onnx')).toEqual(['image', 'class']);
  expect(readCard(join(at, out, 'teacher.onnx'))).toMatchObject({ steps: { teach: 2 } });
});

describe('a recipe that leaves no room for it', () => {
  const problems = (set: string[]) => {
    try {
      loadRecipe(join(folder, 'tiny.yaml'), { set });
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  test.each([
    [['distill={steps: 1, batch: 1}'], /distill must be left out where online is/],
    [['search={budget: 0.5x}', 'supernet={steps: 1, batch: 1}'], /supernet must be left out where online is/],
    [['student.initFrom=teacher'], /student\.initFrom must be "random" where online is/],
    [['baselines=[naive]'], /baselines must be left out where online is/],
    [['teacher={model: x.onnx}'], /teacher\.model must be left out where online is/],
  ])('%j', (set, message) => {
    expect(problems(set)).toMatch(message);
  });

  test('a tap that is in neither network is named before training', async () => {
    expect(await runHere(folder, { out: 'runs/taps', set: ['online.taps=[nowhere]'] })).toMatch(
      /^error: online\.taps must name values of both networks, they have no "nowhere"\n {2}help: among their values are/,
    );
  });
});
