import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { widthFeeds } from '../../src/compress/elastic.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { widthSpace } from '../../src/compress/width-space.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { initialise } from '../../src/models/init.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { train } from '../../src/train/loop.ts';
import { stepProgram } from '../../src/train/step.ts';
import { drawWidths, widthWeights } from '../../src/train/width-sampling.ts';
import { noiseSource } from '../support/shapes-source.ts';

const size = 16;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-elastic-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const architecture = {
  type: 'resnet',
  baseWidth: 4,
  blocks: 1,
  norm: 'instance',
  padding: 'reflect',
  separable: true,
  dropout: 0.5,
} as const;
const generator = initialise(resnetGenerator({ ...architecture, size }), { seed: 1, gain: 0.2 });
const space = widthSpace(channelGroups(generator), [4, 3, 2, 1], architecture);

test('training at random widths compiles once, and ends with the same bits when it is stopped and started again', async () => {
  let compilations = 0;
  const engine = onnxruntime({ threads: 1 });
  const backend: Backend = {
    ...engine,
    compile(program) {
      compilations++;
      return engine.compile(program);
    },
  };
  const settings = {
    seed: 3,
    steps: 8,
    lr: 2e-3,
    beta1: 0.5,
    beta2: 0.999,
    schedule: 'linear',
    constantFraction: 0.5,
    ema: 0.9,
    diffaugment: ['translation'],
  } as const;
  const seen = new Set<string>();
  const run = (name: string, stop = Number.POSITIVE_INFINITY) => {
    let steps = 0;
    return train({
      ...settings,
      program: stepProgram({
        ...settings,
        generator,
        discriminator: initialise(patchDiscriminator({ baseWidth: 2, layers: 1, inputChannels: 6, size }), {
          seed: 2,
          gain: 0.2,
        }),
        batch: 2,
        size,
        ganMode: 'hinge',
        recon: 'l1',
        lambdaGan: 1,
        lambdaRecon: 10,
        ema: true,
        elastic: { space, sandwich: false, drift: false },
      }),
      backend,
      source: noiseSource(size),
      augment: { flip: true },
      batch: 2,
      tick: 4,
      checkpointSeconds: 0,
      directory: join(folder, name),
      fingerprint: 'same',
      pictures: [1, 4, 7],
      more(step) {
        const vector = drawWidths(space, { weighting: 'uniform', ratio: 2, seed: 3 }, step);
        seen.add(String(vector));
        return widthFeeds(space, vector);
      },
      progress: {
        update() {
          if (++steps === stop) throw new Error('stopped');
        },
        line() {},
        end() {},
      },
    });
  };
  const whole = await run('whole');
  expect(compilations).toBe(1);
  expect(seen.size).toBeGreaterThan(6);
  await expect(run('stopped', 3)).rejects.toThrow('stopped');
  const resumed = await run('stopped');
  expect([...resumed.keys()]).toEqual([...whole.keys()]);
  for (const [name, { data }] of whole)
    expect(Buffer.from(resumed.get(name)!.data.buffer).equals(Buffer.from(data.buffer)), name).toBe(true);
});

test('narrow widths are drawn more often where that is asked for', () => {
  expect(widthWeights('arithmetic', 2, 5)).toEqual([4, 5, 6, 7, 8]);
  expect(widthWeights('geometric', 3, 4)).toEqual([1, 3, 9, 27]);
  expect(widthWeights('arithmetic', 1, 3)).toEqual([1, 1, 1]);
  const counts = { uniform: 0, arithmetic: 0, geometric: 0 };
  for (const weighting of ['uniform', 'arithmetic', 'geometric'] as const) {
    for (let step = 0; step < 2000; step++)
      if (drawWidths(space, { weighting, ratio: 2, seed: 1 }, step)[0] === 1) counts[weighting]++;
  }
  // Of the four widths 4, 3, 2, 1 the narrowest: 1/4, 6/18 and 8/15 of the draws.
  expect(counts.uniform / 2000).toBeCloseTo(1 / 4, 1);
  expect(counts.arithmetic / 2000).toBeCloseTo(6 / 18, 1);
  expect(counts.geometric / 2000).toBeCloseTo(8 / 15, 1);
});

test('the widths of a step follow from the seed and the step alone', () => {
  const draw = (seed: number, step: number) =>
    drawWidths(space, { weighting: 'uniform', ratio: 2, seed }, step).join('_');
  expect(draw(1, 7)).toBe(draw(1, 7));
  expect(new Set([0, 1, 2, 3, 4].map((step) => draw(1, step))).size).toBeGreaterThan(3);
  expect(draw(1, 7)).not.toBe(draw(2, 7));
});
