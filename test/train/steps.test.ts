import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Graph, Tensor } from '../../src/graph/graph.ts';
import { float32 } from '../../src/graph/graph.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import type { AugmentDraw, Policy } from '../../src/train/diffaugment.ts';
import { augmentFeeds } from '../../src/train/diffaugment.ts';
import { adamFeeds } from '../../src/train/optimiser.ts';
import { lossNames, stepProgram } from '../../src/train/step.ts';
import {
  readSafetensors,
  readSafetensorsMetadata,
  type StoredTensor,
  tensorsUnder,
} from '../support/safetensors.ts';

const folder = new URL('../fixtures/training/', import.meta.url).pathname;
const files = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
const [steps, batch, size] = [10, 2, 16];
const betas = { beta1: 0.5, beta2: 0.999 };

/** Gives a network the fixture's parameters: names must be the same on both sides. */
function withParameters(network: Graph, stored: Map<string, StoredTensor>): Graph {
  for (const [name, { shape, data }] of stored) {
    const constant = network.constants.get(name);
    if (!constant) throw new Error(`network "${network.name}" has no parameter ${name}`);
    constant.tensor = { dtype: 'float32', shape, data };
  }
  return network;
}

describe('ten complete training steps equal PyTorch', () => {
  expect(files.length).toBe(7);
  it.each(files)('%s', async (file) => {
    const stored = readSafetensors(folder + file);
    const options = readSafetensorsMetadata(folder + file);
    const distilled = file.startsWith('distill');
    const under = (prefix: string, owner: string) =>
      new Map(
        [...tensorsUnder(stored, prefix)].flatMap(([name, t]) =>
          name.startsWith(`${owner}.`) ? [[name.slice(owner.length + 1), t] as const] : [],
        ),
      );
    const network = (baseWidth: number, separable: boolean) =>
      resnetGenerator({ baseWidth, blocks: 2, separable, size });
    const generator = withParameters(distilled ? network(2, true) : network(4, false), under('initial', 'g'));
    const discriminator = withParameters(
      patchDiscriminator({ baseWidth: 4, layers: 2, inputChannels: 6, size }),
      under('initial', 'd'),
    );
    const policy: Policy[] = file.includes('diffaugment') ? ['color', 'translation', 'cutout'] : [];
    const program = stepProgram({
      generator,
      discriminator,
      batch,
      size,
      ...betas,
      ganMode: (/teacher-(\w+)/.exec(file)?.[1] as 'hinge') ?? 'hinge',
      recon: 'l1',
      lambdaGan: 1,
      lambdaRecon: 100,
      diffaugment: policy,
      ema: true,
      seed: 0,
      ...(distilled && {
        distillation: {
          teacher: withParameters(network(4, false), tensorsUnder(stored, 'teacher')),
          distill: file.includes('kernel') ? 'kernel-alignment' : 'adaptor',
          lambdaDistill: 1,
          taps: ['down2', 'block1', 'block2'].map((tap) => ({ teacher: tap, student: tap })),
          reconTarget: 'truth',
          cached: false,
        } as const,
      }),
    });
    checkGraph(program.graph);

    const compiled = await onnxruntime({ threads: 1 }).compile(program);
    const adaptors = [1, 2, 3].flatMap((k) =>
      [...under('initial', `adaptor${k}`)].map(
        ([name, t]) => [`a/adaptor${k}.${name}`, { dtype: 'float32', ...t }] as const,
      ),
    );
    if (program.state.some((s) => s.name.startsWith('a/'))) await compiled.writeState(new Map(adaptors));

    const at = (name: string, step: number): Float32Array => {
      const { shape, data } = stored.get(name)!;
      const each = data.length / shape[0]!;
      return data.subarray(step * each, (step + 1) * each);
    };
    for (let step = 0; step < steps; step++) {
      const feeds: Record<string, Tensor> = {
        condition: float32([batch, 3, size, size], at('condition', step)),
        image: float32([batch, 3, size, size], at('real', step)),
        ...adamFeeds('g', step + 1, 2e-4, betas),
        ...adamFeeds('d', step + 1, 2e-4, betas),
        emaRate: float32([], [0.01]),
        ...(stored.has('mix') && { mix: float32([batch, 1, 1, 1], at('mix', step)) }),
      };
      for (const side of policy.length > 0 ? ['augmentD', 'augmentG'] : []) {
        const get = (name: string) => Array.from(at(`${side}/${name}`, step));
        const draw: AugmentDraw = {
          brightness: get('brightness'),
          saturation: get('saturation'),
          contrast: get('contrast'),
          rows: get('shiftH'),
          columns: get('shiftW'),
          cutRow: get('cutH'),
          cutColumn: get('cutW'),
        };
        Object.assign(feeds, augmentFeeds(side, draw, policy, size));
      }
      const losses = await compiled.run(feeds);
      for (const name of lossNames) {
        const expected = stored.get(`loss/${name}`)?.data[step];
        if (expected === undefined) continue;
        const found = losses[name]!.data[0] as number;
        expect(
          Math.abs(found - expected),
          `${name} at step ${step}: ${found} against ${expected}`,
        ).toBeLessThan(1e-4 * Math.max(0.1, Math.abs(expected)));
      }
    }

    const cancelled = new Set(options.cancelled!.split(',').map((name) => name.trim()));
    const final = await compiled.readState();
    let compared = 0;
    for (const [prefix, kind] of [
      ['final', ''],
      ['ema', 'ema/'],
    ] as const) {
      for (const [name, { data }] of tensorsUnder(stored, prefix)) {
        if (cancelled.has(name)) continue;
        const key = name.startsWith('adaptor') ? `a/${name}` : name.replace(/^([gd])\./, `$1/${kind}`);
        expect(final.get(key)!.data, `${prefix} ${name}`).toBeAllclose(data, { atol: 2e-5, rtol: 1e-4 });
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(20);
    await compiled.dispose();
  });
});
