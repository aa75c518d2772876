import { expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { Graph } from '../../src/graph/graph.ts';
import { convolution } from '../../src/models/layers.ts';
import { multiscaleDiscriminator } from '../../src/models/multiscale-discriminator.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { relu } from '../../src/ops/activation.ts';
import { checkTypes } from '../../src/ops/check-types.ts';
import { type FeedOptions, stepFeeds } from '../../src/train/feeds.ts';
import { perceptualTaps } from '../../src/train/perceptual-taps.ts';
import { stepProgram } from '../../src/train/step.ts';
import {
  readSafetensors,
  readSafetensorsMetadata,
  type StoredTensor,
  tensorsUnder,
} from '../support/safetensors.ts';

const file = new URL('../fixtures/gaugan.safetensors', import.meta.url).pathname;
const stored = readSafetensors(file);
const options = readSafetensorsMetadata(file);
const [steps, batch, size, labels] = [5, 2, 16, 5];
const numbers = (key: string) => options[key]!.split(',').map(Number);

function withParameters(network: Graph, prefix: string, owner = ''): Graph {
  const given = [...tensorsUnder(stored, prefix)].filter(([name]) => name.startsWith(owner));
  expect(given.length).toBeGreaterThan(0);
  for (const [name, { shape, data }] of given) {
    const constant = network.constants.get(name.slice(owner.length));
    if (!constant) throw new Error(`network "${network.name}" has no parameter ${name}`);
    constant.tensor = { dtype: 'float32', shape, data };
  }
  return network;
}

/** Five layers whose activations are all outputs. */
function frozenNetwork(): Graph {
  const graph = new Graph('frozen');
  let x = graph.input('image', 'float32', ['batch', 3, 'height', 'width']);
  const layers = [
    [4, 1],
    [6, 2],
    [6, 1],
    [8, 2],
    [8, 1],
  ] as const;
  for (const [k, [channels, stride]] of layers.entries()) {
    x = relu(convolution(x, `conv${k + 1}`, channels, { kernel: 3, stride, pad: 1 }));
    graph.output(x, `map${k + 1}`);
  }
  return graph;
}

test('five steps with the losses of GauGAN and two learning rates equal PyTorch', async () => {
  const network = withParameters(frozenNetwork(), 'frozen');
  const [beta1, beta2] = [numbers('beta1')[0]!, numbers('beta2')[0]!];
  const schedule: FeedOptions = {
    seed: 0,
    steps,
    lr: numbers('lr')[0]!,
    lrDiscriminator: numbers('lrDiscriminator')[0]!,
    beta1,
    beta2,
    schedule: 'constant',
    constantFraction: 1,
    ema: 0,
    diffaugment: [],
  };
  const program = stepProgram({
    generator: withParameters(
      resnetGenerator({ baseWidth: 4, blocks: 2, inputChannels: labels, size }),
      'initial',
      'g.',
    ),
    discriminator: withParameters(
      multiscaleDiscriminator({
        ...{ baseWidth: 4, layers: 2, scales: 2, inputChannels: labels + 3, size },
        spectralNorm: false,
      }),
      'initial',
      'd.',
    ),
    batch,
    size,
    beta1,
    beta2,
    ganMode: 'hinge',
    recon: 'l1',
    lambdaGan: 1,
    lambdaRecon: 0,
    lambdaFeature: numbers('lambdaFeature')[0]!,
    lambdaPerceptual: numbers('lambdaPerceptual')[0]!,
    perceptual: {
      network,
      taps: perceptualTaps(network, size),
      layout: 'NCHW',
      channels: 'RGB',
      mean: numbers('mean'),
      std: numbers('std'),
    },
    diffaugment: [],
    ema: false,
    seed: 0,
  });
  checkGraph(program.graph);
  checkTypes(program.graph);
  const compiled = await onnxruntime({ threads: 1 }).compile(program);
  try {
    const at = (name: string, step: number): Float32Array => {
      const { shape, data } = stored.get(name) as StoredTensor;
      const each = data.length / shape[0]!;
      return data.subarray(step * each, (step + 1) * each);
    };
    for (let step = 0; step < steps; step++) {
      const pairs = { condition: at('condition', step), image: at('real', step), mirrored: [false, false] };
      const losses = await compiled.run(stepFeeds(program.graph, pairs, step, schedule));
      for (const name of ['gan', 'feature', 'perceptual', 'dReal', 'dFake']) {
        const expected = stored.get(`loss/${name}`)!.data[step]!;
        const found = losses[name]!.data[0] as number;
        expect(Math.abs(found / expected - 1), `${name} at step ${step}: ${found}`).toBeLessThan(1e-4);
      }
    }
    const cancelled = new Set(options.cancelled!.split(','));
    const final = await compiled.readState();
    let compared = 0;
    for (const [name, { data }] of tensorsUnder(stored, 'final')) {
      if (cancelled.has(name)) continue;
      const key = name.replace('.', '/');
      expect(final.get(key)!.data, name).toBeAllclose(data, { atol: 1e-6, rtol: 1e-4 });
      const start = stored.get(`initial/${name}`)!.data;
      expect(data.some((x, i) => Math.abs(x - start[i]!) > 2e-4)).toBe(true);
      compared++;
    }
    expect(compared).toBe(11 + 2 * 6);
    const { image, condition } = Object.fromEntries(program.graph.inputs.map((v) => [v.name, v.shape]));
    expect([image, condition]).toEqual([
      [batch, 3, size, size],
      [batch, labels, size, size],
    ]);
  } finally {
    await compiled.dispose();
  }
});
