import { describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { adaptClassInput } from '../../src/compress/adapt-class.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph, int64, type Tensor, type Value } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { generatorInputs } from '../../src/models/generator-inputs.ts';
import { cast, mul } from '../../src/ops/elementwise.ts';
import { gather } from '../../src/ops/gather.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { reshape, squeeze, unsqueeze } from '../../src/ops/layout.ts';
import { linear } from '../../src/ops/matmul.ts';
import { concat } from '../../src/ops/segments.ts';
import { rng } from '../../src/util/rng.ts';

const backend = onnxruntime({ threads: 1 });
const classes = 4;
const random = (name: string, shape: number[]) =>
  float32(shape, rng(1, name).fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1))));

/** A conditional GAN as PyTorch users write it: the class's embedding beside z, then layers to an image of 4×4. */
function foreign(label: (graph: Graph) => { input: Value; embedding: Value }): Graph {
  const graph = new Graph('cgan');
  const z = graph.input('z', 'float32', ['batch', 3]);
  const { embedding } = label(graph);
  const hidden = linear(concat([z, embedding], 1), graph.constant(random('fc', [8, 8]), 'fc.weight'));
  const image = linear(hidden, graph.constant(random('out', [48, 8]), 'out.weight'));
  graph.output(reshape(image, ['batch', 3, 4, 4]), 'image');
  return graph;
}

const table = (graph: Graph) => graph.constant(random('embed', [classes, 5]), 'embed.weight');

const forms: Record<string, { graph: Graph; feed: (ids: number[]) => Tensor }> = {
  'a number looked up in a table': {
    graph: foreign((graph) => {
      const input = graph.input('label', 'int64', ['batch']);
      return { input, embedding: gather(table(graph), input) };
    }),
    feed: (ids) => int64(ids),
  },
  'a column of numbers': {
    graph: foreign((graph) => {
      const input = graph.input('label', 'int64', ['batch', 1]);
      return { input, embedding: squeeze(gather(table(graph), input), [1]) };
    }),
    feed: (ids) => int64(ids, [ids.length, 1]),
  },
  'a number that is computed with': {
    graph: foreign((graph) => {
      const input = graph.input('label', 'int64', ['batch']);
      const looked = gather(table(graph), input);
      return { input, embedding: mul(looked, unsqueeze(cast(input, 'float32'), [1])) };
    }),
    feed: (ids) => int64(ids),
  },
};

async function image(graph: Graph, feeds: Record<string, Tensor>) {
  checkGraph(graph);
  return (await runGraph(graph, feeds, backend)).image!.data as Float32Array;
}

describe('a foreign generator of classes', () => {
  test.each(Object.entries(forms))('with %s takes one-hot vectors', async (_, { graph, feed }) => {
    const adapted = adaptClassInput(graph);
    expect(adapted.inputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['z', 'float32', ['batch', 3]],
      ['label', 'float32', ['batch', classes]],
    ]);
    const { condition, latent } = generatorInputs(adapted);
    expect([condition?.name, latent?.name]).toEqual(['label', 'z']);
    const ids = [2, 0, 3];
    const oneHot = float32(
      [3, classes],
      ids.flatMap((id) => Array.from({ length: classes }, (_, k) => Number(k === id))),
    );
    const z = random('z', [3, 3]);
    const expected = await image(graph, { z, label: feed(ids) });
    expect(await image(adapted, { z, label: oneHot })).toBeAllclose(expected, { atol: 1e-5 });
    const again = loadOnnx(encodeOnnx(adapted), 'again.onnx');
    expect(await image(again, { z, label: oneHot })).toBeAllclose(expected, { atol: 1e-5 });
  });

  test('can be narrowed where it looks its class up', () => {
    const groups = channelGroups(adaptClassInput(forms['a number looked up in a table']!.graph));
    const open = groups.list.filter(({ narrowable }) => narrowable);
    expect(open.map(({ name, width }) => [name, width])).toContainEqual(['embed', 5]);
  });

  test('is left alone without an integer input, or when the number of classes cannot be told', () => {
    const known = adaptClassInput(forms['a number looked up in a table']!.graph);
    expect(adaptClassInput(known)).toBe(known);
    const graph = new Graph('computed');
    const label = graph.input('label', 'int64', ['batch']);
    graph.output(cast(label, 'float32'), 'y');
    expect(adaptClassInput(graph)).toBe(graph);
    expect(adaptClassInput(graph, 7).inputs[0]!.shape).toEqual(['batch', 7]);
  });
});
