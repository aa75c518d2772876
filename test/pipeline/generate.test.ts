import { describe, expect, it } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { channelsAt, largest, smallest, widthSpace } from '../../src/compress/width-space.ts';
import { Graph } from '../../src/graph/graph.ts';
import { declareInputs } from '../../src/models/generator-inputs.ts';
import { tanh } from '../../src/ops/activation.ts';
import { reshape } from '../../src/ops/layout.ts';
import { compileGenerator } from '../../src/pipeline/generate.ts';
import { givenBatch, pictureLatents } from '../../src/pipeline/given.ts';
import { elasticGenerator } from '../../src/pipeline/supernet/elastic-generator.ts';
import { labelSource } from '../support/label-source.ts';
import { latentGenerator } from '../support/latent-generator.ts';

const backend = onnxruntime({ threads: 1 });
const size = 8;
const source = labelSource(size);
const network = () => declareInputs(latentGenerator(4), { code: 'latent' });
const numbers = (data: unknown) => data as Float32Array;

describe('a generator of a condition and a latent vector', () => {
  it('makes one by one what it makes of a batch', async () => {
    const { condition, latent } = await givenBatch(source, network(), 'test', [2, 0, 3]);
    expect([condition!.shape, latent!.shape]).toEqual([
      [3, 4, size, size],
      [3, 2],
    ]);
    const { picture } = await runGraph(network(), { map: condition!, code: latent! }, backend);
    const making = await compileGenerator(network(), size, backend);
    const made = await making.generate(numbers(condition!.data), numbers(latent!.data));
    expect(made).toBeAllclose(numbers(picture!.data), { atol: 1e-6 });
    const other = pictureLatents(network(), 'test', [1, 1, 1]);
    expect(await making.generate(numbers(condition!.data), other)).not.toBeAllclose(made, { atol: 1e-3 });
    await making.dispose();
  });

  it('must be given as many of both', async () => {
    const making = await compileGenerator(network(), size, backend);
    const conditions = new Float32Array(2 * 4 * size * size);
    for (const latents of [undefined, new Float32Array(2), new Float32Array(5)])
      await expect(making.generate(conditions, latents)).rejects.toThrow(
        /as many latent vectors as conditions/,
      );
    await making.dispose();
  });

  it('is at any widths what the narrowed network is', async () => {
    const graph = network();
    const groups = channelGroups(graph);
    const space = widthSpace(groups, [1, 0.5]);
    const elastic = await elasticGenerator(graph, space, size, backend);
    const { condition, latent } = await givenBatch(source, graph, 'val', [0, 1]);
    for (const vector of [largest(space), smallest(space)]) {
      const keep = [...channelsAt(space, vector)].map(
        ([group, width]) => [group, Array.from({ length: width }, (_, i) => i)] as const,
      );
      const alone = narrow(graph, new Map(keep), groups);
      const making = await compileGenerator(alone, size, backend);
      const expected = await making.generate(numbers(condition!.data), numbers(latent!.data));
      expect(await elastic.generate(numbers(condition!.data), vector, numbers(latent!.data))).toBeAllclose(
        expected,
        { atol: 1e-5 },
      );
      await making.dispose();
    }
    await elastic.dispose();
  });
});

it('a generator of latent vectors alone makes a picture for each', async () => {
  const graph = new Graph('noise');
  const z = graph.input('z', 'float32', ['batch', 3 * size * size]);
  graph.output(reshape(tanh(z), ['batch', 3, size, size]), 'picture');
  const latents = pictureLatents(graph, 'test', [4, 5])!;
  expect(pictureLatents(graph, 'test', [5])).toEqual(latents.subarray(latents.length / 2));
  const making = await compileGenerator(graph, size, backend);
  expect(await making.generate(new Float32Array(0), latents)).toBeAllclose(latents.map(Math.tanh), {
    atol: 1e-6,
  });
  expect(await making.generate(new Float32Array(0), new Float32Array(0))).toHaveLength(0);
  await making.dispose();
});

it('a generator without a latent vector needs none', () => {
  const graph = new Graph('plain');
  graph.output(tanh(graph.input('x', 'float32', ['batch', 3, 'h', 'w'])), 'y');
  expect(pictureLatents(graph, 'test', [0])).toBeUndefined();
});
