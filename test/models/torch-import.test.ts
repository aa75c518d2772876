import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { importNetwork } from '../../src/models/import/kinds.ts';
import { readStateDict } from '../../src/models/torch-checkpoint.ts';
import { countParameters } from '../../src/ops/cost.ts';
import { image } from '../support/formula.ts';
import { readSafetensors } from '../support/safetensors.ts';

const folder = join(import.meta.dirname, '../fixtures/checkpoints');
const expected = readSafetensors(join(folder, 'expected.safetensors'));
const backend = onnxruntime({ threads: 1 });

/** What the network makes of a picture, as float32. */
async function output(graph: Graph, file: string, shape: readonly number[]): Promise<Float32Array> {
  checkGraph(graph);
  const results = await runGraph(graph, { [graph.inputs[0]!.name]: image(file, shape) }, backend);
  return results[graph.outputs[0]!.name]!.data as Float32Array;
}

/** Each seventh row and column of a picture [N, C, H, W]. */
function thinned(data: Float32Array, [n, c, h, w]: readonly number[]): number[] {
  const kept: number[] = [];
  for (let p = 0; p < n! * c!; p++)
    for (let i = 0; i < h!; i += 7) for (let j = 0; j < w!; j += 7) kept.push(data[(p * h! + i) * w! + j]!);
  return kept;
}

type Case = [file: string, kind: string, shape: number[], architecture: object];
const resnet = { type: 'resnet', padding: 'reflect', dropout: 0 };

describe.each<Case>([
  [
    'resnet_9blocks.pth',
    'resnet_9blocks',
    [2, 3, 32, 32],
    { ...resnet, baseWidth: 4, blocks: 9, norm: 'instance', separable: false },
  ],
  [
    'resnet_9blocks-batch-dropout.pth',
    'resnet_9blocks',
    [2, 3, 32, 32],
    { ...resnet, baseWidth: 3, blocks: 9, norm: 'batch', separable: false },
  ],
  [
    'resnet_6blocks-legacy.pth',
    'resnet_6blocks',
    [2, 1, 32, 32],
    { ...resnet, baseWidth: 4, blocks: 6, norm: 'instance', separable: false },
  ],
  [
    'resnet_6blocks-zero-batch.safetensors',
    'resnet_6blocks',
    [1, 3, 32, 32],
    { ...resnet, baseWidth: 3, blocks: 6, norm: 'batch', separable: false, padding: 'zero' },
  ],
  [
    'mobile_resnet_9blocks.pth',
    'mobile_resnet_9blocks',
    [2, 3, 32, 32],
    { ...resnet, baseWidth: 4, blocks: 9, norm: 'instance', separable: true },
  ],
  [
    'mobile_resnet_9blocks-batch.pth',
    'mobile_resnet_9blocks',
    [2, 3, 32, 32],
    { ...resnet, baseWidth: 4, blocks: 9, norm: 'batch', separable: true },
  ],
  [
    'sub_mobile_resnet_9blocks.pth',
    'sub_mobile_resnet_9blocks',
    [2, 3, 32, 32],
    {
      ...resnet,
      baseWidth: 4,
      blocks: 9,
      norm: 'instance',
      separable: true,
      widths: [4, 3, 5, 2, 4, 3, 3, 6],
    },
  ],
  [
    'sub_mobile_resnet_9blocks-legacy.pth',
    'sub_mobile_resnet_9blocks',
    [1, 3, 32, 32],
    {
      ...resnet,
      baseWidth: 4,
      blocks: 9,
      norm: 'instance',
      separable: true,
      widths: [4, 3, 5, 2, 5, 5, 2, 5, 5, 2, 5, 5, 3, 6],
    },
  ],
  [
    'unet_256.pth',
    'unet_256',
    [1, 3, 256, 256],
    { type: 'unet', baseWidth: 2, levels: 8, norm: 'instance', dropout: 0 },
  ],
  [
    'unet_256-batch.pth',
    'unet_256',
    [1, 3, 256, 256],
    { type: 'unet', baseWidth: 2, levels: 8, norm: 'batch', dropout: 0 },
  ],
  [
    'unet_128-legacy.pth',
    'unet_128',
    [1, 3, 128, 128],
    { type: 'unet', baseWidth: 2, levels: 7, norm: 'batch', dropout: 0 },
  ],
  [
    'n_layers.pth',
    'n_layers',
    [2, 6, 48, 48],
    { type: 'patch', baseWidth: 4, layers: 3, norm: 'instance', spectralNorm: false },
  ],
  [
    'basic-batch-legacy.pth',
    'basic',
    [2, 3, 48, 48],
    { type: 'patch', baseWidth: 4, layers: 3, norm: 'batch', spectralNorm: false },
  ],
  [
    'pixel.pth',
    'pixel',
    [2, 6, 8, 8],
    { type: 'pixel', baseWidth: 4, norm: 'instance', spectralNorm: false },
  ],
  [
    'pixel-batch.safetensors',
    'pixel',
    [2, 6, 8, 8],
    { type: 'pixel', baseWidth: 4, norm: 'batch', spectralNorm: false },
  ],
])('%s as %s', (file, kind, shape, architecture) => {
  const key = file === 'mobile_resnet_9blocks.pth' ? 'netG' : undefined;
  const source = { tensors: readStateDict(join(folder, file), key), file };

  test('has the architecture that was saved', () => {
    expect(importNetwork(kind, source).architecture).toEqual(architecture);
  });

  test('computes what PyTorch computes, to 1e-4', async () => {
    const { graph } = importNetwork(kind, source);
    const data = await output(graph, file, shape);
    const golden = expected.get(`${file}/output`)!.data;
    const compared =
      shape[2]! > 100
        ? thinned(data, [shape[0]!, graph.outputs[0]!.shape[1] as number, shape[2]!, shape[3]!])
        : data;
    expect(compared).toBeAllclose(golden, { atol: 1e-4, rtol: 0 });
    // Pictures that are one colour would agree whatever the weights are.
    const mean = golden.reduce((a, b) => a + b, 0) / golden.length;
    expect(Math.sqrt(golden.reduce((a, b) => a + (b - mean) ** 2, 0) / golden.length)).toBeGreaterThan(0.05);
  });
});

test('every learnt number of a checkpoint is a parameter of the network', () => {
  const tensors = readStateDict(join(folder, 'unet_256-batch.pth'));
  const { graph } = importNetwork('unet_256', { tensors, file: 'unet' });
  const learnt = [...tensors].filter(([name]) => !/running|tracked/.test(name));
  const count = learnt.reduce((n, [, { shape }]) => n + shape.reduce((a, b) => a * b, 1), 0);
  expect(countParameters(graph)).toBe(count);
});

describe('a checkpoint of another network is refused with what was expected and found', () => {
  const of = (file: string, key?: string) => ({ tensors: readStateDict(join(folder, file), key), file });

  test.each<[kind: string, file: string, message: string]>([
    ['resnet_6blocks', 'resnet_9blocks.pth', 'of 6 blocks of dense convolutions; it has 9 blocks'],
    ['mobile_resnet_9blocks', 'resnet_9blocks.pth', 'block 1 has a dense and a dense convolution'],
    [
      'resnet_9blocks',
      'mobile_resnet_9blocks-batch.pth',
      'block 1 has a separable and a separable convolution',
    ],
    [
      'mobile_resnet_9blocks',
      'sub_mobile_resnet_9blocks.pth',
      'of equal widths; its widths are 4_3_5_2_4_3_3_6',
    ],
    ['unet_128', 'unet_256.pth', 'a U-Net generator of 7 levels; it has 8 levels'],
    [
      'unet_256',
      'resnet_9blocks.pth',
      'model.model.1.model.1.weight is missing, it has model.1.weight, model.1.bias',
    ],
    ['resnet_9blocks', 'unet_256.pth', 'model.10.conv_block is missing, it has model.model.0.weight'],
    ['pixel', 'n_layers.pth', 'net.0.weight is missing'],
    ['basic', 'pixel.pth', 'it has net.0.weight'],
    ['lpips-alex', 'pixel.pth', 'missing: features.0.weight [64, 3, 11, 11], features.0.bias [64]'],
    ['vgg16', 'tensors.safetensors', 'features.0.weight is missing, it has float32, float64, float16'],
  ])('%s from %s', (kind, file, message) => {
    expect(() => importNetwork(kind, of(file))).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_MISMATCH', message: expect.stringContaining(message) }),
    );
  });

  test('missing, unexpected and wrongly shaped tensors are listed, the first five of each', () => {
    const { tensors, file } = of('resnet_9blocks.pth');
    const changed = new Map(tensors);
    for (const name of ['model.1.bias', 'model.4.bias']) changed.delete(name);
    for (let i = 0; i < 7; i++) changed.set(`extra${i}`, tensors.get('model.1.bias')!);
    changed.set('model.7.bias', tensors.get('model.1.bias')!);
    expect(() => importNetwork('resnet_9blocks', { tensors: changed, file })).toThrow(
      'missing: model.1.bias [4], model.4.bias [8]; of another shape: model.7.bias [16], got [4]; ' +
        'unexpected: extra0, extra1, extra2, extra3, extra4, … (7 in all)',
    );
  });

  test('widths that the file has no numbers for take no memory', () => {
    const { tensors, file } = of('resnet_9blocks.pth');
    const wide = { ...tensors.get('model.1.weight')!, shape: [2 ** 20, 3, 7, 7] };
    const wider = { ...tensors.get('model.4.weight')!, shape: [2 ** 20, 2 ** 20, 3, 3] };
    const trunk = { ...wider, shape: [2 ** 20, 1, 1, 1] };
    const changed = new Map([
      ...tensors,
      ['model.1.weight', wide],
      ['model.4.weight', trunk],
      ['model.7.weight', trunk],
    ]);
    expect(() => importNetwork('resnet', { tensors: changed, file })).toThrow('its widths need');
  });

  test('weights that are not finite', () => {
    const { tensors, file } = of('pixel.pth');
    const first = tensors.get('net.0.bias')!;
    const broken = {
      ...first,
      read: () => ({ dtype: 'float32' as const, shape: [4], data: Float32Array.of(0, Number.NaN, 0, 0) }),
    };
    expect(() =>
      importNetwork('pixel', { tensors: new Map([...tensors, ['net.0.bias', broken]]), file }),
    ).toThrow(
      expect.objectContaining({
        code: 'CHECKPOINT_INVALID',
        message: expect.stringContaining('element 1 of conv1.bias is NaN'),
      }),
    );
  });

  test('an unknown kind', () => {
    expect(() => importNetwork('stylegan', of('pixel.pth'))).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    );
  });
});
