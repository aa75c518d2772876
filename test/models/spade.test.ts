import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { buildGenerator, distillTaps } from '../../src/models/generator.ts';
import { initialise } from '../../src/models/init.ts';
import { multiscaleDiscriminator } from '../../src/models/multiscale-discriminator.ts';
import { type SpadeOptions, spadeGenerator } from '../../src/models/spade.ts';
import { mul } from '../../src/ops/elementwise.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { inline } from '../../src/ops/inline.ts';
import { runningState, trainableParameters } from '../../src/ops/parameters.ts';
import { mean } from '../../src/ops/reduce.ts';
import { rng } from '../../src/util/rng.ts';
import { readSafetensors, readSafetensorsMetadata, tensorsUnder } from '../support/safetensors.ts';

const folder = join(import.meta.dirname, '../fixtures/spade');
const files = readdirSync(folder).filter((name) => name.startsWith('network-'));
const backend = onnxruntime({ threads: 1 });

/** The builder's options for those the fixture was made with. */
function optionsOf(stored: Record<string, string>): SpadeOptions {
  const numbers = (text: string) => text.split(',').map(Number);
  const [height, width] = numbers(stored.size!) as [number, number];
  return {
    baseWidth: 1,
    labels: 4,
    widths: numbers(stored.widths!),
    size: [height, width],
    upsampling: (stored.upsampling ?? 'fewer') as 'fewer',
    norm: (stored.norm ?? 'batch') as 'batch',
    separable: stored.separable === 'True',
    spectralNorm: stored.spectral === 'True',
    latent: Number(stored.latent ?? 0),
  };
}

describe.each(files)('%s', (file) => {
  const stored = readSafetensors(join(folder, file));
  const options = readSafetensorsMetadata(join(folder, file));
  const network = spadeGenerator(optionsOf(options));
  const training = options.mode === 'train';

  test('the network has exactly the parameters and running state of the PyTorch module', () => {
    const shapes = (values: readonly Value[]) =>
      Object.fromEntries(values.map(({ name, tensor }) => [name, tensor!.data.length]));
    const ours = shapes([...trainableParameters(network), ...runningState(network)]);
    const theirs = [...tensorsUnder(stored, 'param')].map(([name, { data }]) => [name, data.length]);
    expect(ours).toEqual(Object.fromEntries(theirs));
    const trained = trainableParameters(network).map(({ name }) => name);
    expect(trained.sort()).toEqual([...tensorsUnder(stored, 'grad').keys()].sort());
  });

  test('output, taps, gradients and new running state agree with PyTorch', async () => {
    const step = new Graph('step');
    const fed = (name: string) => step.input(name, 'float32', stored.get(name)!.shape);
    const inputs = Object.fromEntries(network.inputs.map(({ name }) => [name, fed(name)]));
    const trained = new Map<string, Value>();
    const learnt = new Set(trainableParameters(network));
    const { outputs, values, statistics, held } = inline(step, network, {
      inputs,
      prefix: 'net',
      batchNorm: training ? 'train' : 'frozen',
      parameter(constant) {
        const given = stored.get(`param/${constant.name}`);
        if (!given) return undefined;
        const name = `param/${constant.name}`;
        if (!learnt.has(constant))
          return step.constant(float32(constant.shape as number[], given.data), name);
        const value = trained.get(constant.name) ?? step.input(name, 'float32', constant.shape);
        trained.set(constant.name, value);
        return value;
      },
    });
    const loss = mean(mul(outputs[0]!, fed('probe')));
    const names = [...trained.keys()];
    const gradients = gradient(loss, [...trained.values()], held);
    for (const [i, dx] of gradients.entries()) step.output(dx, `grad/${names[i]}`);
    step.output(outputs[0]!, 'output');
    for (const tap of distillTaps(network)) step.output(values.get(tap)!, `tap/${tap}`);
    for (const [name, value] of statistics) step.output(value, `after/${name}`);
    checkGraph(step);

    const feeds = Object.fromEntries(
      step.inputs.map(({ name, shape }) => [name, float32(shape as number[], stored.get(name)!.data)]),
    );
    const results = await runGraph(step, feeds, backend);
    const compare = (name: string, scale = 1) => {
      const { data } = stored.get(name)!;
      const largest = data.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
      expect(results[name]!.data, name).toBeAllclose(data, {
        atol: 1e-4 * Math.max(largest, scale),
        rtol: 1e-4,
      });
    };
    const strongest = names.map((name) => Math.max(...stored.get(`grad/${name}`)!.data.map(Math.abs)));
    // What a norm takes away again has gradient 0, where only rounding is left to compare.
    const rounding = 0.02 * Math.max(...strongest);
    compare('output', 0.1);
    for (const tap of distillTaps(network)) compare(`tap/${tap}`);
    for (const name of names) compare(`grad/${name}`, rounding);
    const after = [...tensorsUnder(stored, 'after').keys()];
    expect([...statistics.keys()].sort()).toEqual(after.sort());
    for (const name of after) compare(`after/${name}`);
  });
});

const noise = (shape: readonly number[], seed: string) =>
  float32(shape, rng(1, seed).fillUniform(new Float32Array(shape.reduce((a, b) => a * b)), -1, 1));

async function picture(graph: Graph, size: readonly [number, number]) {
  checkGraph(graph);
  const shapes: Record<string, number[]> = { labels: [2, 3, ...size], latent: [2, 4] };
  const feeds = Object.fromEntries(graph.inputs.map(({ name }) => [name, noise(shapes[name]!, name)]));
  return (await runGraph(graph, feeds, backend)).image!;
}

const small = { baseWidth: 1, labels: 3 } as const;
const start = { init: 'xavier', gain: 1, seed: 2 } as const;

describe('a SPADE generator makes images of the size of its label map', () => {
  test.each([
    [{ upsampling: 'fewer', size: 32 }, [32, 32]],
    [{ upsampling: 'normal', size: [32, 64], norm: 'instance' }, [32, 64]],
    [{ upsampling: 'more', size: 64, separable: true }, [64, 64]],
    [{ upsampling: 'most', size: 128, baseWidth: 2 }, [128, 128]],
    [{ upsampling: 'fewer', size: [32, 48], latent: 4 }, [32, 48]],
    [{ upsampling: 'fewer', size: 32, spectralNorm: true }, [32, 32]],
  ] as const)('%j', async (options, size) => {
    const graph = initialise(spadeGenerator({ ...small, ...options }), start);
    const { shape, data } = await picture(graph, size);
    expect(shape).toEqual([2, 3, ...size]);
    expect((data as Float32Array).every((x) => Math.abs(x) < 1 + 1e-6)).toBe(true);
    expect(new Set(data as Float32Array).size).toBeGreaterThan(size[0]);
  });
});

test('the label map decides what is made, with a latent vector too, and so does that', async () => {
  const graph = initialise(spadeGenerator({ ...small, size: 16, latent: 4 }), start);
  const [labels, latent] = [noise([1, 3, 16, 16], 'a'), noise([1, 4], 'b')];
  const made = async (feeds: Parameters<typeof runGraph>[1]) =>
    (await runGraph(graph, feeds, backend)).image!.data;
  const first = await made({ labels, latent });
  expect(await made({ labels: noise([1, 3, 16, 16], 'c'), latent })).not.toEqual(first);
  expect(await made({ labels, latent: noise([1, 4], 'd') })).not.toEqual(first);
});

test('a network of open size gives what the one of fixed size gives, square or not', async () => {
  const open = initialise(spadeGenerator({ ...small, upsampling: 'fewer' }), start);
  const read = loadOnnx(encodeOnnx(open));
  for (const size of [
    [32, 32],
    [16, 48],
  ] as const) {
    const fixed = initialise(spadeGenerator({ ...small, upsampling: 'fewer', size }), start);
    const wanted = await picture(fixed, size);
    expect(await picture(open, size)).toEqual(wanted);
    expect(await picture(read, size)).toEqual(wanted);
  }
});

test('small images start at four pixels by default, large ones as published', () => {
  const startOf = (size: number) => {
    const graph = spadeGenerator({ ...small, size });
    return graph.find('head_0')!.shape[2];
  };
  expect([32, 64, 96, 128, 256].map(startOf)).toEqual([2, 4, 6, 4, 8]);
});

test('the taps are those of GAN Compression, in a recipe’s network and in its file', () => {
  const config = { type: 'spade', baseWidth: 1, upsampling: 'fewer', norm: 'batch' } as const;
  const rest = { separable: false, spectralNorm: false, latent: 0 };
  const graph = buildGenerator({ ...config, ...rest }, 64, { inputChannels: 5 });
  expect(graph.inputs.map(({ name, shape }) => [name, shape])).toEqual([['labels', ['batch', 5, 64, 64]]]);
  expect(distillTaps(graph)).toEqual(['head_0', 'G_middle_1', 'up_1']);
  expect(distillTaps(graph).map((name) => graph.find(name)!.shape)).toEqual([
    ['batch', 16, 4, 4],
    ['batch', 16, 4, 4],
    ['batch', 4, 16, 16],
  ]);
  expect(distillTaps(loadOnnx(encodeOnnx(graph)))).toEqual(distillTaps(graph));
});

test.each([
  [{ size: 40 }, /multiples of 16 .* "fewer", got 40/],
  [{ size: [64, 96], upsampling: 'more' }, /multiples of 64 .* "more", got 96/],
  [{ size: 32, widths: [1, 1, 1] }, /8 whole numbers above 0, for trunk, head_0, .*, got \[1, 1, 1\]/],
  [{ size: 32, widths: [1, 1, 1, 1, 1, 1, 1, 0] }, /above 0/],
  [{ latent: 3 }, /must be of a fixed size/],
  [{ size: 32, labels: 0 }, /labels must be a whole number of at least 1, got 0/],
] as const)('%j is refused', (options, message) => {
  expect(() => spadeGenerator({ ...small, ...options } as SpadeOptions)).toThrow(message);
});

test('a multi-scale discriminator names its scores and features by scale', async () => {
  const options = { baseWidth: 2, inputChannels: 4, layers: 2, size: 32 } as const;
  const graph = initialise(multiscaleDiscriminator(options), start);
  checkGraph(graph);
  const results = await runGraph(graph, { pair: noise([2, 4, 32, 32], 'pair') }, backend);
  expect(Object.fromEntries(Object.entries(results).map(([name, { shape }]) => [name, shape]))).toEqual({
    'score/1': [2, 1, 11, 11],
    'score/2': [2, 1, 7, 7],
    'feature/1/1': [2, 2, 17, 17],
    'feature/1/2': [2, 4, 9, 9],
    'feature/1/3': [2, 8, 10, 10],
    'feature/2/1': [2, 2, 9, 9],
    'feature/2/2': [2, 4, 5, 5],
    'feature/2/3': [2, 8, 6, 6],
  });
  expect(() => multiscaleDiscriminator({ ...options, size: 4 })).toThrow(/at least 8 pixels .* got 4/);
});
