import fc from 'fast-check';
import { expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { meanActivations } from '../../src/compress/calibrate.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { channelScores, selectChannels } from '../../src/compress/importance.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import { convolution, upConvolution } from '../../src/models/layers.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { relu } from '../../src/ops/activation.ts';
import { add } from '../../src/ops/elementwise.ts';
import { concat } from '../../src/ops/segments.ts';
import { noise, outputOf, randomise } from './networks.ts';
import { build, step } from './random-network.ts';

/** a and b add up, the sum is read by two layers behind a concatenation; weights as given. */
function small(): Graph {
  const graph = new Graph('small');
  const x = graph.input('x', 'float32', [1, 1, 2, 2]);
  const one = (name: string) => convolution(x, name, 3, { kernel: 1, bias: false });
  const sum = relu(add(one('a'), one('b')));
  const joined = concat([x, sum], 1);
  const y = add(
    convolution(joined, 'c', 1, { kernel: 1, bias: false }),
    upConvolution(sum, 'd', 1, { kernel: 1, stride: 1, pad: 0, bias: false }),
  );
  graph.output(y, 'y');
  const set = (name: string, data: number[]) => {
    const value = graph.constants.get(`${name}.weight`)!;
    value.tensor = float32(value.tensor!.shape, data);
  };
  set('a', [1, -2, 3]);
  set('b', [-10, 0, 4]);
  set('c', [100, -1, 2, 4]);
  set('d', [7, -3, 0]);
  return graph;
}

test('filter-l1 sums what makes a channel, consumer-l1 what reads it', () => {
  const graph = small();
  expect([...channelScores(graph, { importance: 'filter-l1' })]).toEqual([
    ['a', Float64Array.of(1 + 10, 2 + 0, 3 + 4)],
  ]);
  expect([...channelScores(graph)]).toEqual([['a', Float64Array.of(1 + 7, 2 + 3, 4 + 0)]]);
  const activations = new Map([['a', [1, 2, 0.5]]]);
  expect(channelScores(graph, { activations }).get('a')).toEqual(Float64Array.of(8, 10, 2));
  expect(() => channelScores(graph, { activations: new Map([['a', [1, 2]]]) })).toThrow(
    'activations of group "a" must be 3, one for each channel, got 2',
  );
});

test('filters of convolutions count over all inputs and taps, transposed ones along their second axis', () => {
  const graph = randomise(resnetGenerator({ baseWidth: 2, blocks: 1 }));
  const scores = channelScores(graph, { importance: 'filter-l1' });
  const norm = (name: string, pick: (o: number, i: number) => boolean) => {
    const { shape, data } = graph.constants.get(name)!.tensor!;
    const [, columns, rows, cells] = shape as [number, number, number, number];
    return (data as Float32Array).reduce((sum, w, at) => {
      const tap = Math.floor(at / (rows * cells));
      return pick(Math.floor(tap / columns), tap % columns) ? sum + Math.abs(w) : sum;
    }, 0);
  };
  expect(scores.get('up2')![1]).toBeCloseTo(
    norm('up2.weight', (_, i) => i === 1),
    5,
  );
  const trunk = norm('down2.weight', (o) => o === 5) + norm('block1.conv2.weight', (o) => o === 5);
  expect(scores.get('down2')![5]).toBeCloseTo(trunk, 5);
});

test('the highest scores are kept, in descending order, ties by index', () => {
  const groups = channelGroups(small());
  const select = (width: number | undefined, score: number[]) =>
    selectChannels(
      groups,
      ({ name }) => (name === 'a' ? width : undefined),
      new Map([['a', Float64Array.from(score)]]),
    );
  expect([...select(2, [1, 3, 2])]).toEqual([['a', [1, 2]]]);
  expect([...select(3, [2, 5, 2])]).toEqual([['a', [1, 0, 2]]]);
  expect([...select(undefined, [1, 2, 3])]).toEqual([]);
  expect(() => select(4, [1, 2, 3])).toThrow(
    'width of channel group "a" must be a whole number from 1 to 3, got 4',
  );
});

test('activations are measured where the channels are read, over pictures and positions', async () => {
  const graph = small();
  const feeds = { x: float32([1, 1, 2, 2], [1, -1, 0.5, 0]) };
  const measured = await meanActivations(graph, feeds, { backend: onnxruntime({ threads: 1 }) });
  // a + b is (−9, −2, 7)·x, of which ReLU leaves one sign.
  expect(measured.get('a')).toEqual(Float64Array.of(9 / 4, 2 / 4, (7 * 1.5) / 4));
  const resnet = randomise(resnetGenerator({ baseWidth: 2, blocks: 1 }));
  const widths = [...(await meanActivations(resnet, noise(resnet)))].map(([group, means]) => [
    group,
    means.length,
  ]);
  expect(Object.fromEntries(widths)).toEqual({
    condition: 3,
    stem: 2,
    down1: 4,
    down2: 8,
    'block1.conv1': 8,
    up1: 4,
    up2: 2,
  });
});

test('sorting the channels of random networks by importance leaves their outputs within 1e-5', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), fc.nat(1000), async (steps, seed) => {
      const { graph } = build(steps);
      randomise(graph, seed);
      const groups = channelGroups(graph);
      const backend = onnxruntime({ threads: 1 });
      const activations = await meanActivations(graph, noise(graph), { groups, backend });
      const scores = channelScores(graph, { groups, activations });
      const order = selectChannels(
        groups,
        ({ narrowable, width }) => (narrowable ? width : undefined),
        scores,
      );
      fc.pre([...order.values()].some((channels) => channels.some((c, i) => c !== i)));
      const before = await outputOf(graph);
      const after = await outputOf(narrow(graph, order, groups));
      const scale = before.reduce((a, x) => Math.max(a, Math.abs(x)), 1);
      expect(after).toBeAllclose(before, { atol: 1e-5 * scale });
    }),
    { numRuns: 20 },
  );
});
