import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import type { Pair, Source } from '../../src/data/source.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph, type Tensor } from '../../src/graph/graph.ts';
import { withFeatures } from '../../src/models/discriminator-features.ts';
import { declareInputs } from '../../src/models/generator-inputs.ts';
import { initialise } from '../../src/models/init.ts';
import { multiscaleDiscriminator } from '../../src/models/multiscale-discriminator.ts';
import { spadeEncoder } from '../../src/models/spade-encoder.ts';
import { checkTypes } from '../../src/ops/check-types.ts';
import { trainableParameters } from '../../src/ops/parameters.ts';
import type { Distillation } from '../../src/train/distillation.ts';
import { type Training, train } from '../../src/train/loop.ts';
import { adamFeeds } from '../../src/train/optimiser.ts';
import { type StepOptions, stepProgram } from '../../src/train/step.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { image, uniform, weight } from '../support/formula.ts';
import { labelSource } from '../support/label-source.ts';
import { latentGenerator } from '../support/latent-generator.ts';
import { readSafetensors, tensorsUnder } from '../support/safetensors.ts';

const stored = readSafetensors(new URL('../fixtures/spade/encoder.safetensors', import.meta.url).pathname);
const steps = tensorsUnder(stored, 'steps');
const backend = onnxruntime({ threads: 1 });
const size = 16;
const source = labelSource(size);
const folder = mkdtempSync(join(tmpdir(), 'ganlet-encoder-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A generator of three layers from label maps and vectors of two numbers. */
const small = (labels: number) => declareInputs(latentGenerator(labels), { code: 'latent' });

/** A network with the weights of formula.py. */
function withFormula(network: Graph): Graph {
  const held = [...network.constants.values()].filter(({ name }) => name === 'w2');
  for (const value of [...trainableParameters(network), ...held]) {
    const shape = value.shape as number[];
    value.tensor = float32(shape, weight(value.name, shape));
  }
  return network;
}

test('three steps of generator and encoder together equal PyTorch', async () => {
  const [batch, labels] = [2, 3];
  const betas = { beta1: 0.5, beta2: 0.999 };
  const program = stepProgram({
    generator: withFormula(small(labels)),
    discriminator: new Graph('none'),
    encoder: { network: withFormula(spadeEncoder({ baseWidth: 2, latent: 2, size })), lambdaKl: 0.05 },
    ...{ batch, size, ...betas, ganMode: 'hinge', recon: 'l1', lambdaGan: 0, lambdaRecon: 10 },
    ...{ diffaugment: [], ema: false, seed: 0 },
  });
  checkGraph(program.graph);
  checkTypes(program.graph);
  const labelMap = (step: number): Tensor => {
    const side = size / 4;
    const levels = Float32Array.from(uniform(`labels${step}`, batch * side * side));
    const data = new Float32Array(batch * labels * size * size);
    for (let i = 0; i < batch * size * size; i++) {
      const [n, y, x] = [Math.floor(i / size ** 2), Math.floor(i / size) % size, i % size];
      const level = levels[(n * side + Math.floor(y / 4)) * side + Math.floor(x / 4)]!;
      const id = Math.floor((level + 1) * (labels / 2));
      data[((n * labels + id) * size + y) * size + x] = 1;
    }
    return float32([batch, labels, size, size], data);
  };
  const compiled = await backend.compile(program);
  for (let step = 0; step < 3; step++) {
    const losses = await compiled.run({
      condition: labelMap(step),
      image: image(`real${step}`, [batch, 3, size, size]),
      latent: float32([batch, 2], steps.get('noise')!.data.slice(step * batch * 2, (step + 1) * batch * 2)),
      ...adamFeeds('g', step + 1, 2e-4, betas),
    });
    for (const name of ['kl', 'recon']) {
      const wanted = steps.get(name)!.data[step]!;
      const found = losses[name]!.data[0] as number;
      expect(Math.abs(found / wanted - 1), `${name} at step ${step}: ${found}, ${wanted}`).toBeLessThan(1e-4);
    }
  }
  const state = await compiled.readState();
  await compiled.dispose();
  const final = tensorsUnder(steps, 'final');
  expect(final.size).toBe(2 + 2 * 2);
  for (const [name, { shape, data }] of final) {
    expect(state.get(`e/${name}`)!.data, name).toBeAllclose(data, { atol: 2e-6, rtol: 1e-4 });
    expect(data, name).not.toBeAllclose(weight(name, shape), { atol: 2e-5, rtol: 0 });
  }
});

function training(name: string, changes: Partial<Training> = {}, more: Partial<StepOptions> = {}): Training {
  const start = { init: 'xavier', gain: 1 } as const;
  const settings = { seed: 3, steps: 4, lr: 1e-3, beta1: 0.5, beta2: 0.9, ema: 0.9 };
  const plan = { schedule: 'constant', constantFraction: 1 } as const;
  const channels = source.channels.condition;
  const program = stepProgram({
    generator: small(channels),
    discriminator: initialise(
      multiscaleDiscriminator({ baseWidth: 2, layers: 1, scales: 1, inputChannels: channels + 3, size }),
      { ...start, seed: 2 },
    ),
    encoder: {
      network: initialise(spadeEncoder({ baseWidth: 4, latent: 2, size, spectralNorm: true }), {
        ...start,
        seed: 4,
      }),
      lambdaKl: 0.05,
    },
    ...{ batch: 4, size, ...settings, ganMode: 'hinge', recon: 'l1', lambdaGan: 1, lambdaRecon: 10 },
    ...{ diffaugment: ['translation'], ema: true },
    ...more,
  } as StepOptions);
  return {
    ...settings,
    ...plan,
    ...{ diffaugment: ['translation'], program, backend, source, augment: { flip: true }, batch: 4, tick: 2 },
    ...{ checkpointSeconds: 0, directory: join(folder, name), fingerprint: 'same' },
    progress: { update() {}, line() {}, end() {} },
    ...changes,
  };
}

describe('a training with an encoder', () => {
  test('ends with the same bits when it is stopped and started again, the encoder in its state', async () => {
    const whole = await train(training('whole'));
    const progress = {
      update(step: number) {
        if (step === 3) throw new Error('stopped');
      },
      line() {},
      end() {},
    };
    await expect(train(training('stopped', { progress }))).rejects.toThrow('stopped');
    const resumed = await train(training('stopped'));
    expect([...resumed.keys()]).toEqual([...whole.keys()]);
    expect([...whole.keys()]).toEqual(expect.arrayContaining(['e/mean.weight', 'e/m/conv1.weight']));
    for (const [name, { data }] of whole) expect(resumed.get(name)!.data, name).toEqual(data);
    const [line] = readJsonLines(join(folder, 'whole/stats.jsonl'));
    expect(line!.kl).toBeGreaterThan(0);
  });

  test('a heavier weight keeps the vectors nearer to standard normal ones', async () => {
    const kl = async (lambdaKl: number) => {
      const network = initialise(spadeEncoder({ baseWidth: 4, latent: 2, size }), { seed: 4, gain: 0.2 });
      const name = `weight-${lambdaKl}`;
      await train(
        training(
          name,
          { steps: 30, lr: 5e-3, tick: 30, checkpointSeconds: 60 },
          {
            encoder: { network, lambdaKl },
            lambdaGan: 0,
          },
        ),
      );
      return Number(readJsonLines(join(folder, name, 'stats.jsonl'))[0]!.kl);
    };
    expect(await kl(10)).toBeLessThan(0.5 * (await kl(1e-4)));
  });
});

test('vectors of an encoder carry what the label map does not tell, those drawn at random do not', async () => {
  const colours: Source = {
    ...source,
    pair(split, index) {
      const { condition } = labelSource(size).pair(split, index) as Pair;
      // Of one colour, which no map knows of.
      const image = Uint8Array.from({ length: size * size * 3 }, (_, i) => (index * 97 + (i % 3) * 80) % 256);
      return { condition, image };
    },
  };
  const recon = async (name: string, encoder: StepOptions['encoder']) => {
    const plan = { steps: 150, lr: 1e-2, tick: 50, checkpointSeconds: 60, source: colours };
    await train(training(name, plan, { encoder, lambdaGan: 0 }));
    return Number(readJsonLines(join(folder, name, 'stats.jsonl')).at(-1)!.recon);
  };
  const network = initialise(spadeEncoder({ baseWidth: 4, latent: 2, size }), { seed: 4, gain: 0.2 });
  const [told, drawn] = [await recon('told', { network, lambdaKl: 0.01 }), await recon('drawn', undefined)];
  expect(told).toBeLessThan(0.6 * drawn);
});

test('a student is compared with the picture its teacher makes of the same vector, in every loss', async () => {
  const channels = source.channels.condition;
  const teacher = small(channels);
  const distillation: Distillation = {
    ...{ teacher, distill: 'none', lambdaDistill: 0, taps: [], cached: false },
    reconTarget: 'teacher',
  };
  const losses = async (reconTarget: 'teacher' | 'truth') => {
    const name = `student-${reconTarget}`;
    const judge = multiscaleDiscriminator({ baseWidth: 2, layers: 1, inputChannels: channels + 3, size });
    await train(
      training(
        name,
        { steps: 1, tick: 1 },
        {
          ...{ encoder: undefined, lambdaFeature: 10, distillation: { ...distillation, reconTarget } },
          discriminator: withFeatures(initialise(judge, { init: 'xavier', gain: 1, seed: 2 })),
        },
      ),
    );
    return readJsonLines(join(folder, name, 'stats.jsonl'))[0]!;
  };
  // The student begins as a copy of its teacher.
  const [own, truth] = [await losses('teacher'), await losses('truth')];
  for (const name of ['recon', 'feature']) {
    expect(own[name]).toBeLessThan(1e-5);
    expect(truth[name]).toBeGreaterThan(0.1);
  }
});
