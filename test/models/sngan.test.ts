import { describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, type Graph, type Tensor } from '../../src/graph/graph.ts';
import { generatorInputs, latentSize } from '../../src/models/generator-inputs.ts';
import { initialise } from '../../src/models/init.ts';
import { projectionDiscriminator } from '../../src/models/projection-discriminator.ts';
import { snganGenerator } from '../../src/models/sngan.ts';
import { countMacs, countParameters } from '../../src/ops/cost.ts';
import { batchStatistics, trainableParameters } from '../../src/ops/parameters.ts';
import { rng } from '../../src/util/rng.ts';
import { readSafetensorsMetadata } from '../support/safetensors.ts';

const fixture = new URL('../fixtures/class.safetensors', import.meta.url).pathname;
const counts = JSON.parse(readSafetensorsMetadata(fixture).counts!) as Record<string, number>;

/** One-hot rows. */
const oneHot = (labels: readonly number[], classes: number): Tensor =>
  float32(
    [labels.length, classes],
    labels.flatMap((label) => Array.from({ length: classes }, (_, k) => Number(k === label))),
  );

const latents = (count: number, size: number): Tensor =>
  float32([count, size], rng(1, 'latents').fillNormal(new Float32Array(count * size)));

async function run(graph: Graph, feeds: Record<string, Tensor>) {
  checkGraph(graph);
  return runGraph(graph, feeds, onnxruntime({ threads: 1 }));
}

describe('the SNGAN generator', () => {
  test('has as many parameters as the same network in PyTorch', () => {
    // 256 channels throughout, as published for CIFAR-10: 4,276,739 with the biases that norms cancel and without classes.
    const cifar = { baseWidth: 64, size: 32, widths: [64, 64, 64, 128, 128, 256, 256] };
    expect(countParameters(snganGenerator({ ...cifar, classes: 10 }))).toBe(counts.generator32);
    const cancelled = 3 * 3 * 256;
    expect(countParameters(snganGenerator(cifar)) + cancelled).toBe(4_276_739);
    const larger = { baseWidth: 32, size: 64, latent: 64, classes: 8 };
    expect(countParameters(snganGenerator(larger))).toBe(counts.generator64);
  });

  test('costs what its layers say', () => {
    const { true: macs } = countMacs(
      snganGenerator({ baseWidth: 2, size: 16, latent: 5, classes: 3 }),
      new Map([['batch', 1]]),
    );
    const linear = 5 * 16 * 4;
    const block = (side: number, before: number, inner: number, after: number) =>
      side ** 2 * 9 * (before * inner + inner * after) + (side / 2) ** 2 * before * after;
    const byClass = 3 * 2 * (4 + 4 + 4 + 2);
    expect(macs).toBe(linear + block(8, 4, 4, 4) + block(16, 4, 2, 2) + byClass + 16 ** 2 * 9 * 2 * 3);
  });

  test.each([
    { norm: 'batch', separable: false, classes: 3 },
    { norm: 'instance', separable: false, classes: 3 },
    { norm: 'batch', separable: true, classes: 3 },
    { norm: 'batch', separable: false, classes: 0 },
  ] as const)('%o makes images that depend on all it is given', async ({ classes, ...options }) => {
    const graph = initialise(snganGenerator({ baseWidth: 4, size: 16, latent: 6, classes, ...options }), {
      init: 'kaiming',
      seed: 1,
    });
    expect(graph.inputs.map(({ name }) => name)).toEqual(classes > 0 ? ['class', 'latent'] : ['latent']);
    expect(generatorInputs(graph).condition?.name).toBe(classes > 0 ? 'class' : undefined);
    expect(latentSize(graph)).toBe(6);
    const z = latents(1, 6).data as Float32Array;
    const other = latents(2, 6).data.slice(6) as Float32Array;
    const latent = float32([3, 6], [...z, ...z, ...other]);
    const label = classes > 0 ? { class: oneHot([0, 1, 1], classes) } : {};
    const { image } = await run(graph, { latent, ...label });
    expect(image!.shape).toEqual([3, 3, 16, 16]);
    const [a, b, c] = [0, 1, 2].map((i) =>
      Array.from(image!.data.slice(i * 768, (i + 1) * 768) as Float32Array),
    );
    expect(Math.max(...a!.map(Math.abs))).toBeLessThanOrEqual(1);
    if (classes > 0) expect(a).not.toEqual(b);
    else expect(a).toEqual(b);
    expect(b).not.toEqual(c);
  });

  test('norms by class learn no scale and shift of their own, but keep statistics', () => {
    const graph = snganGenerator({ baseWidth: 2, size: 8, latent: 4, classes: 3 });
    const names = trainableParameters(graph).map(({ name }) => name);
    expect(names.filter((name) => name.includes('norm'))).toEqual([
      'stem.norm.gain',
      'stem.norm.shift',
      'block1.conv1.norm.gain',
      'block1.conv1.norm.shift',
      'block1.norm.weight',
      'block1.norm.bias',
    ]);
    expect(batchStatistics(graph).map(({ name }) => name)).toEqual(
      ['stem', 'block1.conv1', 'block1'].flatMap((layer) => [`${layer}.norm.mean`, `${layer}.norm.var`]),
    );
  });

  test('refuses sides that are no doubled 4 and width vectors of another length', () => {
    expect(() => snganGenerator({ baseWidth: 4, size: 24 })).toThrow(
      'image size must be a power of two and at least 8 for an SNGAN, which doubles 4 pixels, got 24',
    );
    expect(() => snganGenerator({ baseWidth: 4, size: 16, widths: [4, 4] })).toThrow(
      'widths must be 5 whole numbers above 0, one for the stem and two for each of the 2 blocks, got [4, 4]',
    );
    expect(() => snganGenerator({ baseWidth: 4, size: 16, latent: 0 })).toThrow(
      'latent must be a whole number of at least 1, got 0',
    );
  });
});

describe('the projection discriminator', () => {
  test('has as many parameters as the same network in PyTorch', () => {
    expect(countParameters(projectionDiscriminator({ baseWidth: 16, size: 32, classes: 10 }))).toBe(
      counts.discriminator32,
    );
    expect(countParameters(projectionDiscriminator({ baseWidth: 32, size: 64, classes: 8 }))).toBe(
      counts.discriminator64,
    );
  });

  test.each([false, true])('gives one score for image and class, spectral norm %s', async (spectralNorm) => {
    const graph = initialise(projectionDiscriminator({ baseWidth: 4, size: 16, classes: 3, spectralNorm }), {
      init: 'kaiming',
      seed: 1,
    });
    const one = rng(1, 'image').fillUniform(new Float32Array(768), -1, 1);
    const image = float32([2, 3, 16, 16], [...one, ...one]);
    const found = await run(graph, { image, class: oneHot([0, 2], 3) });
    expect(Object.keys(found)).toEqual(['score', 'feature/1/1', 'feature/1/2', 'feature/1/3']);
    expect(found.score!.shape).toEqual([2, 1]);
    expect(found.score!.data[0]).not.toBe(found.score!.data[1]);
    expect(found['feature/1/3']!.shape).toEqual([2, 8, 4, 4]);
  });

  test('judges the image alone where there are no classes', async () => {
    const graph = initialise(projectionDiscriminator({ baseWidth: 4, size: 8 }), {
      init: 'kaiming',
      seed: 1,
    });
    const { score } = await run(graph, { image: float32([1, 3, 8, 8], new Float32Array(192).fill(0.5)) });
    expect(score!.shape).toEqual([1, 1]);
    expect(() => projectionDiscriminator({ baseWidth: 4, size: 20 })).toThrow(
      'image size must be a power of two and at least 8 for a projection discriminator, which halves it to 4, got 20',
    );
  });
});
