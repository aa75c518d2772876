import { describe, expect, it } from 'vitest';
import type { Condition } from '../../../src/data/source.ts';
import { type DType, Graph } from '../../../src/graph/graph.ts';
import { buildDiscriminator } from '../../../src/models/generator.ts';
import { declareInputs } from '../../../src/models/generator-inputs.ts';
import { checkDiscriminator, judgedInputs } from '../../../src/pipeline/check/discriminator.ts';
import { checkGenerator } from '../../../src/pipeline/check/generator.ts';
import { labels } from '../../support/label-source.ts';

const size = 16;
type Shape = readonly (number | string)[];

function network(
  inputs: Record<string, Shape>,
  output: Shape = ['n', 3, size, size],
  dtype: DType = 'float32',
) {
  const graph = new Graph('g');
  for (const [name, shape] of Object.entries(inputs)) graph.input(name, dtype, shape);
  const values = Object.values(graph.inputs);
  const node = graph.add('Anything', values, {}, [{ dtype, shape: output, name: 'y' }]);
  graph.output(node.outputs[0]!);
  return graph;
}

const conditions = {
  picture: { kind: 'image', channels: 3 },
  map: { kind: 'labels', labels, edges: false },
  edged: { kind: 'labels', labels, edges: true },
  animal: { kind: 'class', classes: ['cat', 'dog'] },
  nothing: { kind: 'none' },
} as const satisfies Record<string, Condition>;
const channels = { picture: 3, map: 3, edged: 4, animal: 2, nothing: 0 } as const;
const task = (what: keyof typeof conditions) => ({
  size,
  condition: conditions[what],
  channels: { condition: channels[what], image: 3 as const },
});

describe('a generator', () => {
  const square = (channels: number): Shape => ['n', channels, 'h', 'w'];
  it.each([
    ['picture', { x: square(3) }],
    ['picture', { x: square(3), z: ['n', 8] }],
    ['map', { labels: square(3) }],
    ['edged', { labels: [1, 4, size, size], latent: ['n', 8] }],
    ['animal', { class: ['n', 2], latent: ['n', 8] }],
    ['animal', { class: ['n', 2] }],
    ['nothing', { z: ['n', 8] }],
  ] as const)('fits data of a %s: %j', (what, inputs) => {
    expect(() => checkGenerator(network(inputs), 'g.onnx', task(what))).not.toThrow();
  });

  const errorOf = (graph: Graph, what: keyof typeof conditions) => {
    try {
      checkGenerator(graph, 'g.onnx', task(what));
    } catch (error) {
      const { code, message, hint } = error as { code: string; message: string; hint: string };
      return `${code}: ${message}; ${hint}`;
    }
    return 'fits';
  };
  it.each([
    [
      'picture',
      { class: ['n', 2], latent: ['n', 8] },
      'must turn [1, 3, 16, 16] into [1, 3, 16, 16], it turns [n, 2] and [n, 8] into [n, 3, 16, 16]; export the generator alone, with one picture as its input',
    ],
    [
      'map',
      { x: square(12) },
      'must take 3 label channels [1, 3, 16, 16] and make [1, 3, 16, 16], it takes [n, 12, h, w] and makes [n, 3, 16, 16]; make data.size and the labels those the network was trained with',
    ],
    [
      'edged',
      { x: square(3) },
      'must take 3 label channels and one of edges [1, 4, 16, 16] and make [1, 3, 16, 16], it takes [n, 3, h, w] and makes [n, 3, 16, 16]; make data.size and the labels those the network was trained with',
    ],
    [
      'animal',
      { class: ['n', 10], z: ['n', 8] },
      'must take one of 2 classes [1, 2] and make [1, 3, 16, 16], it takes [n, 10] and [n, 8] and makes [n, 3, 16, 16]; make the classes those the network was trained with',
    ],
    [
      'animal',
      { x: square(3) },
      'must take one of 2 classes [1, 2] and make [1, 3, 16, 16], it takes [n, 3, h, w] and makes [n, 3, 16, 16]; take a network for such data',
    ],
    [
      'nothing',
      { noisy: ['n', 8] },
      'must take a latent vector [1, Z] alone and make [1, 3, 16, 16], it takes [n, 8] and makes [n, 3, 16, 16]; take a network for such data, its input named latent',
    ],
    [
      'map',
      { x: square(3), w: ['n', 8] },
      'must take 3 label channels [1, 3, 16, 16] and make [1, 3, 16, 16], it takes [n, 3, h, w] and [n, 8] and makes [n, 3, 16, 16]; where w is a latent vector, say so in the network\'s card: "inputs": {"w": "latent"}',
    ],
  ] as const)('of other data is told from one of a %s: %j', (what, inputs, told) => {
    expect(errorOf(network(inputs), what)).toBe(`MODEL_MISMATCH: g.onnx ${told}`);
  });

  it('fits with the inputs its card declares', () => {
    const graph = network({ x: square(3), w: ['n', 8] });
    expect(errorOf(declareInputs(graph, { w: 'latent' }), 'map')).toBe('fits');
  });

  it('must have a latent vector of a fixed length, and float32 throughout', () => {
    expect(errorOf(network({ z: ['n', 'length'] }), 'nothing')).toContain('must take a latent vector');
    expect(errorOf(network({ class: ['n', 2] }, ['n', 3, size, size], 'float16'), 'animal')).toContain(
      'export it in float32',
    );
  });
});

describe('a discriminator', () => {
  const source = (what: keyof typeof conditions, unpaired = false) => ({
    ...task(what),
    ...(unpaired && { unpaired: { counts: { train: 1, val: 1, test: 1 }, image: () => new Uint8Array() } }),
  });

  it('is shown the image with its condition, classes apart, and unpaired images alone', () => {
    const judged = (what: keyof typeof conditions, unpaired?: boolean) =>
      judgedInputs(source(what, unpaired));
    expect(judged('picture')).toEqual({ channels: 6, classes: 0 });
    expect(judged('edged')).toEqual({ channels: 7, classes: 0 });
    expect(judged('animal')).toEqual({ channels: 3, classes: 2 });
    expect(judged('nothing')).toEqual({ channels: 3, classes: 0 });
    expect(judged('picture', true)).toEqual({ channels: 3, classes: 0 });
  });

  const patch = (inputs: number) =>
    buildDiscriminator(
      { type: 'patch', baseWidth: 2, layers: 1, norm: 'instance', spectralNorm: false },
      size,
      inputs,
    );
  const projection = (classes: number) =>
    buildDiscriminator({ type: 'projection', baseWidth: 2, spectralNorm: false }, size, 3, classes);
  it.each([
    ['patches of images and label maps', patch(7), 'edged', 'fits'],
    ['patches of images alone', patch(3), 'edged', 'fits'],
    ['patches of something else', patch(5), 'edged', 'must judge pictures [1, 7, 16, 16]'],
    ['images with their classes', projection(2), 'animal', 'fits'],
    ['images without their classes', projection(0), 'animal', 'fits'],
    ['other classes', projection(5), 'animal', 'must judge pictures [1, 3, 16, 16]'],
    ['classes where there are none', projection(2), 'picture', 'must judge pictures [1, 6, 16, 16]'],
  ] as const)('that judges %s', (_, graph, what, told) => {
    const check = () => checkDiscriminator(graph, 'd.onnx', source(what));
    if (told === 'fits') expect(check).not.toThrow();
    else expect(check).toThrow(told);
  });
});
