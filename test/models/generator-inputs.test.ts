import { describe, expect, it } from 'vitest';
import { copyGraph } from '../../src/compress/copy.ts';
import { Graph } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { declareInputs, generatorInputs, latentSize } from '../../src/models/generator-inputs.ts';
import { relu } from '../../src/ops/activation.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';

function network(inputs: Record<string, readonly (number | string)[]>): Graph {
  const graph = new Graph('g');
  for (const [name, shape] of Object.entries(inputs))
    graph.output(relu(graph.input(name, 'float32', shape)), `${name}-made`);
  return graph;
}
const found = (graph: Graph) => {
  const { condition, latent } = generatorInputs(graph);
  return { condition: condition?.name, latent: latent?.name };
};
const picture = ['batch', 3, 8, 8] as const;
const vector = ['batch', 16] as const;

describe('the inputs of a generator', () => {
  it.each([
    ['a picture', { x: picture }, 'x', undefined],
    ['a vector called z', { z: vector }, undefined, 'z'],
    ['a vector of classes', { class: vector }, 'class', undefined],
    ['a picture and noise, in any order', { Noise: vector, labels: picture }, 'labels', 'Noise'],
    ['classes and a latent vector', { latent: vector, class: ['batch', 4] as const }, 'class', 'latent'],
    ['a picture called z', { z: picture }, 'z', undefined],
    ['nothing', {}, undefined, undefined],
  ])('%s', (_, inputs, condition, latent) => {
    expect(found(network(inputs))).toEqual({ condition, latent });
  });

  it('are what a card says where it says something, and copies and files keep that', () => {
    const graph = declareInputs(network({ input: vector, z: vector }), {
      input: 'latent',
      z: 'class',
      other: 'image',
    });
    const expected = { condition: 'z', latent: 'input' };
    expect(found(graph)).toEqual(expected);
    expect(found(copyGraph(graph))).toEqual(expected);
    expect(found(loadOnnx(encodeOnnx(graph), 'g.onnx'))).toEqual(expected);
  });

  it('must not be two of a kind', () => {
    expect(() => found(network({ x: picture, y: picture }))).toThrow(
      'a generator must take at most one condition and one latent vector, got x [batch, 3, 8, 8], y [batch, 3, 8, 8]',
    );
    expect(() => found(network({ z: vector, noise: vector }))).toThrow(
      'at most one condition and one latent',
    );
  });
});

it('a latent vector has a fixed length, none has 0', () => {
  expect(latentSize(network({ z: vector }))).toBe(16);
  expect(latentSize(network({ x: picture }))).toBe(0);
  expect(() => latentSize(network({ z: ['batch', 'length'] }))).toThrow('must be [batch, Z] of a fixed Z');
});
