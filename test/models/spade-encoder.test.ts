import { describe, expect, test } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import { spadeEncoder } from '../../src/models/spade-encoder.ts';
import { add, mul } from '../../src/ops/elementwise.ts';
import { runningState, trainableParameters } from '../../src/ops/parameters.ts';
import { sum } from '../../src/ops/reduce.ts';
import { encodedLatent } from '../../src/train/encoded-latent.ts';
import { readSafetensors, tensorsUnder } from '../support/safetensors.ts';

const stored = readSafetensors(new URL('../fixtures/spade/encoder.safetensors', import.meta.url).pathname);
const once = tensorsUnder(stored, 'once');
const backend = onnxruntime({ threads: 1 });

test('vectors, KL, gradients and spectral vectors agree with PyTorch', async () => {
  const network = spadeEncoder({ baseWidth: 2, latent: 2, size: 24, spectralNorm: true });
  const step = new Graph('step');
  const fed = (name: string) => step.input(name, 'float32', once.get(name)!.shape);
  const encoded = encodedLatent(step, { network }, fed('image'), fed('noise'));
  const { encoder, latent, kl, statistics } = encoded;
  const loss = add(mul(sum(mul(latent, fed('probe'))), 1 / 2), mul(kl, 0.05));
  const names = [...encoder.weights.keys()];
  for (const [i, dx] of gradient(loss, [...encoder.weights.values()], encoder.held).entries())
    step.output(dx, `grad/${names[i]}`);
  for (const [name, value] of statistics) step.output(value, `after/${name}`);
  step.output(latent, 'drawn');
  step.output(kl, 'kl');
  checkGraph(step);

  const known = [...trainableParameters(network), ...runningState(network)].map(({ name }) => name);
  expect(known.sort()).toEqual([...tensorsUnder(once, 'param').keys()].sort());
  const feeds = Object.fromEntries(
    step.inputs.map(({ name, shape }) => {
      const { data } = once.get(name.replace(/^e\//, 'param/'))!;
      return [name, float32(shape as number[], data)];
    }),
  );
  const results = await runGraph(step, feeds, backend);
  const compare = (name: string, as = name) =>
    expect(results[as]!.data, name).toBeAllclose(once.get(name)!.data, { atol: 1e-5, rtol: 1e-4 });
  compare('latent', 'drawn');
  compare('kl');
  expect(names.length).toBe(3 + 2 * 2);
  expect(statistics.size).toBe(3 * 2);
  for (const name of names) compare(`grad/${name}`);
  for (const name of statistics.keys()) compare(`after/${name}`);
});

describe('an encoder halves the picture until at most four pixels are left', () => {
  test.each([
    [256, [2, 4, 8, 16, 16, 16], 4],
    [96, [2, 4, 8, 16, 16], 3],
    [16, [2, 4], 4],
    [4, [2], 2],
  ])('%i pixels', (size, channels, side) => {
    const network = spadeEncoder({ baseWidth: 2, latent: 5, size, inputChannels: 1 });
    checkGraph(network);
    const weights = [...network.constants.values()].filter(({ name }) => /^conv\d+\.weight$/.test(name));
    expect(weights.map(({ shape }) => shape[0])).toEqual(channels);
    expect(network.constants.get('mean.weight')!.shape).toEqual([5, channels.at(-1)! * side ** 2]);
    expect(network.outputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['mean', ['batch', 5]],
      ['logVariance', ['batch', 5]],
    ]);
  });

  test.each([[{ latent: 0 }], [{ size: 0 }], [{ baseWidth: 1.5 }]])('%j is refused', (options) => {
    expect(() => spadeEncoder({ baseWidth: 2, latent: 4, size: 16, ...options })).toThrow(
      /must be a whole number of at least 1/,
    );
  });
});
