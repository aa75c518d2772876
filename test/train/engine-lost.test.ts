import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { namedBackend } from '../../src/backend/engines.ts';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { tfjs } from '../../src/backend/tfjs.ts';
import { batchThatFits } from '../../src/train/batch-that-fits.ts';
import { readCheckpoint } from '../../src/train/checkpoint.ts';
import { runSteps } from '../../src/train/loop.ts';
import { lossNames } from '../../src/train/step.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { failingAt } from '../backend/failing.ts';
import { batch, tinyTraining } from '../backend/tiny-training.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-lost-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const cpu = onnxruntime({ threads: 1 });
const training = tinyTraining();

/** Six steps of a distillation, in a folder of this name. */
const trained = (name: string, backend: Backend) =>
  runSteps({
    ...{ program: training.program, feeds: training.feeds, backend, losses: lossNames, shown: [] },
    ...{
      steps: 6,
      lr: 1e-3,
      schedule: 'linear',
      constantFraction: 0.5,
      batch,
      tick: 2,
      checkpointSeconds: 0,
    },
    ...{ directory: join(folder, name), fingerprint: 'same' },
    progress: { update() {}, line() {}, end() {} },
  });
const linesOf = (name: string) => readJsonLines<Record<string, number>>(join(folder, name, 'stats.jsonl'));

describe('a device that is lost in mid-training', () => {
  test('leaves the last good state, from which another engine goes on to the same end', async () => {
    const whole = await trained('whole', cpu);
    await expect(trained('lost', failingAt(cpu, 4, 'the device was lost'))).rejects.toMatchObject({
      code: 'DEVICE_LOST',
      message: expect.stringMatching(
        /^the engine must run "step", it did not: the device was lost \(step 4\); the state after step 3 is kept in \S+lost$/,
      ),
      hint: expect.stringContaining('another engine takes over: --backend, --provider'),
    });
    expect(readCheckpoint(join(folder, 'lost'))!.step).toBe(3);

    const found = await trained('lost', tfjs(tf));
    expect([...found.keys()]).toEqual([...whole.keys()]);
    expect(linesOf('lost').map(({ step }) => step)).toEqual([2, 4, 6]);
    for (const [i, line] of linesOf('whole').entries())
      for (const name of ['gan', 'recon', 'distill', 'dReal', 'dFake'])
        expect(linesOf('lost')[i]![name], `${name} of line ${i}`).toBeCloseTo(line[name]!, 3);
  });

  test('before a state was saved there is none to go on from, and it says so', async () => {
    await expect(trained('early', failingAt(cpu, 1, 'CUDA error 700'))).rejects.toMatchObject({
      code: 'DEVICE_LOST',
      message: expect.stringMatching(/\(step 1\); no state had been saved yet$/),
    });
    expect(existsSync(join(folder, 'early', 'checkpoint.safetensors'))).toBe(false);
  });
});

describe('memory that runs out', () => {
  test.each([
    'std::bad_alloc',
    'CUDA failure 2: out of memory',
    'OOM when allocating tensor with shape[8,64,64,64]',
    'WebGPU validation failed. [Invalid Buffer (unlabeled)] is invalid due to a previous error.',
  ])('in a step (%s): the batch that would fit is named', async (message) => {
    await expect(trained('short', failingAt(cpu, 1, message))).rejects.toMatchObject({
      code: 'MEMORY_SHORT',
      hint: expect.stringMatching(
        /batch of 1 is too large already|^set batch to 1, whose step takes about \d+ MiB/,
      ),
    });
  });

  test('a batch is found by what a picture adds, down to none', () => {
    const { program } = training;
    const now = batchThatFits(program, batch, Number.POSITIVE_INFINITY);
    expect(now.batch).toBe(batch - 1);
    expect(now.bytesThen).toBeLessThan(now.bytes);
    const eight = batchThatFits(program, 8, 0.75);
    expect(eight.batch).toBeGreaterThan(0);
    expect(eight.batch).toBeLessThan(7);
    expect(eight.bytesThen).toBeLessThanOrEqual(0.75 * eight.bytes);
    expect(batchThatFits(program, 8, 10).batch).toBe(0);
  });
});

test('an engine that is named but not there is told before anything is done', async () => {
  await expect(namedBackend('onnxruntime', 'cuda', { threads: 1 })).rejects.toMatchObject({
    code: 'PROVIDER_MISSING',
    message: expect.stringMatching(/^provider cuda must load the CUDA provider and its libraries/),
    hint: expect.stringContaining('--provider cpu'),
  });
});
