import { describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { float32, type Graph } from '../../src/graph/graph.ts';
import { notedClasses } from '../../src/models/class-planes.ts';
import { buildGenerator } from '../../src/models/generator.ts';
import { initialise } from '../../src/models/init.ts';
import type { GeneratorConfig } from '../../src/recipe/schema.ts';
import { rng } from '../../src/util/rng.ts';

const backend = onnxruntime({ threads: 1 });
const [size, classes] = [64, 3];
const area = size * size;
const sides = { inputChannels: 3 + classes, outputChannels: 3, classes };
const picture = rng(1, 'picture').fillNormal(new Float32Array(3 * area));

async function made(graph: Graph, id: number): Promise<Float32Array> {
  const planes = Float32Array.from({ length: classes * area }, (_, i) => Number(Math.floor(i / area) === id));
  const both = float32([1, 3 + classes, size, size], [...picture, ...planes]);
  const outputs = await runGraph(graph, { [graph.inputs[0]!.name]: both }, backend);
  return Object.values(outputs)[0]!.data as Float32Array;
}

const resnet = {
  type: 'resnet',
  baseWidth: 4,
  blocks: 2,
  norm: 'instance',
  padding: 'reflect',
  separable: false,
} as unknown as Extract<GeneratorConfig, { type: 'resnet' }>;
const unet = { type: 'unet', baseWidth: 4, levels: 4, norm: 'instance' } as unknown as GeneratorConfig;
const spade = { type: 'spade', baseWidth: 4, upsampling: 'normal' } as unknown as GeneratorConfig;

describe('the class that comes with a picture', () => {
  test.each<[string, GeneratorConfig]>([
    ['a ResNet with instance norm', resnet],
    ['a separable ResNet', { ...resnet, separable: true }],
    ['a ResNet with batch norm', { ...resnet, norm: 'batch' }],
    ['a U-Net', unet],
    ['a SPADE generator', spade],
  ])('changes what is made by %s, as soon as its weights are random', async (_, config) => {
    const graph = buildGenerator(config, size, sides);
    initialise(graph, { init: 'normal', gain: 0.1, seed: 1 });
    const [first, second] = [await made(graph, 0), await made(graph, 1)];
    const differences = first.map((x, i) => Math.abs(x - second[i]!));
    expect(Math.max(...differences)).toBeGreaterThan(0.01);
  });

  test('is noted in the ResNet that is built for it alone', () => {
    expect(notedClasses(buildGenerator(resnet, size, sides))).toBe(classes);
    expect(notedClasses(buildGenerator(resnet, size, { ...sides, classes: undefined }))).toBe(0);
  });
});
