import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { tfjs } from '../../src/backend/tfjs.ts';
import { type OpType, ops } from '../../src/ops/index.ts';
import { forwardGraph } from '../ops/finite-differences.ts';
import { engineCases, expectSame } from './engine-cases.ts';

const engine = tfjs(tf);

describe.each(engineCases)('$of', ({ of, cases, gradient }) => {
  test('has cases', () => {
    expect(cases.length).toBeGreaterThan(0);
    // An operator without a gradient is compared only where its cases hold it.
    if (!gradient && (of as OpType) in ops)
      for (const c of cases) expect(forwardGraph(c).nodes.map((node) => node.op)).toContain(of);
  });

  test.each(cases)(
    `$name${gradient ? ' and its gradient are' : ' is'} the same as in ONNX Runtime`,
    async (c) => {
      const before = tf.memory().numTensors;
      await expectSame(engine, c, { gradient, tolerance: 1e-5 });
      expect(tf.memory().numTensors, 'tensors left over').toBe(before);
    },
  );
});
