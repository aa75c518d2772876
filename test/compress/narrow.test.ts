import { describe, expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { mulDim } from '../../src/graph/dims.ts';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { convolution } from '../../src/models/layers.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { relu, sigmoid } from '../../src/ops/activation.ts';
import { depthToSpace } from '../../src/ops/depth-space.ts';
import { mul } from '../../src/ops/elementwise.ts';
import { expandTo, flatten, reshape, transpose } from '../../src/ops/layout.ts';
import { linear } from '../../src/ops/matmul.ts';
import { globalAveragePool } from '../../src/ops/pool.ts';
import { resizeTo } from '../../src/ops/resize.ts';
import { concat, split } from '../../src/ops/segments.ts';
import { dimValue } from '../../src/ops/sizes.ts';
import { rng } from '../../src/util/rng.ts';
import { noise, outputOf, parameterShapes, randomise, withTensors } from './networks.ts';

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Every channel of every group that can be narrowed, in random order. */
function shuffled(graph: Graph): Map<string, number[]> {
  const open = channelGroups(graph).list.filter((group) => group.narrowable);
  return new Map(open.map(({ name, width }) => [name, rng(3, name).shuffle(range(width))]));
}

/** A network with what the generators lack: resizing, splitting, reshaping, dense layers, pixel shuffle. */
function oddNetwork(): Graph {
  const graph = new Graph('odd');
  const x = graph.input('x', 'float32', [2, 3, 16, 16]);
  const convolve = (from: Value, name: string, channels: number) =>
    convolution(from, name, channels, { kernel: 3, pad: 1 });
  const [a, b] = split(relu(convolve(x, 'first', 12)), 1, [8, 4]) as [Value, Value];
  const larger = resizeTo(depthToSpace(convolve(a, 'shuffle', 24), 2, 'CRD'), [16, 16]);
  const squeezed = flatten(globalAveragePool(a));
  const weight = graph.constant(float32([6, 8], new Float32Array(48)), 'gate.weight');
  const gate = expandTo(reshape(sigmoid(linear(squeezed, weight)), [2, 6, 1, 1]), larger);
  const joined = concat([mul(larger, gate), b], 1);
  const dense = graph.constant(float32([5, 10 * 16], new Float32Array(800)), 'dense.weight');
  graph.output(linear(flatten(resizeTo(joined, [4, 4])), dense), 'y');
  return randomise(graph);
}

const networks: Record<string, () => Graph> = {
  'resnet, instance norm': () => resnetGenerator({ baseWidth: 4, blocks: 2, size: 16 }),
  'resnet, batch norm': () => resnetGenerator({ baseWidth: 4, blocks: 1, norm: 'batch', dropout: 0.5 }),
  'resnet, separable': () => resnetGenerator({ baseWidth: 4, blocks: 2, separable: true }),
  'resnet, separable, batch norm': () =>
    resnetGenerator({ baseWidth: 4, blocks: 1, separable: true, norm: 'batch' }),
  'U-Net, instance norm': () => unetGenerator({ baseWidth: 4, levels: 3, size: 16 }),
  'U-Net, batch norm': () => unetGenerator({ baseWidth: 4, levels: 4, norm: 'batch' }),
  'patch discriminator': () => patchDiscriminator({ baseWidth: 4, layers: 2, norm: 'batch' }),
  'odd network': oddNetwork,
};

describe.each(Object.keys(networks))('%s', (name) => {
  const graph = randomise(networks[name]!());
  const names = (g: Graph) =>
    [g.inputs, g.outputs, g.nodes.flatMap((n) => n.outputs), g.nodes].map((list) => list.map((v) => v.name));

  test('all channels in another order give the same outputs', async () => {
    const keep = shuffled(graph);
    expect(keep.size).toBeGreaterThanOrEqual(3);
    const reordered = narrow(graph, keep);
    expect(names(reordered)).toEqual(names(graph));
    expect(parameterShapes(reordered)).toEqual(parameterShapes(graph));
    const outputs = await outputOf(graph);
    expect(new Set(outputs).size).toBeGreaterThanOrEqual(8);
    expect(await outputOf(reordered, noise(graph))).toBeAllclose(outputs, { atol: 2e-5 });
  });

  test('channels that nothing reads can be dropped without changing outputs', async () => {
    const groups = channelGroups(graph);
    const dropped = new Map(
      [...shuffled(graph)].map(([group, order]) => [group, new Set(order.slice(0, order.length >> 1))]),
    );
    const silent = new Map(
      [...graph.constants.values()].map((value) => [value.name, value.tensor!] as const),
    );
    for (const group of groups.list) {
      for (const { value, axis } of group.consumers) {
        const { shape, data } = silent.get(value.name)!;
        const after = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
        const zeroed = Float32Array.from(data as Float32Array);
        for (const { group: name, offset, width, factor } of groups.segments(value, axis)!) {
          for (let i = 0; i < zeroed.length; i++) {
            const channel = Math.floor(((Math.floor(i / after) % shape[axis]!) - offset) / factor);
            if (channel >= 0 && channel < width && dropped.get(name)?.has(channel)) zeroed[i] = 0;
          }
        }
        silent.set(value.name, float32(shape, zeroed));
      }
    }
    const full = withTensors(networks[name]!(), silent);
    const keep = [...dropped].map(
      ([group, gone]) => [group, range(groups.find(group)!.width).filter((c) => !gone.has(c))] as const,
    );
    const small = narrow(full, new Map(keep));
    expect(await outputOf(small, noise(graph))).toBeAllclose(await outputOf(full), { atol: 2e-5 });
  });
});

test('a narrowed network is the network built at those widths with the sliced parameters', async () => {
  const widths = [3, 2, 4, 1, 3, 2, 4];
  const [stem, down1, trunk, inner1, inner2, up1, up2] = widths as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (const separable of [false, true]) {
    const options = { baseWidth: 4, blocks: 2, separable, norm: 'batch' } as const;
    const keep = new Map(
      Object.entries({
        stem,
        down1: 2 * down1,
        down2: 4 * trunk,
        'block1.conv1': 4 * inner1,
        'block2.conv1': 4 * inner2,
        up1: 2 * up1,
        up2,
      }).map(([group, width]) => [group, range(width)]),
    );
    const narrowed = narrow(randomise(resnetGenerator(options)), keep);
    const built = resnetGenerator({ ...options, widths });
    const structure = (graph: Graph) =>
      graph.nodes.map(({ op, name, inputs, outputs, attributes }) => ({
        op,
        name,
        attributes,
        inputs: inputs.map((x) => x && [x.name, x.shape]),
        outputs: outputs.map((y) => [y.name, y.shape]),
      }));
    expect(structure(narrowed)).toEqual(structure(built));
    for (const [name, { tensor }] of narrowed.constants) built.constants.get(name)!.tensor = tensor!;
    expect(await outputOf(narrowed)).toEqual(await outputOf(built));
    checkGraph(narrowed);
  }
});

test('sizes that a network computes when it runs follow its channels where they were written down', async () => {
  const graph = new Graph('attention');
  const x = graph.input('x', 'float32', ['batch', 3, 'height', 'width']);
  const a = convolution(x, 'a', 8, { kernel: 3, pad: 1 });
  const sizes = [dimValue(a, 0), graph.vector([8]), dimValue(a, 2), dimValue(a, 3)];
  const shape = graph.add('Concat', sizes, { axis: 0 }, [{ dtype: 'int64', shape: [4] }]).outputs[0]!;
  const type = [{ dtype: 'float32' as const, shape: a.shape }];
  const rows = transpose(reshape(a, ['batch', 8, mulDim('height', 'width')]), [0, 2, 1]);
  const back = graph.add('Reshape', [transpose(relu(rows), [0, 2, 1]), shape], {}, type, 'back').outputs[0]!;
  const gate = graph.add('Expand', [sigmoid(globalAveragePool(back)), shape], {}, type).outputs[0]!;
  graph.output(convolution(mul(back, gate), 'last', 3, { kernel: 3, pad: 1 }), 'y');
  randomise(graph);
  const small = narrow(graph, new Map([['a', [6, 1, 5]]]));
  expect(channelGroups(small).list.map(({ name, width }) => `${name} ${width}`)).toEqual([
    'x 3',
    'a 3',
    'last 3',
  ]);
  const read = graph.constants.get('last.weight')!;
  const silent = Float32Array.from(read.tensor!.data as Float32Array, (w, i) =>
    [6, 1, 5].includes(Math.floor(i / 9) % 8) ? w : 0,
  );
  const before = await outputOf(small);
  read.tensor = float32(read.tensor!.shape, silent);
  expect(before).toBeAllclose(await outputOf(graph), { atol: 1e-5 });
});

test('the original keeps its weights', () => {
  const graph = randomise(unetGenerator({ baseWidth: 2, levels: 2 }));
  const before = parameterShapes(graph);
  const small = narrow(graph, new Map([['down2', [1]]]));
  expect(parameterShapes(graph)).toEqual(before);
  expect(parameterShapes(small)).toMatchObject({ 'down2.weight': [1, 2, 4, 4], 'up1.weight': [1, 2, 4, 4] });
  expect([...small.find('down2.bias')!.tensor!.data]).toEqual([graph.find('down2.bias')!.tensor!.data[1]]);
});

test('groups that do not exist or cannot be narrowed, and channels that do not exist, are errors', () => {
  const graph = resnetGenerator({ baseWidth: 2, blocks: 1 });
  const failing = (group: string, channels: number[]) => () => narrow(graph, new Map([[group, channels]]));
  expect(failing('trunk', [0])).toThrow(
    'channel group "trunk" must be one of condition, stem, down1, down2, block1.conv1, up1, up2, head',
  );
  expect(failing('head', [0, 1])).toThrow('channel group "head" cannot be narrowed: network output "image"');
  expect(failing('condition', [0])).toThrow('network input "condition"');
  expect(failing('stem', [0, 2])).toThrow(
    'channels kept of group "stem" must be different whole numbers from 0 to 1, at least one, got channel 2',
  );
  expect(failing('stem', [1, 1])).toThrow('got channel 1 twice');
  expect(failing('stem', [])).toThrow('got none');
  expect(failing('stem', [0.5])).toThrow('got channel 0.5');
});
