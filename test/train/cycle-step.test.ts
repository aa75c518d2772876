import { expect, it } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { makeBatch, trainIndices } from '../../src/data/batch.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, type Graph } from '../../src/graph/graph.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { initialise } from '../../src/models/init.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { cycleFeeds, cycleLossNames, cycleProgram } from '../../src/train/cycle-step.ts';
import { poolMoves } from '../../src/train/image-pool.ts';
import { adamFeeds } from '../../src/train/optimiser.ts';
import { rng } from '../../src/util/rng.ts';
import { readSafetensors, readSafetensorsMetadata, tensorsUnder } from '../support/safetensors.ts';
import { unpairedSource } from '../support/unpaired-source.ts';

const file = new URL('../fixtures/cycle.safetensors', import.meta.url).pathname;
const [steps, batch, size, capacity] = [5, 2, 16, 2];
const betas = { beta1: 0.5, beta2: 0.999 };

it('five complete steps of CycleGAN equal PyTorch, pools and identity losses included', async () => {
  const stored = readSafetensors(file);
  const options = readSafetensorsMetadata(file);
  const started = (owner: string, network: Graph) => {
    for (const [name, { shape, data }] of tensorsUnder(stored, 'initial')) {
      if (!name.startsWith(`${owner}.`)) continue;
      network.constants.get(name.slice(owner.length + 1))!.tensor = { dtype: 'float32', shape, data };
    }
    return network;
  };
  const discriminator = (baseWidth: number) =>
    patchDiscriminator({ baseWidth, layers: 2, inputChannels: 3, size });
  const program = cycleProgram({
    forward: {
      generator: started('g', resnetGenerator({ baseWidth: 3, blocks: 1, size })),
      discriminator: started('d', discriminator(4)),
    },
    reverse: {
      generator: started('gReverse', resnetGenerator({ baseWidth: 2, blocks: 2, size })),
      discriminator: started('dReverse', discriminator(3)),
    },
    batch,
    size,
    ...betas,
    ganMode: 'lsgan',
    lambdaGan: 1,
    lambdaCycle: Number(options.lambdaCycle),
    lambdaIdentity: Number(options.lambdaIdentity),
    pool: capacity,
    diffaugment: [],
    ema: false,
  });
  checkGraph(program.graph);
  const compiled = await onnxruntime({ threads: 1 }).compile(program);

  const at = (name: string, step: number): Float32Array => {
    const { shape, data } = stored.get(name)!;
    const each = data.length / shape[0]!;
    return data.subarray(step * each, (step + 1) * each);
  };
  const pool = (name: string, step: number) => {
    const [swaps, slots] = [at(`${name}/swap`, step), at(`${name}/slot`, step)];
    const draws = Array.from(swaps, (swap, i) => ({ swap: swap === 1, slot: slots[i]! }));
    const { seen, kept } = poolMoves(Math.min(capacity, step * batch), capacity, draws);
    return {
      [`${name}/seen`]: { dtype: 'int32' as const, shape: [batch], data: seen },
      [`${name}/kept`]: { dtype: 'int32' as const, shape: [capacity], data: kept },
    };
  };
  for (let step = 0; step < steps; step++) {
    const losses = await compiled.run({
      condition: float32([batch, 3, size, size], at('A', step)),
      image: float32([batch, 3, size, size], at('B', step)),
      ...adamFeeds('g', step + 1, 2e-4, betas),
      ...adamFeeds('d', step + 1, 2e-4, betas),
      ...pool('pool', step),
      ...pool('poolReverse', step),
    });
    for (const name of cycleLossNames.filter((name) => !name.startsWith('penalty'))) {
      const [found, expected] = [losses[name]!.data[0] as number, stored.get(`loss/${name}`)!.data[step]!];
      expect(
        Math.abs(found - expected),
        `${name} at step ${step}: ${found} against ${expected}`,
      ).toBeLessThan(1e-4 * Math.abs(expected));
    }
  }

  const cancelled = new Set(options.cancelled!.split(','));
  const final = await compiled.readState();
  await compiled.dispose();
  let compared = 0;
  for (const [name, { data }] of tensorsUnder(stored, 'final')) {
    if (cancelled.has(name)) continue;
    const key = name.startsWith('pool') ? `${name}/images` : name.replace('.', '/');
    expect(final.get(key)!.data, name).toBeAllclose(data, { atol: 2e-5, rtol: 1e-4 });
    compared++;
  }
  expect(compared).toBeGreaterThan(30);
});

it('learns: pictures come back from both directions, and the discriminators tell real from made', async () => {
  const source = unpairedSource(size);
  const direction = (seed: number) => ({
    generator: initialise(unetGenerator({ baseWidth: 8, levels: 2, size }), { seed, gain: 0.2 }),
    discriminator: initialise(patchDiscriminator({ baseWidth: 8, layers: 1, inputChannels: 3, size }), {
      seed: seed + 1,
      gain: 0.2,
    }),
  });
  const program = cycleProgram({
    ...{ forward: direction(1), reverse: direction(3), batch, size, ...betas },
    ...{ ganMode: 'lsgan', lambdaGan: 1, lambdaCycle: 10, lambdaIdentity: 0.5, pool: 10 },
    ...{ diffaugment: [], ema: false },
  });
  const compiled = await onnxruntime({ threads: 1 }).compile(program);
  const schedule = { schedule: 'constant', constantFraction: 1, steps: 150, lr: 2e-3 } as const;
  const options = { seed: 1, ...schedule, ...betas, ema: 0, diffaugment: [], pool: 10 };
  const seen: Record<string, number[]> = {};
  for (let step = 0; step < options.steps; step++) {
    const indices = trainIndices(1, step, batch, source.counts.train);
    const pictures = await makeBatch(source, 'train', indices, {}, rng(1, 'augment', step));
    const losses = await compiled.run(cycleFeeds(program.graph, pictures, step, options));
    for (const [name, { data }] of Object.entries(losses)) {
      seen[name] ??= [];
      seen[name].push(data[0] as number);
    }
  }
  await compiled.dispose();
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
  for (const name of ['cycle', 'cycleReverse', 'identity', 'identityReverse', 'dReal', 'dRealReverse'])
    expect(mean(seen[name]!.slice(-20)), name).toBeLessThan(0.8 * mean(seen[name]!.slice(0, 20)));
});
