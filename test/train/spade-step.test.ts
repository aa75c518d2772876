import { join } from 'node:path';
import { expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import { convolution } from '../../src/models/layers.ts';
import { multiscaleDiscriminator } from '../../src/models/multiscale-discriminator.ts';
import { spadeGenerator } from '../../src/models/spade.ts';
import { relu } from '../../src/ops/activation.ts';
import { adamFeeds } from '../../src/train/optimiser.ts';
import { stepProgram } from '../../src/train/step.ts';
import { readSafetensors, readSafetensorsMetadata, tensorsUnder } from '../support/safetensors.ts';

const file = join(import.meta.dirname, '../fixtures/spade/training.safetensors');
const stored = readSafetensors(file);
const [steps, batch, size, labels] = [5, 2, 32, 4];
const betas = { beta1: 0, beta2: 0.9 };

/** Gives a network the numbers stored under a prefix, by name. */
function withStored(network: Graph, prefix: string): Graph {
  for (const [name, { data }] of tensorsUnder(stored, prefix.split('/')[0]!)) {
    const owner = prefix.split('/')[1];
    if (owner && !name.startsWith(`${owner}.`)) continue;
    const constant = network.constants.get(owner ? name.slice(owner.length + 1) : name)!;
    constant.tensor = float32(constant.shape as number[], data);
  }
  return network;
}

/** A frozen network of two layers. */
function compared(): Graph {
  const graph = new Graph('compared');
  const x = graph.input('x', 'float32', ['batch', 3, size, size]);
  const first = graph.named(relu(convolution(x, 'p1', 4, { kernel: 3, stride: 2, pad: 1 })), 'first');
  graph.output(relu(convolution(first, 'p2', 6, { kernel: 3, stride: 2, pad: 1 })), 'second');
  return graph;
}

test('five steps of GauGAN, spectral norms in both networks, equal PyTorch', async () => {
  const generator = spadeGenerator({ baseWidth: 1, labels, size, spectralNorm: true });
  const discriminator = multiscaleDiscriminator({ baseWidth: 4, layers: 2, inputChannels: labels + 3, size });
  const program = stepProgram({
    generator: withStored(generator, 'initial/g'),
    discriminator: withStored(discriminator, 'initial/d'),
    batch,
    size,
    ...betas,
    ganMode: 'hinge',
    recon: 'l1',
    lambdaGan: 1,
    lambdaRecon: 0,
    lambdaFeature: 10,
    lambdaPerceptual: 10,
    perceptual: {
      network: withStored(compared(), 'frozen'),
      taps: [
        { name: 'first', weight: 1 / 2 },
        { name: 'second', weight: 1 / 2 },
      ],
      layout: 'NCHW',
      channels: 'RGB',
      mean: [0, 0, 0],
      std: [1, 1, 1],
    },
    diffaugment: [],
    ema: false,
    seed: 0,
  });
  checkGraph(program.graph);
  const compiled = await onnxruntime({ threads: 1 }).compile(program);
  const at = (name: string, step: number) => {
    const { shape, data } = stored.get(name)!;
    const each = data.length / shape[0]!;
    return float32(shape.slice(1), data.slice(step * each, (step + 1) * each));
  };
  for (let step = 0; step < steps; step++) {
    const losses = await compiled.run({
      condition: at('labels', step),
      image: at('real', step),
      ...adamFeeds('g', step + 1, 1e-4, betas),
      ...adamFeeds('d', step + 1, 4e-4, betas),
    });
    for (const name of ['gan', 'feature', 'perceptual', 'dReal', 'dFake'] as const) {
      const expected = stored.get(`loss/${name}`)!.data[step]!;
      const found = losses[name]!.data[0] as number;
      expect(Math.abs(found - expected), `${name} at step ${step}: ${found}, ${expected}`).toBeLessThan(
        1e-4 * Math.abs(expected),
      );
    }
  }

  const state = await compiled.readState();
  await compiled.dispose();
  const initial = tensorsUnder(stored, 'initial');
  // With β₁ = 0 a gradient near zero, of which rounding decides the sign, still makes a whole step: single numbers may differ.
  const gap = Number(readSafetensorsMetadata(file).float64ParamGap);
  let count = 0;
  for (const [name, { data }] of tensorsUnder(stored, 'final')) {
    const found = state.get(name.replace('.', '/'))?.data as Float32Array | undefined;
    // Biases that a norm takes away again are no state.
    if (!found) {
      expect(data, name).toEqual(initial.get(name)!.data);
      continue;
    }
    let [off, length] = [0, 0];
    for (const [i, x] of data.entries()) {
      off += (x - found[i]!) ** 2;
      length += x * x;
      expect(Math.abs(x - found[i]!), `${name} ${i}`).toBeLessThan(3 * gap);
    }
    expect(Math.sqrt(off / length), name).toBeLessThan(1e-4);
    if (!/norm|spectral/.test(name)) expect(found, name).not.toEqual(initial.get(name)!.data);
    count++;
  }
  expect(count).toBeGreaterThan(100);
});
