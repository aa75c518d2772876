import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import type { Tensor } from '../../src/graph/graph.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { initialise } from '../../src/models/init.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import type { Distillation } from '../../src/train/distillation.ts';
import type { Training } from '../../src/train/loop.ts';
import { train } from '../../src/train/loop.ts';
import { stepProgram } from '../../src/train/step.ts';
import { teacherCache } from '../../src/train/teacher-cache.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { noiseSource } from '../support/shapes-source.ts';

const size = 16;
const batch = 2;
const source = noiseSource(size);
const backend = onnxruntime({ threads: 1 });
const silent = { update() {}, line() {}, end() {} };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-loop-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function distillation(cached: boolean): Distillation {
  return {
    teacher: initialise(resnetGenerator({ baseWidth: 4, blocks: 1, size }), { seed: 5, gain: 0.2 }),
    distill: 'adaptor',
    lambdaDistill: 1,
    taps: [{ teacher: 'block1', student: 'block1' }],
    reconTarget: 'teacher',
    cached,
  };
}

function training(name: string, changes: Partial<Training> & { cached?: boolean } = {}): Training {
  const { cached = false, ...rest } = changes;
  const settings = {
    seed: 3,
    steps: 9,
    lr: 2e-3,
    beta1: 0.5,
    beta2: 0.999,
    schedule: 'linear',
    constantFraction: 0.5,
    ema: 0.9,
  } as const;
  const diffaugment = ['color', 'translation', 'cutout'] as const;
  const program = stepProgram({
    generator: initialise(resnetGenerator({ baseWidth: 2, blocks: 1, size, dropout: 0.5 }), {
      seed: 1,
      gain: 0.2,
    }),
    discriminator: initialise(
      patchDiscriminator({ baseWidth: 2, layers: 1, inputChannels: 6, size, norm: 'batch' }),
      { seed: 2, gain: 0.2 },
    ),
    batch,
    size,
    ganMode: 'wgangp' as const,
    recon: 'smooth-l1',
    lambdaGan: 1,
    lambdaRecon: 10,
    ...settings,
    ema: true,
    diffaugment,
    distillation: distillation(cached),
  });
  return {
    ...settings,
    diffaugment,
    program,
    backend,
    source,
    augment: { flip: true },
    batch,
    tick: 4,
    checkpointSeconds: 0,
    directory: join(folder, name),
    fingerprint: 'same',
    progress: silent,
    ...rest,
  };
}

/** The losses of each line; times differ from run to run. */
function losses(name: string) {
  return readJsonLines(join(folder, name, 'stats.jsonl')).map(
    ({ seconds, imagesPerSecond, ...rest }) => rest,
  );
}

function expectSameBits(a: Map<string, Tensor>, b: Map<string, Tensor>) {
  expect([...a.keys()]).toEqual([...b.keys()]);
  for (const [name, tensor] of a)
    expect(Buffer.from(tensor.data.buffer).equals(Buffer.from(b.get(name)!.data.buffer)), name).toBe(true);
}

describe('training', () => {
  it('ends with the same bits and statistics when it is stopped at any step and started again', async () => {
    const whole = await train(training('whole'));
    for (const stop of [1, 4, 6]) {
      const name = `stopped-${stop}`;
      let steps = 0;
      const progress = {
        ...silent,
        update() {
          if (++steps === stop) throw new Error('stopped');
        },
      };
      await expect(train(training(name, { progress }))).rejects.toThrow('stopped');
      expectSameBits(await train(training(name)), whole);
      expect(losses(name)).toEqual(losses('whole'));
    }
  });

  it('learns: the reconstruction loss falls', async () => {
    await train(training('learns', { steps: 120, checkpointSeconds: 60, tick: 20 }));
    const recon = losses('learns').map((line) => line.recon as number);
    expect(recon.at(-1)!).toBeLessThan(0.5 * recon[0]!);
  });

  it('gives the same result with the teacher cached as computed in every step', async () => {
    const computed = await train(training('computed'));
    const cache = await teacherCache(distillation(true), source, backend);
    const cached = await train(training('cached', { cached: true, targets: cache.targets }));
    await cache.dispose();
    for (const [name, { data }] of computed)
      expect(cached.get(name)!.data, name).toBeAllclose(data as Float32Array, { atol: 1e-5, rtol: 1e-3 });
  });

  it('refuses a state of other settings', async () => {
    await train(training('other', { steps: 2 }));
    await expect(train(training('other', { fingerprint: 'changed' }))).rejects.toMatchObject({
      code: 'RUN_MISMATCH',
    });
  });

  it('stops at a loss that is not finite, says at which step, and keeps the last good state', async () => {
    await train(training('diverges', { steps: 4 }));
    await expect(train(training('diverges', { steps: 9, lr: 1e30 }))).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: expect.stringMatching(/not at step [56]; the state after step [45] is kept/),
    });
    expect((await train(training('diverges', { steps: 5 }))).size).toBeGreaterThan(0);
  });

  it('refuses a damaged checkpoint', async () => {
    await train(training('damaged', { steps: 1 }));
    writeFileSync(join(folder, 'damaged', 'checkpoint.safetensors'), 'not tensors');
    await expect(train(training('damaged'))).rejects.toMatchObject({ code: 'CHECKPOINT_DAMAGED' });
  });
});
