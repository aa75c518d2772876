import { expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, type Graph } from '../../src/graph/graph.ts';
import { projectionDiscriminator } from '../../src/models/projection-discriminator.ts';
import { snganGenerator } from '../../src/models/sngan.ts';
import { adamFeeds } from '../../src/train/optimiser.ts';
import { stepProgram } from '../../src/train/step.ts';
import { withWeights } from '../../src/train/trained-network.ts';
import {
  readSafetensors,
  readSafetensorsMetadata,
  type StoredTensor,
  tensorsUnder,
} from '../support/safetensors.ts';

const file = new URL('../fixtures/class.safetensors', import.meta.url).pathname;
const [steps, batch, size, classes, latent] = [5, 4, 16, 3, 8];

function withParameters(network: Graph, stored: ReadonlyMap<string, StoredTensor>, owner: string): Graph {
  for (const [name, { shape, data }] of stored) {
    if (!name.startsWith(`${owner}.`)) continue;
    const constant = network.constants.get(name.slice(owner.length + 1));
    expect(constant?.tensor?.shape, name).toEqual(shape);
    constant!.tensor = { dtype: 'float32', shape, data: data.slice() };
  }
  return network;
}

test('five steps of a class-conditional generator and a projection discriminator equal PyTorch', async () => {
  const stored = readSafetensors(file);
  const options = readSafetensorsMetadata(file);
  const [lr, beta1, beta2] = [options.lr, options.beta1, options.beta2].map(Number) as [
    number,
    number,
    number,
  ];
  const initial = tensorsUnder(stored, 'initial');
  const generator = withParameters(snganGenerator({ baseWidth: 4, size, latent, classes }), initial, 'g');
  const program = stepProgram({
    generator,
    discriminator: withParameters(projectionDiscriminator({ baseWidth: 4, size, classes }), initial, 'd'),
    batch,
    size,
    beta1,
    beta2,
    ganMode: 'hinge',
    recon: 'l1',
    lambdaGan: 1,
    lambdaRecon: 0,
    diffaugment: [],
    ema: true,
    seed: 0,
  });
  checkGraph(program.graph);
  const compiled = await onnxruntime({ threads: 1 }).compile(program);
  const at = (name: string, step: number) => {
    const { shape, data } = stored.get(name)!;
    const each = data.length / shape[0]!;
    return float32(shape.slice(1), data.subarray(step * each, (step + 1) * each));
  };
  for (let step = 0; step < steps; step++) {
    const losses = await compiled.run({
      condition: at('class', step),
      latent: at('latent', step),
      image: at('real', step),
      ...adamFeeds('g', step + 1, lr, { beta1, beta2 }),
      ...adamFeeds('d', step + 1, lr, { beta1, beta2 }),
      emaRate: float32([], [1 - Number(options.emaDecay)]),
    });
    for (const name of ['gan', 'dReal', 'dFake']) {
      const expected = stored.get(`loss/${name}`)!.data[step]!;
      const found = losses[name]!.data[0] as number;
      expect(Math.abs(found - expected), `${name} at step ${step}`).toBeLessThan(1e-4 * Math.abs(expected));
    }
  }
  const final = await compiled.readState();
  await compiled.dispose();
  let compared = 0;
  for (const [prefix, kind] of [
    ['final', ''],
    ['ema', 'ema/'],
  ] as const) {
    for (const [name, { data }] of tensorsUnder(stored, prefix)) {
      const found = final.get(name.replace(/^([gd])\./, `$1/${kind}`));
      expect(found!.data, `${prefix} ${name}`).toBeAllclose(data, { atol: 1e-5, rtol: 1e-4 });
      compared++;
    }
  }
  expect(compared).toBe([...stored.keys()].filter((name) => /^(final|ema)\//.test(name)).length);

  // With running statistics, as it is exported.
  const { image } = await runGraph(
    withWeights(generator, final, 'g'),
    { class: at('class', 0), latent: at('latent', 0) },
    onnxruntime({ threads: 1 }),
  );
  expect(image!.data).toBeAllclose(stored.get('inference')!.data, { atol: 1e-5, rtol: 1e-4 });
});
