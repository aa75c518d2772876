import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { tfjs } from '../../src/backend/tfjs.ts';
import type { Graph, Tensor } from '../../src/graph/graph.ts';
import { float32 } from '../../src/graph/graph.ts';
import { type OpType, ops } from '../../src/ops/index.ts';
import { rng } from '../../src/util/rng.ts';
import { composed, table } from '../ops/cases/table.ts';
import { backwardGraph, drawInputs, forwardGraph, type GradientCase } from '../ops/finite-differences.ts';
import { convolutions, further, withoutGradient } from './forward-cases.ts';

const [reference, engine] = [onnxruntime({ threads: 1 }), tfjs(tf)];

/** Equal to 1e-5 of each number, or of the largest where sums cancel. */
async function expectEqual(graph: Graph, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const expected = await runGraph(graph, feeds, reference);
  const before = tf.memory().numTensors;
  const found = await runGraph(graph, feeds, engine);
  expect(tf.memory().numTensors, 'tensors left over').toBe(before);
  for (const [name, { dtype, shape, data }] of Object.entries(expected)) {
    expect(found[name], name).toMatchObject({ dtype, shape: [...shape] });
    const numbers = Array.from(data as Iterable<number | bigint>, Number);
    const largest = Math.max(0, ...numbers.filter(Number.isFinite).map(Math.abs));
    const own = Array.from(found[name]!.data as Iterable<number | bigint>, Number);
    expect(own, `${name} of ${graph.name}`).toBeAllclose(numbers, { rtol: 1e-5, atol: 1e-5 * largest });
  }
  return expected;
}

async function sameForward(c: GradientCase) {
  return (await expectEqual(forwardGraph(c), drawInputs(c))).result!;
}

async function sameBackward(c: GradientCase) {
  const { shape, data } = await sameForward(c);
  const random = rng(1, `${c.name} r`);
  const weights = float32(
    shape,
    Array.from({ length: data.length }, () => random.normal()),
  );
  await expectEqual(backwardGraph(c, shape), { ...drawInputs(c), weights });
}

describe.each(Object.keys(ops))('%s', (op) => {
  const cases = table[op as OpType];
  if (cases === 'no gradient') {
    const own = withoutGradient[op as OpType] ?? [];
    test('has cases', () => expect(own.length).toBeGreaterThan(0));
    test.each(own)('$name is the same as in ONNX Runtime', async (c) => {
      expect(forwardGraph(c).nodes.map((n) => n.op)).toContain(op);
      await sameForward(c);
    });
    return;
  }
  test('has cases', () => expect(cases.length).toBeGreaterThan(0));
  test.each(cases)('$name and its gradient are the same as in ONNX Runtime', sameBackward);
});

describe('builders made of several operators', () => {
  test.each(composed)('$name and its gradient are the same as in ONNX Runtime', sameBackward);
});

describe('further forms', () => {
  test.each(convolutions)('$name and its gradient are the same as in ONNX Runtime', sameBackward);
  test.each(further)('$name is the same as in ONNX Runtime', async (c) => {
    await sameForward(c);
  });
});
