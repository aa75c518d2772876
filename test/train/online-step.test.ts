import { expect, test } from 'vitest';
import type { Program } from '../../src/backend/backend.ts';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { makeBatch } from '../../src/data/batch.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Tensor } from '../../src/graph/graph.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { initialise } from '../../src/models/init.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { stepFeeds } from '../../src/train/feeds.ts';
import { onlineFeeds, onlineProgram } from '../../src/train/online-step.ts';
import { stepProgram } from '../../src/train/step.ts';
import { rng } from '../../src/util/rng.ts';
import { noiseSource } from '../support/shapes-source.ts';

const [size, batch] = [8, 2];
const source = noiseSource(size);
const settings = {
  seed: 3,
  steps: 9,
  lr: 2e-3,
  beta1: 0.5,
  beta2: 0.999,
  schedule: 'linear',
  constantFraction: 0.5,
  ema: 0.9,
  diffaugment: ['color'],
} as const;
const shared = () => ({
  ...settings,
  discriminator: initialise(patchDiscriminator({ baseWidth: 2, layers: 1, inputChannels: 6, size }), {
    seed: 2,
    gain: 0.2,
  }),
  ...({ ganMode: 'hinge', recon: 'l1', lambdaGan: 1, lambdaRecon: 10, batch, size, ema: true } as const),
});
const network = (baseWidth: number, seed: number) =>
  initialise(resnetGenerator({ baseWidth, blocks: 1, size }), { seed, gain: 0.2 });

function online(teacherEvery: number): Program {
  const program = onlineProgram({
    ...shared(),
    teacher: network(4, 1),
    student: network(2, 7),
    taps: ['down2', 'block1'],
    ...{ lambdaSsim: 10, lambdaStyle: 0, lambdaContent: 0, lambdaVariation: 1e-5, lambdaChannel: 50 },
    teacherEvery,
  });
  checkGraph(program.graph);
  return program;
}

const pictures = (step: number) =>
  makeBatch(source, 'train', [step % 12, (step + 5) % 12], {}, rng(3, 'a', step));

/** The state after each step. */
async function states(
  program: Program,
  feeds: (step: number) => Promise<Record<string, Tensor>>,
  steps: number,
) {
  const compiled = await onnxruntime({ threads: 1 }).compile(program);
  const found: Map<string, Tensor>[] = [];
  for (let step = 0; step < steps; step++) {
    await compiled.run(await feeds(step));
    found.push(await compiled.readState());
  }
  await compiled.dispose();
  return found;
}

const onlineStates = (teacherEvery: number, steps: number) => {
  const program = online(teacherEvery);
  const feeds = async (step: number) =>
    onlineFeeds(program.graph, await pictures(step), step, { ...settings, teacherEvery });
  return states(program, feeds, steps);
};

test('the teacher and its discriminator learn as they would without a student', async () => {
  const alone = stepProgram({ ...shared(), generator: network(4, 1) });
  const feeds = async (step: number) => stepFeeds(alone.graph, await pictures(step), step, settings);
  const expected = (await states(alone, feeds, 3)).at(-1)!;
  const found = (await onlineStates(1, 3)).at(-1)!;
  let compared = 0;
  for (const [name, { data }] of expected) {
    const own = found.get(name.replace(/^g\//, 't/'))!.data as Float32Array;
    expect(own, name).toBeAllclose(data as Float32Array, { rtol: 1e-4, atol: 1e-6 });
    compared++;
  }
  expect(compared).toBeGreaterThan(40);
});

test('with teacherEvery they keep their bits in between, while the student goes on', async () => {
  const [first, second, third, fourth] = await onlineStates(3, 4);
  const bits = (state: Map<string, Tensor>, owner: RegExp) =>
    [...state].filter(([name]) => owner.test(name)).map(([name, { data }]) => `${name} ${data.join()}`);
  expect(bits(first!, /^[td]\//).length).toBeGreaterThan(40);
  expect(bits(second!, /^[td]\//)).toEqual(bits(first!, /^[td]\//));
  expect(bits(third!, /^[td]\//)).toEqual(bits(first!, /^[td]\//));
  expect(bits(fourth!, /^[td]\//)).not.toEqual(bits(first!, /^[td]\//));
  expect(bits(second!, /^g\/block1/)).not.toEqual(bits(first!, /^g\/block1/));
  expect(bits(second!, /^a\//)).not.toEqual(bits(first!, /^a\//));
});
