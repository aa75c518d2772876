import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { tfjs } from '../../src/backend/tfjs.ts';
import { float32, type Tensor } from '../../src/graph/graph.ts';
import { readCheckpoint } from '../../src/train/checkpoint.ts';
import { runSteps, type StepTraining } from '../../src/train/loop.ts';
import { lossNames } from '../../src/train/step.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { failingAt } from '../backend/failing.ts';
import { batch, tinyTraining } from '../backend/tiny-training.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-remote-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const cpu = onnxruntime({ threads: 1 });
const training = tinyTraining();
const shown = ['gan', 'recon', 'distill'];
/** What `run` and `readState` were asked for, in order; `undefined` stands for everything. */
type Asked = { results: (readonly string[] | undefined)[]; state: (readonly string[] | undefined)[] };

/** An engine that is treated as one on a device, and what was asked of it. */
function remote(backend: Backend, asked: Asked = { results: [], state: [] }): Backend {
  return {
    ...backend,
    remote: true,
    async compile(program) {
      const compiled = await backend.compile(program);
      return {
        ...compiled,
        run(feeds, options) {
          asked.results.push(options?.results);
          return compiled.run(feeds, options);
        },
        readState(names) {
          asked.state.push(names);
          return compiled.readState(names);
        },
      };
    },
  };
}

const trained = (name: string, backend: Backend, changes: Partial<StepTraining> = {}) =>
  runSteps({
    ...{ program: training.program, feeds: training.feeds, backend, losses: lossNames, shown },
    ...{ steps: 10, lr: 1e-3, schedule: 'linear', constantFraction: 0.5, batch, tick: 4 },
    ...{ checkpointSeconds: 3600, directory: join(folder, name), fingerprint: 'same' },
    progress: { update() {}, line() {}, end() {} },
    ...changes,
  });
const linesOf = (name: string) => readJsonLines<Record<string, number>>(join(folder, name, 'stats.jsonl'));

function expectSameBits(a: ReadonlyMap<string, Tensor>, b: ReadonlyMap<string, Tensor>) {
  expect([...a.keys()]).toEqual([...b.keys()]);
  for (const [name, { data }] of a)
    expect(Buffer.from(data.buffer).equals(Buffer.from(b.get(name)!.data.buffer)), name).toBe(true);
}

function expectSameLosses(name: string, other: string) {
  expect(linesOf(name).map((line) => Object.keys(line))).toEqual(
    linesOf(other).map((line) => Object.keys(line)),
  );
  for (const [i, line] of linesOf(other).entries())
    for (const loss of lossNames.filter((own) => own in line))
      expect(Math.abs(linesOf(name)[i]![loss]! / line[loss]! - 1), `${loss} of line ${i}`).toBeLessThan(1e-5);
}

describe('on a device', () => {
  test('losses are added up there: read at ticks only, the means are of all steps, the weights as without', async () => {
    const asked: Asked = { results: [], state: [] };
    const begun = performance.now();
    const found = await trained('remote', remote(cpu, asked));
    const seconds = (performance.now() - begun) / 1000;
    expectSameBits(found, await trained('near', cpu));
    expectSameLosses('remote', 'near');
    expect(linesOf('remote').map(({ step }) => step)).toEqual([4, 8, 10]);

    expect(asked.results).toHaveLength(10);
    for (const step of [4, 8, 10]) expect(asked.results[step - 1]).toEqual(shown);
    // Besides, one look a second for the progress line.
    expect(asked.results.filter((names) => names?.length !== 0).length).toBeLessThanOrEqual(4 + seconds);
    expect(asked.state).not.toContain(undefined);
    expect(asked.state.filter((names) => names!.includes('losses/sums'))).toHaveLength(4);
  });

  test('a state that was saved there goes on elsewhere, and the other way round, its sums with it', async () => {
    const whole = await trained('near', cpu);
    for (const [name, first, then] of [
      ['there-here', remote(cpu), cpu],
      ['here-there', cpu, remote(cpu)],
    ] as const) {
      const saved = { checkpointSeconds: 0 };
      await expect(trained(name, failingAt(first, 7), saved)).rejects.toMatchObject({ code: 'DEVICE_LOST' });
      const { step, state } = readCheckpoint(join(folder, name))!;
      expect(step).toBe(6);
      expect([...state.keys()]).toEqual([...whole.keys()]);
      expectSameBits(await trained(name, then), whole);
      expectSameLosses(name, 'near');
    }
  });

  test('a loss that is not finite is found at the next tick, and the last good state is kept', async () => {
    await trained('diverges', remote(cpu), { steps: 4 });
    const feeds: typeof training.feeds = async (step) => {
      const fed = await training.feeds(step);
      const { shape, data } = fed.image!;
      return step === 5 ? { ...fed, image: float32(shape, new Float32Array(data.length).fill(NaN)) } : fed;
    };
    await expect(trained('diverges', remote(cpu), { feeds })).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: expect.stringMatching(/ loss was not in steps 5 to 8; the state after step 4 is kept in /),
    });
    expect(readCheckpoint(join(folder, 'diverges'))!.step).toBe(4);
  });

  test('a device that is lost when something is read from it is lost like any other', async () => {
    const lost: Backend = {
      ...cpu,
      remote: true,
      async compile(program) {
        const compiled = await cpu.compile(program);
        return { ...compiled, readState: () => Promise.reject(new Error('the device was lost')) };
      },
    };
    await expect(trained('lost', lost)).rejects.toMatchObject({
      code: 'DEVICE_LOST',
      message: expect.stringMatching(/the device was lost \(step 4\); no state had been saved yet$/),
    });
  });
});

test.each([
  ['ONNX Runtime', cpu],
  ['TensorFlow.js', tfjs(tf)],
])(
  '%s returns the results that are asked for, and its state is the same whatever is asked',
  async (_, backend) => {
    const states: Map<string, Tensor>[] = [];
    const before = tf.memory().numTensors;
    for (const results of [undefined, ['recon'], []]) {
      const compiled = await backend.compile(training.program);
      const found = await compiled.run(await training.feeds(0), results && { results });
      if (results) expect(Object.keys(found)).toEqual(results);
      else
        expect(Object.keys(found)).toEqual(
          expect.arrayContaining(['gan', 'recon', 'distill', 'dReal', 'dFake']),
        );
      states.push(await compiled.readState());
      await compiled.dispose();
    }
    expect(tf.memory().numTensors, 'tensors left over').toBe(before);
    expectSameBits(states[1]!, states[0]!);
    expectSameBits(states[2]!, states[0]!);
  },
);
