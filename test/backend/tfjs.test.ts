import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { reshapedOrder } from '../../src/backend/tfjs/reshape.ts';
import { tfjs } from '../../src/backend/tfjs.ts';
import { float32, Graph, int64, type Tensor, type Value } from '../../src/graph/graph.ts';
import { leakyRelu, relu } from '../../src/ops/activation.ts';
import { conv } from '../../src/ops/conv.ts';
import { add, cast, mul } from '../../src/ops/elementwise.ts';
import { gather } from '../../src/ops/gather.ts';
import { flatten, reshape, transpose } from '../../src/ops/layout.ts';
import { matMul } from '../../src/ops/matmul.ts';
import { instanceNorm } from '../../src/ops/norm.ts';
import { averagePool } from '../../src/ops/pool.ts';
import { mean } from '../../src/ops/reduce.ts';
import { upsample } from '../../src/ops/resize.ts';
import { darkening, darkeningFeeds, random } from './darkening.ts';

const engine = tfjs(tf);
/** The names of the kernels that TensorFlow.js runs in `f`. */
async function kernelsIn(f: () => Promise<unknown>): Promise<string[]> {
  const profile = await tf.profile(f as never);
  return profile.kernels.map(({ name }) => name);
}

const countOf = (names: readonly string[], name: string) => names.filter((n) => n === name).length;

describe('memory', () => {
  test('holds as many tensors after 100 steps as after 2', async () => {
    const program = darkening();
    const compiled = await engine.compile(program);
    const feeds = darkeningFeeds;
    const losses: number[] = [];
    const counts: number[] = [];
    for (let step = 0; step < 100; step++) {
      losses.push((await compiled.run(feeds)).loss!.data[0] as number);
      counts.push(tf.memory().numTensors);
    }
    expect(counts[99]).toBe(counts[1]);
    expect(losses[99]!).toBeLessThan(0.1 * losses[0]!);
    await compiled.dispose();
  });

  test('a run that fails leaves nothing behind, and the state as it was', async () => {
    const graph = new Graph('reader');
    const table = graph.input('table', 'float32', [4, 2]);
    const read = gather(table, graph.input('at', 'int64', ['count']), 0);
    graph.output(mean(mul(read, 2)), 'y');
    const output = graph.output(add(table, 1), 'next');
    const initial = random([4, 2], 'table');
    const compiled = await engine.compile({
      graph,
      state: [{ name: 'table', input: table, output, initial }],
    });
    await compiled.run({ at: int64([0, 3]) });
    const before = tf.memory().numTensors;
    await expect(compiled.run({ at: int64([4]) })).rejects.toMatchObject({
      code: 'RUN_FAILED',
      message: expect.stringMatching(
        /TensorFlow.js must run Gather "Gather" of "reader".*must lie in \[-4, 4\), got 4/,
      ),
    });
    expect(tf.memory().numTensors).toBe(before);
    const kept = (await compiled.readState()).get('table')!;
    expect(kept.data).toEqual(Float32Array.from(initial.data as Float32Array, (v) => v + 1));
    await compiled.dispose();
  });
});

describe('state', () => {
  test('is read, written and carried on as by ONNX Runtime', async () => {
    const program = darkening();
    const feeds = darkeningFeeds;
    const losses = await Promise.all(
      [onnxruntime({ threads: 1 }), engine].map(async (backend) => {
        const compiled = await backend.compile(program);
        await compiled.run(feeds);
        const state = await compiled.readState(['w1']);
        expect([...state.keys()]).toEqual(['w1']);
        await compiled.writeState(new Map([['w2', random([3, 4, 3, 3], 'other')]]));
        await expect(compiled.writeState(new Map([['w3', float32([1], [0])]]))).rejects.toMatchObject({
          code: 'STATE_MISMATCH',
        });
        const { loss } = await compiled.run(feeds);
        await compiled.dispose();
        return [loss!.data[0] as number, ...(state.get('w1')!.data as Float32Array)];
      }),
    );
    expect(losses[1]!).toBeAllclose(losses[0]!);
  });

  test('starts from what the program says, however often that was run before', async () => {
    const program = darkening();
    const before = program.state.map((s) => s.initial.data.slice());
    for (const backend of [onnxruntime({ threads: 1 }), engine]) {
      const compiled = await backend.compile(program);
      for (let i = 0; i < 3; i++) await compiled.run(darkeningFeeds);
      await compiled.dispose();
      expect(program.state.map((s) => s.initial.data)).toEqual(before);
    }
  });
});

describe('orders of axes', () => {
  test('an image is transposed once on its way in and once on its way out, constant weights only once', async () => {
    const graph = new Graph('chain');
    let y: Value = graph.input('x', 'float32', ['batch', 3, 8, 8]);
    for (const [i, [inputs, outputs]] of [
      [3, 4],
      [4, 5],
      [5, 3],
    ].entries()) {
      const w = graph.constant(random([outputs!, inputs!, 3, 3], `w${i}`), `w${i}`);
      const bias = graph.constant(random([outputs!], `b${i}`), `b${i}`);
      y = leakyRelu(instanceNorm(conv(y, w, { pads: [1, 1, 1, 1], bias })), 0.2);
      y = i === 1 ? averagePool(y, { kernel: [2, 2] }) : upsample(add(y, mul(y, 0.5)), [2, 2]);
    }
    graph.output(y, 'y');
    const compiled = await engine.compile({ graph, state: [] });
    const feeds = { x: random([2, 3, 8, 8], 'x') };
    const first = await kernelsIn(() => compiled.run(feeds));
    const second = await kernelsIn(() => compiled.run(feeds));
    expect(countOf(first, 'Conv2D')).toBe(3);
    expect(countOf(first, 'Transpose')).toBe(2 + 3);
    expect(countOf(second, 'Transpose')).toBe(2);
    await compiled.dispose();
  });

  test('transpositions that nobody needs never happen', async () => {
    const graph = new Graph('turns');
    const x = graph.input('x', 'float32', [2, 3, 4, 5]);
    const there = relu(transpose(x, [0, 2, 3, 1]));
    const back = flatten(transpose(there, [0, 3, 1, 2]));
    const [a, b] = [graph.input('a', 'float32', [7, 60]), transpose(back, [1, 0])];
    graph.output(matMul(a, b), 'y');
    const feeds = { x: random([2, 3, 4, 5], 'x'), a: random([7, 60], 'a') };
    const expected = await runGraph(graph, feeds);
    const compiled = await engine.compile({ graph, state: [] });
    let found: Record<string, Tensor> = {};
    const names = await kernelsIn(async () => {
      found = await compiled.run(feeds);
    });
    expect(countOf(names, 'Transpose')).toBe(0);
    expect(found.y!.data as Float32Array).toBeAllclose(expected.y!.data as Float32Array, { atol: 1e-5 });
    await compiled.dispose();
  });

  test('a reshaped value is where its new order says, or said to have none', () => {
    const shapes = fc.array(fc.constantFrom(1, 2, 3, 4), { minLength: 1, maxLength: 4 });
    const orders = shapes.chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.shuffledSubarray(
          shape.map((_, k) => k),
          { minLength: shape.length },
        ),
        fc.shuffledSubarray(factors(shape)),
      ),
    );
    let kept = 0;
    fc.assert(
      fc.property(orders, ([from, order, some]) => {
        const total = from.reduce<number>((a, b) => a * b, 1);
        const to = [...some, total / some.reduce((a, b) => a * b, 1)];
        const next = reshapedOrder(from, to, order);
        if (!next) return;
        kept++;
        expect([...next].sort()).toEqual(to.map((_, k) => k));
        tf.tidy(() => {
          const value = tf.range(0, total).reshape(from);
          const laid = value.transpose(order);
          const expected = value.reshape(to).transpose(next);
          expect([...laid.dataSync()]).toEqual([...expected.dataSync()]);
        });
      }),
      { numRuns: 400 },
    );
    expect(kept).toBeGreaterThan(100);
  });
});

/** Prime factors of the sizes: some of them multiply to a divisor of the whole. */
function factors(shape: readonly number[]): number[] {
  return shape.flatMap((d) => (d === 4 ? [2, 2] : d === 1 ? [] : [d]));
}

describe('errors', () => {
  test('an operator without a kernel is named before anything runs', async () => {
    const graph = new Graph('foreign');
    const x = graph.input('x', 'float32', [2]);
    graph.output(graph.add('Einsum', [x], {}, [{ dtype: 'float32', shape: [2] }]).outputs[0]!, 'y');
    await expect(engine.compile({ graph, state: [] })).rejects.toMatchObject({
      code: 'KERNEL_MISSING',
      message: 'every operator must have a TensorFlow.js kernel, Einsum (node "Einsum") has none',
      hint: 'use --backend onnxruntime',
    });
  });

  test('a feed that does not fit is told as by ONNX Runtime', async () => {
    const graph = new Graph('small');
    graph.output(relu(graph.input('x', 'float32', ['batch', 2])), 'y');
    for (const backend of [onnxruntime({ threads: 1 }), engine]) {
      const compiled = await backend.compile({ graph, state: [] });
      await expect(compiled.run({ x: float32([2], [1, 2]) })).rejects.toMatchObject({
        code: 'FEED_MISMATCH',
        message: 'input "x" of "small" must be float32 [batch, 2], got float32 [2]',
      });
      await compiled.dispose();
    }
  });

  test('half precision is refused', async () => {
    const graph = new Graph('half');
    graph.output(cast(relu(cast(graph.input('x', 'float32', [2]), 'float16')), 'float32'), 'y');
    await expect(runGraph(graph, { x: float32([2], [1, 2]) }, engine)).rejects.toMatchObject({
      code: 'DTYPE_UNSUPPORTED',
    });
  });
});

test('sizes are computed on the host: none of them goes through the device', async () => {
  const graph = new Graph('sizes');
  const x = graph.input('x', 'float32', ['batch', 'rows', 4]);
  graph.output(reshape(relu(x), ['rows', 4, 'batch'], x), 'y');
  const compiled = await engine.compile({ graph, state: [] });
  const names = await kernelsIn(() => compiled.run({ x: random([2, 3, 4], 'x') }));
  expect(new Set(names)).toEqual(new Set(['Relu', 'Reshape']));
  await compiled.dispose();
});
