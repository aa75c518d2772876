import { describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32 } from '../../src/graph/graph.ts';
import { featureClassifier, withoutHeads } from '../../src/models/feature-classifier.ts';
import { initialise } from '../../src/models/init.ts';
import { countMacs, countParameters, inputSymbols } from '../../src/ops/cost.ts';
import { rng } from '../../src/util/rng.ts';

const options = { baseWidth: 2, stages: 3, blocks: 1, dimension: 5, size: 16, heads: { kind: 7, style: 2 } };
const small = () => initialise(featureClassifier(options), { init: 'kaiming', seed: 1 });
const pictures = (count: number) =>
  float32([count, 3, 16, 16], rng(2, 'pictures').fillUniform(new Float32Array(count * 768), -1, 1));
const backend = onnxruntime({ threads: 1 });

test('gives features and the logits of each head, for any number of pictures', async () => {
  const network = small();
  checkGraph(network);
  expect(network.outputs.map(({ name, shape }) => [name, shape])).toEqual([
    ['features', ['batch', 5]],
    ['kind', ['batch', 7]],
    ['style', ['batch', 2]],
  ]);
  const { features, kind } = await runGraph(network, { image: pictures(3) }, backend);
  expect(features!.shape).toEqual([3, 5]);
  expect(kind!.shape).toEqual([3, 7]);
  expect(new Set(features!.data as Float32Array).size).toBe(15);
});

test('the features are the same without the heads, whose weights are gone', async () => {
  const whole = await runGraph(small(), { image: pictures(4) }, backend);
  const network = withoutHeads(small());
  checkGraph(network);
  const parts = await runGraph(network, { image: pictures(4) }, backend);
  expect(Object.keys(parts)).toEqual(['features']);
  expect(parts.features!.data).toBeAllclose(whole.features!.data as Float32Array, { atol: 1e-6 });
  expect([...network.constants.keys()].filter((name) => name.startsWith('head'))).toEqual([]);
});

test('the logits are a linear function of the features alone', async () => {
  const network = small();
  const { features, style } = await runGraph(network, { image: pictures(2) }, backend);
  const weight = network.constants.get('head.style.weight')!.tensor!.data as Float32Array;
  for (const [row, k] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const) {
    let sum = 0;
    for (let j = 0; j < 5; j++) sum += weight[k * 5 + j]! * (features!.data[row * 5 + j] as number);
    expect(style!.data[row * 2 + k]).toBeCloseTo(sum, 4);
  }
});

test('costs what its convolutions cost', () => {
  const network = withoutHeads(small());
  const { true: macs } = countMacs(network, inputSymbols(network, { size: 16 }));
  // Stage by stage: channels in × out × kernel × positions.
  const down = 3 * 2 * 16 * 64 + 2 * 4 * 9 * 16 + 4 * 8 * 9 * 4;
  const blocks = 2 * (2 * 2 * 9 * 64 + 4 * 4 * 9 * 16 + 8 * 8 * 9 * 4);
  expect(macs).toBe(down + blocks + 8 * 5);
  const weights = 3 * 2 * 16 + 2 * 4 * 9 + 4 * 8 * 9 + 2 * 9 * (4 + 16 + 64) + 8 * 5;
  const norms = 2 * (3 * (2 + 4 + 8) + 5);
  expect(countParameters(network)).toBe(weights + norms);
});

describe('options that cannot be', () => {
  test.each([
    [{ baseWidth: 0 }, 'baseWidth must be a whole number of at least 1, got 0'],
    [{ blocks: -1 }, 'blocks must be a whole number of at least 0, got -1'],
    [{ size: 20 }, 'size / 2^stages must be a whole number of at least 1, got 2.5'],
  ])('%o', (changes, message) => {
    expect(() => featureClassifier({ ...options, ...changes })).toThrow(message);
  });
});
