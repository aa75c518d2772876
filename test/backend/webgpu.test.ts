import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { float32, Graph, type Tensor } from '../../src/graph/graph.ts';
import { conv } from '../../src/ops/conv.ts';
import { rng } from '../../src/util/rng.ts';
import { built } from '../cli/ganlet.ts';
import { darkening, darkeningFeeds } from './darkening.ts';
import { tinyTraining } from './tiny-training.ts';

/** Chromium brings a Vulkan driver that computes on the processor. */
const software = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (!process.env.VK_DRIVER_FILES && existsSync(software)) process.env.VK_DRIVER_FILES = software;
const { tryEngine } = (await import(
  built('backend/engines.js')
)) as typeof import('../../src/backend/engines.ts');
const { ok, found } = await tryEngine('webgpu', 60_000);
if (!ok) console.warn(`WebGPU is not tested, no adapter computes here: ${found}`);

const { onnxruntime, runGraph } = await import('../../src/backend/onnxruntime.ts');
const cpu = onnxruntime({ threads: 1 });
const gpu = onnxruntime({ provider: 'webgpu', threads: 1 });

const drawn = (shape: number[], purpose: string): Tensor =>
  float32(shape, rng(1, purpose).fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1))));

describe.skipIf(!ok)('WebGPU', () => {
  test('convolves as the processor does, whatever the channels are multiples of', async () => {
    const graph = new Graph('convolutions');
    const feeds: Record<string, Tensor> = {};
    for (const [into, out, kernel, stride] of [
      [6, 16, 4, 2],
      [6, 12, 3, 2],
      [9, 8, 3, 1],
      [15, 16, 3, 1],
      [3, 8, 7, 1],
      [6, 8, 1, 1],
      [5, 4, 3, 1],
    ] as const) {
      const name = `${into} to ${out}, kernel ${kernel}, stride ${stride}`;
      const weights = drawn([out, into, kernel, kernel], 'w');
      const x = graph.input(`x ${name}`, 'float32', [2, into, 9, 9]);
      const fed = graph.input(`w ${name}`, 'float32', weights.shape);
      Object.assign(feeds, { [x.name]: drawn([2, into, 9, 9], 'x'), [fed.name]: weights });
      const border = Math.floor(kernel / 2);
      const options = { strides: [stride, stride], pads: [border, border, border, border] };
      graph.output(conv(x, graph.constant(weights, `c ${name}`), options), `constant ${name}`);
      graph.output(conv(x, fed, options), `fed ${name}`);
    }
    const [expected, own] = [await runGraph(graph, feeds, cpu), await runGraph(graph, feeds, gpu)];
    for (const [name, { data }] of Object.entries(expected)) {
      const largest = Math.max(...(data as Float32Array).map(Math.abs));
      expect(own[name]!.data, name).toBeAllclose(data as Float32Array, { rtol: 1e-5, atol: 1e-5 * largest });
    }
  });

  test('keeps the state on the device, reads it, writes it, and goes on with it', async () => {
    const run = async (backend: Backend) => {
      const compiled = await backend.compile(darkening());
      for (let i = 0; i < 4; i++) await compiled.run(darkeningFeeds);
      const some = await compiled.readState(['w2']);
      const all = await compiled.readState();
      await compiled.run(darkeningFeeds);
      await compiled.writeState(all);
      expect(await compiled.readState()).toEqual(all);
      const { loss } = await compiled.run(darkeningFeeds);
      const after = await compiled.readState();
      await compiled.dispose();
      return { some, all, after, loss: loss!.data[0] as number };
    };
    const [expected, own] = [await run(cpu), await run(gpu)];
    expect([...own.some.keys()]).toEqual(['w2']);
    expect(own.some.get('w2')).toEqual(own.all.get('w2'));
    expect(own.loss).toBeCloseTo(expected.loss, 3);
    for (const [name, { data }] of expected.after)
      expect(own.after.get(name)!.data, name).toBeAllclose(data as Float32Array, { rtol: 1e-4, atol: 1e-5 });
  });

  // A software driver takes minutes for it.
  test.skipIf(!process.env.GANLET_TEST_WEBGPU)(
    'takes the steps of a distillation that the processor takes',
    async () => {
      const training = tinyTraining();
      const losses = async (backend: Backend) => {
        const compiled = await backend.compile(training.program);
        const found: Record<string, Tensor>[] = [];
        for (let step = 0; step < 2; step++) found.push(await compiled.run(await training.feeds(step)));
        await compiled.dispose();
        return found;
      };
      const [expected, own] = [await losses(cpu), await losses(gpu)];
      for (const [step, values] of expected.entries()) {
        for (const [name, { data }] of Object.entries(values)) {
          const [wanted, made] = [Number(data[0]), Number(own[step]![name]!.data[0])];
          expect(Math.abs(made - wanted), `${name} of step ${step}`).toBeLessThan(
            1e-3 * Math.max(1, Math.abs(wanted)),
          );
        }
      }
    },
  );
});
