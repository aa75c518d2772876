import { expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { channelsAt, largest, smallest, widthSpace } from '../../src/compress/width-space.ts';
import { float32, Graph, type Tensor } from '../../src/graph/graph.ts';
import { convolution, normalise } from '../../src/models/layers.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { compileGenerator } from '../../src/pipeline/generate.ts';
import { elasticGenerator } from '../../src/pipeline/supernet/elastic-generator.ts';
import { recalibrate } from '../../src/train/recalibrate.ts';
import { rng } from '../../src/util/rng.ts';
import { randomise } from '../compress/networks.ts';

const backend = onnxruntime({ threads: 1 });
const size = 16;
const conditions = (seed: number, count: number): Tensor =>
  float32(
    [count, 3, size, size],
    rng(seed, 'conditions').fillUniform(new Float32Array(count * 3 * size * size), -1, 1),
  );

test('statistics are the mean over batches of what each batch has', async () => {
  const graph = new Graph('one norm');
  const x = graph.input('x', 'float32', ['batch', 3, size, size]);
  const pointwise = convolution(x, 'first', 2, { kernel: 1, bias: false });
  graph.output(normalise(pointwise, 'first', 'batch'), 'y');
  // Channels 0 and 2 of the picture, doubled.
  graph.constants.get('first.weight')!.tensor = float32([2, 3, 1, 1], [2, 0, 0, 0, 0, 2]);
  const batches = [conditions(1, 2), conditions(2, 2), conditions(3, 2)];
  await recalibrate(
    graph,
    batches.map((condition) => ({ condition })),
    backend,
  );
  const values = ({ data }: Tensor, channel: number) =>
    Array.from(data as Float32Array, (v) => 2 * v).filter(
      (_, i) => Math.floor(i / size ** 2) % 3 === channel,
    );
  const mean = (list: number[]) => list.reduce((a, b) => a + b) / list.length;
  const variance = (list: number[]) =>
    list.reduce((sum, v) => sum + (v - mean(list)) ** 2, 0) / (list.length - 1);
  for (const [k, channel] of [0, 2].entries()) {
    const each = batches.map((batch) => values(batch, channel));
    expect(graph.constants.get('first.norm.mean')!.tensor!.data[k]).toBeCloseTo(mean(each.map(mean)), 5);
    expect(graph.constants.get('first.norm.var')!.tensor!.data[k]).toBeCloseTo(mean(each.map(variance)), 4);
  }
});

test('a network without batch norm stays as it is', async () => {
  const graph = randomise(unetGenerator({ baseWidth: 2, levels: 2, size }));
  const before = [...graph.constants.values()].map((v) => v.tensor);
  await recalibrate(graph, [{ condition: conditions(1, 2) }], backend);
  expect([...graph.constants.values()].map((v) => v.tensor)).toEqual(before);
});

test('an elastic generator makes what the narrowed network makes, with statistics of its own', async () => {
  const graph = randomise(unetGenerator({ baseWidth: 4, levels: 3, size, norm: 'batch' }));
  const groups = channelGroups(graph);
  const space = widthSpace(groups, [1, 0.5, 0.25]);
  const calibration = conditions(5, 8);
  const elastic = await elasticGenerator(graph, space, size, backend, {
    calibration: { condition: calibration },
  });
  const shown = conditions(6, 2).data as Float32Array;
  for (const vector of [largest(space), smallest(space), largest(space)]) {
    const keep = new Map(
      [...channelsAt(space, vector)].map(([group, width]) => [
        group,
        Array.from({ length: width }, (_, i) => i),
      ]),
    );
    const alone = await recalibrate(narrow(graph, keep, groups), [{ condition: calibration }], backend);
    const making = await compileGenerator(alone, size, backend);
    const expected = await making.generate(shown);
    expect(await elastic.generate(shown, vector), vector.join('_')).toBeAllclose(expected, { atol: 1e-4 });
    await making.dispose();
  }
  await elastic.dispose();
});

test('an elastic generator takes other weights', async () => {
  const network = (seed: number) => randomise(unetGenerator({ baseWidth: 4, levels: 2, size }), seed);
  const space = widthSpace(channelGroups(network(1)), [1, 0.5]);
  const elastic = await elasticGenerator(network(1), space, size, backend, { replaceable: true });
  const shown = conditions(6, 1).data as Float32Array;
  const before = await elastic.generate(shown, smallest(space));
  elastic.setWeights(new Map([...network(2).constants].map(([name, { tensor }]) => [name, tensor!])));
  const after = await elastic.generate(shown, smallest(space));
  const other = await elasticGenerator(network(2), space, size, backend);
  expect(after).toBeAllclose(await other.generate(shown, smallest(space)), { atol: 1e-5 });
  expect(after).not.toEqual(before);
  await elastic.dispose();
  await other.dispose();
});
