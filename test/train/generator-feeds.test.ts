import { describe, expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { drawLatents } from '../../src/data/latents.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Graph, Tensor } from '../../src/graph/graph.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { initialise } from '../../src/models/init.ts';
import { projectionDiscriminator } from '../../src/models/projection-discriminator.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { snganGenerator } from '../../src/models/sngan.ts';
import type { Distillation } from '../../src/train/distillation.ts';
import { type FeedOptions, stepFeeds } from '../../src/train/feeds.ts';
import { type StepOptions, stepProgram } from '../../src/train/step.ts';

const [batch, size, classes, latent] = [2, 8, 3, 5];
const schedule: FeedOptions = {
  seed: 4,
  steps: 10,
  lr: 1e-4,
  lrDiscriminator: 4e-4,
  beta1: 0,
  beta2: 0.9,
  schedule: 'linear',
  constantFraction: 0.5,
  ema: 0,
  diffaugment: ['color', 'translation', 'cutout'],
};
const random = (graph: Graph, seed = 1) => initialise(graph, { seed, gain: 0.3 });
const maker = (options: { classes?: number; latent?: number } = {}) =>
  snganGenerator({ ...{ baseWidth: 2, size, classes, latent, norm: 'instance' }, ...options });
const critic = (options: { classes?: number } = {}) =>
  random(projectionDiscriminator({ baseWidth: 2, size, classes, ...options }), 2);

const program = (generator: Graph, discriminator: Graph, more: Partial<StepOptions> = {}) =>
  stepProgram({
    ...{ generator, discriminator, batch, size, beta1: 0, beta2: 0.9, ganMode: 'hinge', recon: 'l1' },
    ...{ lambdaGan: 1, lambdaRecon: 0, diffaugment: schedule.diffaugment, ema: false, seed: 0 },
    ...more,
  } as StepOptions);

const pairs = (condition: Float32Array) => ({
  condition,
  image: Float32Array.from({ length: batch * 3 * size * size }, (_, i) => Math.sin(i)),
  mirrored: [false, false],
});
const oneHot = Float32Array.of(0, 1, 0, 0, 0, 1);

const shapes = ({ graph }: { graph: Graph }) =>
  Object.fromEntries(
    graph.inputs
      .filter(({ name }) => ['condition', 'image', 'latent'].includes(name))
      .map(({ name, shape }) => [name, shape]),
  );

/** Runs steps and gives the losses of the last. */
async function losses(of: ReturnType<typeof program>, condition: Float32Array, steps = 1) {
  checkGraph(of.graph);
  const compiled = await onnxruntime({ threads: 1 }).compile(of);
  try {
    let results: Record<string, Tensor> = {};
    for (let step = 0; step < steps; step++)
      results = await compiled.run(stepFeeds(of.graph, pairs(condition), step, schedule));
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data[0] as number]));
  } finally {
    await compiled.dispose();
  }
}

describe('a step is fed what its networks take', () => {
  test('classes and latent vectors', async () => {
    const step = program(random(maker()), critic());
    expect(shapes(step)).toEqual({
      condition: [batch, classes],
      image: [batch, 3, size, size],
      latent: [batch, latent],
    });
    const found = await losses(step, oneHot, 3);
    expect(Object.keys(found).sort()).toEqual(['dFake', 'dReal', 'gan']);
    expect(Object.values(found).every(Number.isFinite)).toBe(true);
    const others = await losses(step, Float32Array.of(1, 0, 0, 0, 1, 0), 3);
    expect(others.gan).not.toBe(found.gan);
  });

  test('latent vectors alone', async () => {
    const step = program(random(maker({ classes: 0 })), critic({ classes: 0 }));
    expect(shapes(step)).toEqual({ image: [batch, 3, size, size], latent: [batch, latent] });
    expect((await losses(step, new Float32Array())).gan).toBeTypeOf('number');
  });

  test('conditions that only the discriminator looks at', () => {
    const step = program(random(maker({ classes: 0 })), critic());
    expect(shapes(step).condition).toEqual([batch, classes]);
    const pictures = patchDiscriminator({ baseWidth: 2, layers: 1, inputChannels: 7, size });
    expect(shapes(program(random(maker({ classes: 0 })), pictures)).condition).toEqual([
      batch,
      4,
      size,
      size,
    ]);
  });

  test('pictures, by a discriminator that is shown none', async () => {
    const alone = random(patchDiscriminator({ baseWidth: 2, layers: 1, inputChannels: 3, size }), 2);
    const step = program(random(resnetGenerator({ baseWidth: 2, blocks: 1, inputChannels: 4, size })), alone);
    expect(shapes(step)).toEqual({ condition: [batch, 4, size, size], image: [batch, 3, size, size] });
    const found = await losses(step, new Float32Array(batch * 4 * size * size).fill(0.5));
    expect(Number.isFinite(found.gan)).toBe(true);
  });
});

describe('teacher and student', () => {
  const plan = (teacher: Graph, distill: Distillation['distill'], cached = false): Distillation => ({
    ...{ teacher, distill, cached, lambdaDistill: 1, reconTarget: 'teacher' },
    taps: [{ teacher: 'block1', student: 'block1' }],
  });

  test('get the same latent vectors and classes: equal ones make equal images', async () => {
    const distillation = plan(random(maker()), 'kernel-alignment');
    const same = await losses(program(random(maker()), critic(), { lambdaRecon: 1, distillation }), oneHot);
    expect(same.recon).toBeLessThan(1e-6);
    expect(same.distill).toBeCloseTo(-1, 5);
    const other = await losses(
      program(random(maker(), 9), critic(), { lambdaRecon: 1, distillation }),
      oneHot,
    );
    expect(other.recon).toBeGreaterThan(1e-2);
  });

  test('may differ in what they take, not in its shape', async () => {
    const teacher = random(maker());
    const blind = program(random(maker({ classes: 0 })), critic(), {
      distillation: plan(teacher, 'adaptor'),
    });
    expect(Object.keys(await losses(blind, oneHot))).toContain('distill');
    expect(() =>
      program(random(maker({ latent: 6 })), critic(), { distillation: plan(teacher, 'adaptor') }),
    ).toThrow(
      expect.objectContaining({
        code: 'MODEL_MISMATCH',
        message:
          'teacher, student and discriminator must take the same latent vectors, they take [2, 6] and [2, 5]',
      }),
    );
  });

  test('whose activations are fed declare them in the shapes they have', () => {
    const { graph } = program(random(maker()), critic(), {
      distillation: plan(random(maker()), 'adaptor', true),
    });
    const fed = graph.inputs.filter(({ name }) => name.startsWith('teacher/'));
    expect(fed.map(({ name, shape }) => [name, shape])).toEqual([
      ['teacher/block1', [batch, 2, size, size]],
      ['teacher/image', [batch, 3, size, size]],
    ]);
  });
});

describe('what a step feeds', () => {
  const step = program(random(maker()), critic());
  const at = (k: number, options: Partial<FeedOptions> = {}) =>
    stepFeeds(step.graph, pairs(oneHot), k, { ...schedule, ...options });

  test('are latent vectors by seed and step alone', () => {
    expect(at(3).latent!.data).toEqual(drawLatents(4, 'train', 3, batch * latent));
    expect(at(3, { diffaugment: [], lr: 1 }).latent).toEqual(at(3).latent);
    expect(at(4).latent).not.toEqual(at(3).latent);
    expect(at(3, { seed: 5 }).latent).not.toEqual(at(3).latent);
  });

  test('are learning rates of their own for both networks, on one schedule', () => {
    const sizes = (k: number, options?: Partial<FeedOptions>) =>
      ['g', 'd'].map((name) => at(k, options)[`${name}/stepSize`]!.data[0] as number);
    for (const k of [0, 9]) {
      const [g, d] = sizes(k) as [number, number];
      expect(d / g).toBeCloseTo(4, 5);
      expect(sizes(k, { lrDiscriminator: undefined })).toEqual([g, g]);
    }
    expect(sizes(9)[1]).toBeLessThan(sizes(0)[1]!);
  });
});
