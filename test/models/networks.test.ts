import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { Graph, type Tensor, type Value } from '../../src/graph/graph.ts';
import { patchDiscriminator, pixelDiscriminator } from '../../src/models/discriminator.ts';
import type { Norm } from '../../src/models/layers.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { mul } from '../../src/ops/elementwise.ts';
import { inline } from '../../src/ops/inline.ts';
import { batchStatistics, trainableParameters } from '../../src/ops/parameters.ts';
import { reduceMean } from '../../src/ops/reduce.ts';
import { readSafetensors, readSafetensorsMetadata, tensorsUnder } from '../support/safetensors.ts';

const folder = join(import.meta.dirname, '../fixtures/networks');
const files = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));

/** The builder's graph for the options that the fixture was made with. */
function build(options: Record<string, string>, file: string, size: number): Graph {
  const baseWidth = Number(options.baseWidth);
  const norm = options.norm as Norm;
  if (file.startsWith('resnet')) {
    const separable = options.separable === 'true';
    return resnetGenerator({ baseWidth, blocks: Number(options.blocks), norm, separable, size });
  }
  if (file.startsWith('unet'))
    return unetGenerator({ baseWidth, levels: Number(options.levels), norm, size });
  if (file.startsWith('pixel')) return pixelDiscriminator({ baseWidth, norm, size });
  return patchDiscriminator({ baseWidth, layers: Number(options.layers), norm, size });
}

test('the PyTorch fixtures are there', () => {
  expect(files.length).toBeGreaterThanOrEqual(8);
});

describe.each(files)('%s', (file) => {
  const stored = readSafetensors(join(folder, file));
  const options = readSafetensorsMetadata(join(folder, file));
  const tensor = (name: string): Tensor => ({ dtype: 'float32', ...stored.get(name)! });
  const input = tensor('input');
  const network = build(options, file, input.shape[2]!);
  const training = options.mode === 'train';

  test('the network has exactly the parameters and statistics of the PyTorch module, in shape too', () => {
    const ours = [...trainableParameters(network), ...batchStatistics(network)].map((v) => [v.name, v.shape]);
    const theirs = [...tensorsUnder(stored, 'param')].map(([name, { shape }]) => [name, shape]);
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs));
    const trained = trainableParameters(network).map((v) => v.name);
    expect(trained.sort()).toEqual([...tensorsUnder(stored, 'grad').keys()].sort());
  });

  test('output, gradients and new statistics agree with PyTorch', async () => {
    const step = new Graph('step');
    const x = step.input('input', 'float32', input.shape);
    const trained = new Map<string, Value>();
    const learnt = new Set(trainableParameters(network));
    const { outputs, statistics: running } = inline(step, network, {
      inputs: { [network.inputs[0]!.name]: x },
      prefix: 'net',
      batchNorm: training ? 'train' : 'frozen',
      parameter: (constant) => {
        const given = stored.get(`param/${constant.name}`);
        if (!given) return undefined;
        if (!learnt.has(constant))
          return step.constant({ dtype: 'float32', ...given }, `param/${constant.name}`);
        const value = step.input(`param/${constant.name}`, 'float32', given.shape);
        trained.set(constant.name, value);
        return value;
      },
    });
    const output = outputs[0]!;
    const probe = step.input('probe', 'float32', stored.get('probe')!.shape);
    const axes = output.shape.map((_, i) => i);
    const loss = reduceMean(mul(output, probe), axes, false);
    const names = [...trained.keys()];
    const gradients = gradient(loss, [x, ...trained.values()]);
    for (const [i, dx] of gradients.entries())
      step.output(dx, i === 0 ? 'gradInput' : `grad/${names[i - 1]}`);
    step.output(output, 'output');
    step.output(loss, 'loss');
    for (const [name, value] of running) step.output(value, `after/${name.replace(/^.*param\//, '')}`);
    checkGraph(step);

    const fed = ['input', 'probe', ...names.map((name) => `param/${name}`)];
    const feeds = Object.fromEntries(fed.map((name) => [name, tensor(name)]));
    const results = await runGraph(step, feeds, onnxruntime({ threads: 1 }));
    const result = (name: string) => results[name]!.data as Float32Array;

    expect(result('output')).toBeAllclose(stored.get('output')!.data, { atol: 1e-5, rtol: 0 });
    expect(result('loss')).toBeAllclose(stored.get('loss')!.data, { atol: 1e-6 });
    const largest = (name: string) => Math.max(...stored.get(name)!.data.map(Math.abs));
    const compared = ['gradInput', ...names.map((name) => `grad/${name}`)];
    // A bias before an instance norm has gradient 0, where only rounding is left to compare.
    const rounding = 2e-6 * Math.max(...compared.map(largest));
    for (const name of compared) {
      const atol = Math.max(1e-4 * largest(name), rounding);
      expect(result(name), name).toBeAllclose(stored.get(name)!.data, { atol, rtol: 1e-4 });
    }
    const after = tensorsUnder(stored, 'after');
    expect(running.size).toBe(training ? after.size : 0);
    for (const [name, { data }] of training ? after : []) expect(result(`after/${name}`)).toBeAllclose(data);
  });
});
