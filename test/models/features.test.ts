import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, type Graph, type Tensor } from '../../src/graph/graph.ts';
import { importLpips } from '../../src/models/import/features.ts';
import { importNetwork } from '../../src/models/import/kinds.ts';
import type { StateDict } from '../../src/models/import/load.ts';
import { inception } from '../../src/models/inception.ts';
import { lpips, lpipsBackbones } from '../../src/models/lpips.ts';
import type { StoredTensor } from '../../src/models/torch/storage.ts';
import { vgg16, vgg19Features } from '../../src/models/vgg.ts';
import { countMacs, countParameters } from '../../src/ops/cost.ts';
import { batchStatistics, trainableParameters } from '../../src/ops/parameters.ts';
import { perceptualTaps } from '../../src/train/perceptual-taps.ts';
import { image, weight } from '../support/formula.ts';
import { readSafetensors, tensorsUnder } from '../support/safetensors.ts';

const stored = readSafetensors(join(import.meta.dirname, '../fixtures/checkpoints/expected.safetensors'));
const backend = onnxruntime({ threads: 1 });

/** A state dict with the numbers of the formula for each parameter of a network, under the names `rename` gives. */
function formulaWeights(graph: Graph, rename = (name: string) => name): Map<string, StoredTensor> {
  const values = [...trainableParameters(graph), ...batchStatistics(graph)];
  return new Map(
    values.map(({ name, shape }): [string, StoredTensor] => {
      const theirs = rename(name);
      const read = () => float32(shape as number[], weight(theirs, shape as number[]));
      return [theirs, { kind: 'tensor', dtype: 'float32', shape: shape as number[], storage: theirs, read }];
    }),
  );
}

const linearName = (name: string) => name.replace(/^(lin\d)\./, '$1.model.1.');

async function results(graph: Graph, feeds: Record<string, Tensor>): Promise<Record<string, Float32Array>> {
  checkGraph(graph);
  const found = await runGraph(graph, feeds, backend);
  return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]));
}

/** Largest difference relative to the largest expected number. */
function difference(found: Float32Array, expected: Float32Array): number {
  expect(found.length).toBe(expected.length);
  const largest = expected.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  return found.reduce((m, x, i) => Math.max(m, Math.abs(x - expected[i]!)), 0) / largest;
}

describe('the Inception network of FID', () => {
  test('gives what PyTorch gives for the same weights, at every output', async () => {
    const graph = inception({ size: 107 });
    const weights = formulaWeights(graph);
    for (const value of [...trainableParameters(graph), ...batchStatistics(graph)])
      value.tensor = weights.get(value.name)!.read();
    const found = await results(graph, { image: image('features/inception', [2, 3, 107, 107]) });
    const expected = tensorsUnder(stored, 'features/inception');
    expect(Object.keys(found).sort()).toEqual([...expected.keys()].sort());
    for (const [name, { data }] of expected) expect(difference(found[name]!, data), name).toBeLessThan(1e-5);
  });

  test('is imported by the names of pytorch-fid, and has its size and cost', () => {
    const tensors = formulaWeights(inception());
    const { graph, preprocessing } = importNetwork('inception', { tensors, file: 'pt_inception.pth' });
    expect(countParameters(graph)).toBe(23_850_960);
    // One more product of 2048 × 1008 for the logits without bias.
    expect((countMacs(graph, new Map([['batch', 1]])).true - 2048 * 1008) / 1e9).toBeCloseTo(5.71, 2);
    expect(preprocessing!.mean[0]! * 255).toBe(128);
    expect(tensors.has('Mixed_7c.branch3x3dbl_3b.bn.running_var')).toBe(true);
  });

  test('torchvision’s network of 1000 classes is refused', () => {
    const tensors = new Map(formulaWeights(inception({ size: 75 })));
    const fc = tensors.get('fc.weight')!;
    tensors.set('fc.weight', { ...fc, shape: [1000, 2048] });
    tensors.set('AuxLogits.conv0.conv.weight', fc);
    expect(() => importNetwork('inception', { tensors, file: 'inception_v3.pth' })).toThrow(
      'fc.weight [1008, 2048], got [1000, 2048]; unexpected: AuxLogits.conv0.conv.weight',
    );
  });
});

describe('VGG-16', () => {
  test('gives what PyTorch gives for the same weights, at a reduced width', async () => {
    const tensors: StateDict = formulaWeights(vgg16({ baseWidth: 8, hidden: 48 }));
    const { graph } = importNetwork('vgg16', { tensors, file: 'vgg16.pth' });
    const found = await results(graph, { image: image('features/vgg16', [2, 3, 224, 224]) });
    for (const [name, { data }] of tensorsUnder(stored, 'features/vgg16'))
      expect(difference(found[name]!, data), name).toBeLessThan(1e-5);
  });

  test('pictures that do not give 7 × 7 places are refused', () => {
    expect(() => vgg16({ size: 256 })).toThrow(expect.objectContaining({ code: 'SIZE_INVALID' }));
  });
});

describe('VGG-19', () => {
  test('gives PyTorch’s maps at the start of each stage, from weights as torchvision has them', async () => {
    const tensors: Map<string, StoredTensor> = formulaWeights(vgg19Features(4));
    const beyond = { ...tensors.get('features.28.weight')! };
    for (const name of ['features.30.weight', 'classifier.6.bias']) tensors.set(name, beyond);
    const { graph, range } = importNetwork('vgg19', { tensors, file: 'vgg19.pth' });
    expect(range).toEqual([-1, 1]);
    const found = await results(graph, { image: image('vgg19', [1, 3, 32, 32]) });
    const expected = tensorsUnder(
      readSafetensors(join(import.meta.dirname, '../fixtures/gaugan.safetensors')),
      'vgg19',
    );
    expect([...expected.keys()]).toEqual(['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1']);
    for (const [name, { data }] of expected) expect(difference(found[name]!, data), name).toBeLessThan(1e-5);
  });

  test('has five maps that count as published', () => {
    const taps = perceptualTaps(vgg19Features(4), 64);
    expect(taps.map(({ name }) => name)).toEqual(['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1']);
    expect(taps.map(({ weight }) => weight)).toEqual([1 / 32, 1 / 16, 1 / 8, 1 / 4, 1]);
  });
});

describe.each(lpipsBackbones)('LPIPS with %s', (backbone) => {
  const shape = { alex: [2, 3, 70, 64], vgg: [2, 3, 48, 40], squeeze: [2, 3, 66, 61] }[backbone];
  const name = `features/lpips-${backbone}`;
  const tensors = formulaWeights(lpips(backbone), linearName);
  const graph = importLpips(backbone, { tensors, file: 'lpips.pth' });
  const [a, b] = [image(`${name}/a`, shape), image(`${name}/b`, shape)];

  test('gives PyTorch’s distances for the same weights', async () => {
    const near = float32(
      shape,
      (a.data as Float32Array).map((x, i) => 0.9 * x + 0.1 * (b.data as Float32Array)[i]!),
    );
    for (const [other, key] of [
      [b, 'distance'],
      [near, 'near'],
    ] as const) {
      const { distance } = await results(graph, { a, b: other });
      expect(distance).toBeAllclose(stored.get(`${name}/${key}`)!.data, { atol: 1e-6, rtol: 1e-4 });
    }
  });

  test('is symmetric and 0 for equal pictures', async () => {
    const [there, back, self] = [
      await results(graph, { a, b }),
      await results(graph, { a: b, b: a }),
      await results(graph, { a, b: a }),
    ];
    expect(back.distance).toBeAllclose(there.distance!, { rtol: 1e-6 });
    expect([...self.distance!]).toEqual([0, 0]);
  });

  test('is the same from a backbone of torchvision and a file of linear layers, or from the lpips package', () => {
    const features = new Map([...tensors].filter(([key]) => key.startsWith('features.')));
    const classifier = tensors.values().next().value!;
    const linear = new Map([...tensors].filter(([key]) => key.startsWith('lin')));
    const two = importLpips(
      backbone,
      { tensors: new Map([...features, ['classifier.1.weight', classifier]]), file: 'backbone.pth' },
      { tensors: linear, file: 'lin.pth' },
    );
    const sliced = new Map([...features].map(([key, t]) => [key.replace('features', 'net.slice3'), t]));
    const scaling = ['scaling_layer.shift', classifier] as const;
    const one = importLpips(backbone, {
      tensors: new Map([...sliced, ...linear, scaling]),
      file: 'lpips.pth',
    });
    const bits = (g: Graph, at: string) =>
      Buffer.from((g.constants.get(at)!.tensor!.data as Float32Array).buffer);
    for (const at of graph.constants.keys()) {
      expect(bits(two, at).equals(bits(graph, at)), at).toBe(true);
      expect(bits(one, at).equals(bits(graph, at)), at).toBe(true);
    }
  });

  test('without its linear layers it is refused', () => {
    const features = new Map([...tensors].filter(([key]) => key.startsWith('features.')));
    expect(() => importLpips(backbone, { tensors: features, file: 'backbone.pth' })).toThrow(
      'missing: lin0.weight [1, 64, 1, 1], lin1.weight',
    );
  });
});

test.each([
  ['alex', 2_469_696, 1152],
  ['vgg', 14_714_688, 1472],
  ['squeeze', 722_496, 2240],
] as const)(
  'LPIPS with %s has %i numbers in its backbone and %i linear weights',
  (backbone, features, linear) => {
    // Six more scale the picture.
    expect(countParameters(lpips(backbone))).toBe(features + linear + 6);
  },
);
