import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { tfjs } from '../../src/backend/tfjs.ts';
import type { Source } from '../../src/data/source.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { countParameters } from '../../src/ops/cost.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { spectralNorms } from '../../src/ops/spectral-norm.ts';
import type { Card } from '../../src/pipeline/card.ts';
import { checkPairing } from '../../src/pipeline/check/pairing.ts';
import type { RunContext } from '../../src/pipeline/context.ts';
import { distill } from '../../src/pipeline/distill/distill.ts';
import { finetune } from '../../src/pipeline/distill/finetune.ts';
import { evaluate } from '../../src/pipeline/evaluate.ts';
import { exportStudents } from '../../src/pipeline/export.ts';
import { readMetrics } from '../../src/pipeline/measure/metrics-file.ts';
import { search } from '../../src/pipeline/search/search.ts';
import { supernet } from '../../src/pipeline/supernet/supernet.ts';
import { teach } from '../../src/pipeline/teach/teach.ts';
import { recalibrated } from '../../src/pipeline/train/recalibrated.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { statisticNames } from '../../src/train/recalibrate.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { unpairedSource } from '../support/unpaired-source.ts';

const size = 16;
const backend = onnxruntime({ threads: 1 });
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-cycle-'));
  mkdirSync(join(folder, 'data'));
  writeFileSync(
    join(folder, 'recipe.yaml'),
    `name: cycle
seed: 3
threads: 1
data: {source: aligned, path: data, size: ${size}}
teacher:
  # Without 7×7 convolutions, whose gradients take the engine seconds to prepare.
  generator: {type: unet, baseWidth: 4, levels: 2, norm: batch, dropout: 0.5}
  train: {steps: 6, batch: 2, tick: 3, samples: 2, snapshot: 3, initGain: 0.2, ganMode: lsgan, diffaugment: [color, translation, cutout], checkpointSeconds: 0, cycle: {pool: 3}}
discriminator: {type: patch, baseWidth: 4, layers: 1, norm: batch}
student: {ratio: 1}
distill: {steps: 2, batch: 2, tick: 2, samples: 1, lambdaRecon: 10}
supernet: {steps: 2, batch: 2, tick: 2, samples: 1, probe: 1, widths: [4, 2]}
search: {widths: 4_2_2}
finetune: {steps: 2, batch: 2, tick: 2, samples: 0}
baselines: [naive, uniform]
evaluate: {metrics: [l1]}
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function makeContext(
  run: string,
  { set = [] as string[], source = unpairedSource(size) as Source, stopAt = Number.POSITIVE_INFINITY } = {},
) {
  const out = join(folder, run);
  mkdirSync(out, { recursive: true });
  const loaded = loadRecipe(join(folder, 'recipe.yaml'), { set });
  const lines: string[] = [];
  const line = (message: string) => void lines.push(message);
  let steps = 0;
  const update = () => {
    if (++steps === stopAt) throw new Error('stopped');
  };
  const context: RunContext = {
    out,
    recipe: loaded.recipe,
    loaded,
    backend,
    log: { debug: line, info: line, warn: line },
    progress: () => ({ update, line() {}, end() {} }),
    source: async () => source,
  };
  return { context, out, lines, loaded };
}

const networks = ['teacher', 'teacher-reverse', 'discriminator', 'discriminator-reverse'];
const bytes = (out: string, name: string) => readFileSync(join(out, `${name}.onnx`));
const card = (out: string, name: string) =>
  JSON.parse(readFileSync(join(out, `${name}.card.json`), 'utf8')) as Card;
const losses = (out: string, stage: string) =>
  readJsonLines(join(out, stage, 'stats.jsonl')).map(({ seconds, imagesPerSecond, ...rest }) => rest);
const channels = (out: string, name: string) => {
  const { inputs, outputs } = loadOnnx(join(out, `${name}.onnx`));
  return [inputs[0]!.shape[1], outputs[0]!.shape[1]];
};

const statisticsOf = (graph: Graph) =>
  statisticNames(graph).map((name) => graph.constants.get(name)!.tensor!.data);

describe('a run on unpaired data', () => {
  it('teaches both directions and goes on through every stage to metrics', async () => {
    const { context, out } = makeContext('whole');
    for (const stage of [teach, distill, supernet, search, finetune, exportStudents, evaluate])
      await stage(context);

    expect(losses(out, 'teach')).toHaveLength(2);
    for (const suffix of ['', 'Reverse'])
      for (const loss of ['gan', 'cycle', 'identity', 'dReal', 'dFake'])
        expect(losses(out, 'teach')[0]![`${loss}${suffix}`]).toBeGreaterThan(0);
    expect(losses(out, 'naive')[0]!.cycleReverse).toBeGreaterThan(0);
    expect(losses(out, 'distill')[0]!.distill).toBeGreaterThan(0);
    expect(readdirSync(join(out, 'teach/snapshots'))).toEqual([
      'step-0000003-reverse.onnx',
      'step-0000003.onnx',
      'step-0000006-reverse.onnx',
      'step-0000006.onnx',
    ]);
    expect(existsSync(join(out, 'teach/samples/step-0000006.png'))).toBe(true);
    expect(card(out, 'teacher')).toMatchObject({ role: 'teacher', taps: ['down1', 'up1'] });
    expect(card(out, 'teacher-reverse')).toMatchObject({ role: 'teacher', reverse: true });
    // Statistics of each direction are of what it is given.
    for (const [name, reverse] of [
      ['teacher', false],
      ['teacher-reverse', true],
    ] as const) {
      const again = (of: boolean) =>
        recalibrated(context, loadOnnx(join(out, `${name}.onnx`)), { reverse: of });
      const kept = statisticsOf(loadOnnx(join(out, `${name}.onnx`)));
      expect(statisticsOf(await again(reverse))).toEqual(kept);
      expect(statisticsOf(await again(!reverse))).not.toEqual(kept);
    }

    const student = loadOnnx(join(out, 'student.onnx'));
    const naive = loadOnnx(join(out, 'naive.onnx'));
    const shapes = (graph: typeof student) =>
      [...graph.constants.values()].map(({ name, shape }) => [name, shape]);
    expect(shapes(naive)).toEqual(shapes(student));
    const { models } = readMetrics(out);
    expect(models.map(({ role }) => role).sort()).toEqual(['naive', 'student', 'teacher', 'uniform']);
    for (const { role, truth, teacher } of models) {
      expect(truth!.l1!.mean).toBeGreaterThan(0);
      if (role !== 'teacher') expect(teacher!.l1!.mean).toBeGreaterThan(0);
    }
  });

  it('leaves the same bits when its training is stopped at any step and started again', async () => {
    const set = ['teacher.train.batch=1'];
    const whole = makeContext('unbroken', { set });
    await teach(whole.context);
    for (const stopAt of [1, 4]) {
      const run = `stopped-${stopAt}`;
      await expect(teach(makeContext(run, { stopAt, set }).context)).rejects.toThrow('stopped');
      const { context, out } = makeContext(run, { set });
      await teach(context);
      for (const name of networks) expect(bytes(out, name).equals(bytes(whole.out, name)), name).toBe(true);
      expect(losses(out, 'teach')).toEqual(losses(whole.out, 'teach'));
    }
    const again = makeContext('unbroken', { set });
    await teach(again.context);
    expect(again.lines).toEqual(['teach: done before, nothing changed']);
  });

  it('has no identity loss where the domains differ in channels, and a baseline that goes back to as many', async () => {
    const source = unpairedSource(size, { grey: true, truth: false });
    const set = ['student={baseWidth: 2}', 'baselines=[naive]'];
    const file = readFileSync(join(folder, 'recipe.yaml'), 'utf8');
    const short = file.split('\n').filter((line) => !/^(supernet|search|finetune):/.test(line));
    writeFileSync(join(folder, 'recipe.yaml'), short.join('\n'));
    const { context, out } = makeContext('grey', { set, source });
    writeFileSync(join(folder, 'recipe.yaml'), file);
    for (const stage of [teach, distill, exportStudents, evaluate]) await stage(context);
    expect(losses(out, 'teach')[0]).not.toHaveProperty('identity');
    expect(channels(out, 'teacher')).toEqual([1, 3]);
    expect(channels(out, 'teacher-reverse')).toEqual([3, 1]);
    expect(losses(out, 'naive')[0]!.cycleReverse).toBeGreaterThan(0);
    for (const { role, truth, teacher } of readMetrics(out).models) {
      expect(truth).toEqual({});
      if (role !== 'teacher') expect(teacher!.l1!.mean).toBeGreaterThan(0);
    }
  });

  it('leaves no trace of spectral norms in both directions of a SPADE', async () => {
    const { context, out } = makeContext('spectral', {
      set: [
        'teacher.generator={type: spade, baseWidth: 1}',
        'teacher.train={steps: 1, batch: 1, tick: 1, samples: 0, ganMode: lsgan, cycle: {pool: 0, lambdaIdentity: 0}}',
      ],
    });
    // ONNX Runtime takes many times as long to prepare such a step as this engine does to compute it.
    await teach({ ...context, backend: tfjs(tf) });
    for (const name of ['teacher', 'teacher-reverse']) {
      const network = loadOnnx(join(out, `${name}.onnx`));
      expect(spectralNorms(network)).toEqual([]);
      expect([...network.constants.keys()].filter((key) => key.includes('spectral'))).toEqual([]);
      expect(card(out, name).params).toBe(countParameters(network));
    }
  });

  it('refuses settings that its data has no pictures for', () => {
    const grey = unpairedSource(size, { grey: true });
    const refused = (set: string[], source = unpairedSource(size) as Source) => {
      try {
        checkPairing(makeContext('refused', { set }).loaded, source);
      } catch (error) {
        return (error as Error).message;
      }
      return 'nothing';
    };
    expect(refused([])).toBe('nothing');
    expect(refused(['distill.reconTarget=truth', 'supernet.reconTarget=truth'])).toMatch(
      /--set distill.reconTarget=truth {2}distill.reconTarget must be "auto" or "teacher"[\s\S]*supernet.reconTarget must/,
    );
    expect(refused(['teacher.train.lambdaFeature=1'])).toMatch(/teacher.train.lambdaFeature must be 0/);
    expect(refused(['finetune.lambdaFeature=10'])).toMatch(/finetune.lambdaFeature must be 0/);
    expect(refused(['teacher.generator={type: spade, baseWidth: 1, latent: 4, encoder: true}'])).toMatch(
      /teacher.generator.latent must be 0 on unpaired data: a cycle gives no vector back/,
    );
    expect(refused([], grey)).toBe('nothing');
    expect(refused(['teacher.train.cycle.lambdaIdentity=0.5'], grey)).toMatch(
      /lambdaIdentity must be 0 where the domains differ in channels, which are 1 and 3/,
    );
    const { unpaired: _, ...paired } = unpairedSource(size);
    expect(refused([], paired)).toMatch(
      /recipe.yaml:8:\d+ {2}teacher.train.cycle must be left out for the data source two noises/,
    );
  });
});
