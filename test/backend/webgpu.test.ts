import { describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { forWebgpu } from '../../src/backend/webgpu-graph.ts';
import { float32, Graph, type Tensor, type Value } from '../../src/graph/graph.ts';
import { relu } from '../../src/ops/activation.ts';
import { conv, convTranspose } from '../../src/ops/conv.ts';
import { abs, pow, sign } from '../../src/ops/elementwise.ts';
import { emit } from '../../src/ops/op.ts';
import { MaxPool } from '../../src/ops/pool.ts';
import { mean } from '../../src/ops/reduce.ts';
import { tile } from '../../src/ops/segments.ts';
import { slice } from '../../src/ops/window.ts';
import { runSteps } from '../../src/train/loop.ts';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { rng } from '../../src/util/rng.ts';
import { folderWith } from '../cli/ganlet.ts';
import { darkening, darkeningFeeds } from './darkening.ts';
import { cpu, webgpu, webgpuWorks, wholeWebgpu } from './software-webgpu.ts';
import { tinyTraining } from './tiny-training.ts';
import { expectAgreement, trained } from './trained.ts';

const drawn = (shape: number[], purpose: string): Tensor =>
  float32(shape, rng(1, purpose).fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1))));

/** Runs a graph of several outputs on both: every one of them equal to 1e-5. */
async function expectEqual(graph: Graph, feeds: Record<string, Tensor>) {
  const [expected, own] = [await runGraph(graph, feeds, cpu), await runGraph(graph, feeds, webgpu)];
  for (const [name, { data }] of Object.entries(expected)) {
    const largest = Math.max(...(data as Float32Array).map(Math.abs));
    expect(own[name]!.data, name).toBeAllclose(data as Float32Array, { rtol: 1e-5, atol: 1e-5 * largest });
  }
}

describe('a graph for WebGPU', () => {
  test('is the graph itself where nothing in it goes wrong there', () => {
    const graph = new Graph('right');
    graph.output(relu(graph.input('x', 'float32', [2])), 'y');
    expect(forWebgpu(graph)).toEqual({ graph, onCpu: [] });
    expect(forWebgpu(graph).graph).toBe(graph);
  });

  test('names the nodes that the CPU is to compute', () => {
    const graph = new Graph('odd');
    const x = graph.input('x', 'float32', [1, 1, 4, 4]);
    const powers = pow(abs(x), graph.input('y', 'float32', [4, 1]));
    graph.output(sign(powers), 'y of x');
    const { onCpu, graph: prepared } = forWebgpu(graph);
    expect(onCpu).toEqual(prepared.nodes.filter((node) => node.op === 'Pow').map((node) => node.name));
    expect(onCpu).toHaveLength(1);
    expect(prepared.nodes.map((node) => node.op)).not.toContain('Sign');
  });
});

describe.skipIf(!webgpuWorks)('WebGPU', () => {
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
    await expectEqual(graph, feeds);
  });

  test('does what it would do wrongly by other means, or on the processor', async () => {
    const graph = new Graph('faults');
    const feeds: Record<string, Tensor> = {};
    const fed = (name: string, shape: number[]): Value => {
      feeds[name] = drawn(shape, name);
      return graph.input(name, 'float32', shape);
    };
    for (const [group, each] of [
      [2, 2],
      [3, 4],
      [2, 3],
    ] as const) {
      const x = fed(`x ${group} ${each}`, [2, group * each, 3, 4]);
      const w = fed(`w ${group} ${each}`, [group * each, 1, 3, 3]);
      const bias = fed(`b ${group} ${each}`, [group]);
      const options = { group, strides: [2, 1], bias };
      graph.output(convTranspose(x, w, options), `transposed, ${group} groups of ${each}`);
    }
    const line = fed('line', [3, 7]);
    for (const [start, end, step] of [
      [5, 0, -2],
      [5, -8, -1],
      [-2, -100, -3],
      [6, 0, -2],
      [2, 5, -1],
    ] as const)
      graph.output(
        slice(line, [1, 0], [start, 0], [end, 2], [step, 1]),
        `from ${start} to ${end} by ${step}`,
      );
    graph.output(pow(abs(line), fed('exponents', [3, 1])), 'powers');
    graph.output(sign(relu(line)), 'signs');
    const view = { kernel_shape: [2, 2], strides: [2, 2] };
    const { outputs } = graph.add('MaxPool', [fed('image', [1, 2, 4, 4])], view, [
      { dtype: 'float32', shape: [1, 2, 2, 2] },
      { dtype: 'int64', shape: [1, 2, 2, 2] },
    ]);
    graph.output(outputs[0]!, 'maxima');
    graph.output(emit(MaxPool, [outputs[0]!], view), 'maxima of maxima');
    await expectEqual(graph, feeds);
  });

  test('says that memory ran out where the device gives none for a tensor', async () => {
    const graph = new Graph('large');
    const x = graph.input('x', 'float32', [1, 1024, 16]);
    graph.output(mean(tile(x, [2 ** 16, 1, 1])), 'y');
    await expect(runGraph(graph, { x: drawn([1, 1024, 16], 'x') }, webgpu)).rejects.toMatchObject({
      code: 'MEMORY_SHORT',
      message: expect.stringMatching(/^ONNX Runtime must run "large", it did not: the device gave no memory/),
    });
  });

  test('with --debug says once which nodes the CPU computes', async () => {
    const said: string[] = [];
    const graph = new Graph('powers');
    const powers = pow(abs(graph.input('x', 'float32', [3, 2])), graph.input('y', 'float32', [3, 1]));
    graph.output(relu(powers), 'z');
    const watched = onnxruntime({ provider: 'webgpu', threads: 1, onDebug: (line) => said.push(line) });
    const compiled = await watched.compile({ graph, state: [] });
    for (let i = 0; i < 3; i++) await compiled.run({ x: drawn([3, 2], 'x'), y: drawn([3, 1], 'y') });
    await compiled.dispose();
    expect(said).toEqual(['provider webgpu leaves 1 of the 3 nodes of "powers" to the CPU: Pow 1']);
  });

  test('keeps the state on the device, reads it, writes it, and goes on with it', async () => {
    const run = async (backend: Backend) => {
      const compiled = await backend.compile(darkening());
      for (let i = 0; i < 3; i++) await compiled.run(darkeningFeeds);
      expect(await compiled.run(darkeningFeeds, { results: [] })).toEqual({});
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
    const [expected, own] = [await run(cpu), await run(webgpu)];
    expect([...own.some.keys()]).toEqual(['w2']);
    expect(own.some.get('w2')).toEqual(own.all.get('w2'));
    expect(own.loss).toBeCloseTo(expected.loss, 3);
    for (const [name, { data }] of expected.after)
      expect(own.after.get(name)!.data, name).toBeAllclose(data as Float32Array, { rtol: 1e-4, atol: 1e-5 });
  });

  test('keeps the state there of a program of which a part is left to the CPU', async () => {
    const graph = new Graph('powers');
    const input = graph.input('s', 'float32', [3, 2]);
    const output = graph.output(pow(abs(input), graph.input('y', 'float32', [3, 1])), 'next');
    const initial = drawn([3, 2], 's');
    const run = async (backend: Backend) => {
      const compiled = await backend.compile({ graph, state: [{ name: 's', input, output, initial }] });
      for (let i = 0; i < 3; i++) await compiled.run({ y: drawn([3, 1], 'y') });
      const state = await compiled.readState();
      await compiled.dispose();
      return state.get('s')!.data as Float32Array;
    };
    expect(await run(webgpu)).toBeAllclose(await run(cpu), { rtol: 1e-5 });
  });

  test('a training adds up its losses there, and its lines are those of the processor', async () => {
    const lines = async (backend: Backend) => {
      const directory = folderWith();
      const settings = {
        lr: 1,
        schedule: 'constant',
        constantFraction: 1,
        batch: 2,
        fingerprint: 'same',
      } as const;
      await runSteps({
        ...settings,
        ...{ program: darkening(), backend, losses: ['loss'], shown: ['loss'], directory },
        ...{ steps: 7, tick: 3, checkpointSeconds: 0, feeds: async () => darkeningFeeds },
        progress: { update() {}, line() {}, end() {} },
      });
      return readJsonLines<Record<string, number>>(`${directory}/stats.jsonl`);
    };
    const [expected, own] = [await lines(cpu), await lines(webgpu)];
    expect(own.map(({ step }) => step)).toEqual([3, 6, 7]);
    for (const [i, line] of expected.entries())
      expect(Math.abs(own[i]!.loss! / line.loss! - 1)).toBeLessThan(1e-4);
  });

  // A software driver compiles such a program for half a minute.
  test.skipIf(!wholeWebgpu).each([
    ['distillation', {}],
    ['elastic distillation', { widths: 'one' }],
  ] as const)(
    '20 steps of %s and their student are those of the processor',
    async (_, changes) => {
      const training = tinyTraining(changes);
      const expected = await trained(cpu, training, 20);
      expectAgreement(await trained(webgpu, training, 20), expected);
    },
    600_000,
  );
});
