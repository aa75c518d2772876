import { expect, test } from 'vitest';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { initialise } from '../../src/models/init.ts';
import { convolution } from '../../src/models/layers.ts';
import { relu, tanh } from '../../src/ops/activation.ts';
import { add, identity, mul } from '../../src/ops/elementwise.ts';
import { flatten, transpose } from '../../src/ops/layout.ts';
import { globalAveragePool } from '../../src/ops/pool.ts';
import { concat } from '../../src/ops/segments.ts';
import { slice } from '../../src/ops/window.ts';
import { type Perceptual, perceptualLoss } from '../../src/train/perceptual.ts';
import { perceptualTaps } from '../../src/train/perceptual-taps.ts';
import { rng } from '../../src/util/rng.ts';
import { between, checkGradients, frozen, runOnce } from '../ops/finite-differences.ts';

/** Smooth layers, so that differences see no kink but that of L1. */
function smooth(channels: 'last' | 'first' = 'first'): Graph {
  const graph = new Graph('smooth');
  const fed = graph.input('image', 'float32', channels === 'first' ? ['batch', 3, 8, 8] : ['batch', 8, 8, 3]);
  const x = channels === 'first' ? fed : transpose(fed, [0, 3, 1, 2]);
  const one = tanh(convolution(x, 'one', 4, { kernel: 3, pad: 1 }));
  graph.named(one, 'fine');
  graph.named(tanh(convolution(one, 'two', 5, { kernel: 3, pad: 1, stride: 2 })), 'coarse');
  graph.output(flatten(globalAveragePool(graph.find('coarse')!)), 'features');
  return initialise(graph, { seed: 3, gain: 0.2 });
}

/** The network with absolute values of its weights, small enough for tanh to rise. */
function rising(network: Graph): Graph {
  for (const value of network.constants.values())
    if (value.shape.length === 4)
      value.tensor = float32(
        value.tensor!.shape,
        (value.tensor!.data as Float32Array).map((w) => Math.abs(w) / 8),
      );
  return network;
}

const plain: Perceptual = {
  network: smooth(),
  taps: [
    { name: 'fine', weight: 0.25 },
    { name: 'coarse', weight: 1 },
  ],
  layout: 'NCHW',
  channels: 'RGB',
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

/** The loss of images drawn by their names. */
async function lossOf(
  perceptual: Perceptual,
  build: (a: Value, b: Value, c: Value) => [fakes: Value[], truth: Value],
  shape = [2, 3, 8, 8],
): Promise<number> {
  const graph = new Graph('loss');
  const inputs = ['a', 'b', 'c'].map((name) => graph.input(name, 'float32', shape));
  graph.output(perceptualLoss(graph, perceptual, ...build(inputs[0]!, inputs[1]!, inputs[2]!)), 'loss');
  const count = shape.reduce((x, y) => x * y, 1);
  const feeds = ['a', 'b', 'c'].map((name) => [
    name,
    float32(shape, rng(1, name).fillNormal(new Float32Array(count), 0.5)),
  ]);
  return (await runOnce(graph, Object.fromEntries(feeds))).loss!.data[0] as number;
}

test('its gradient agrees with central differences, scaled and with channels turned', async () => {
  await checkGradients({
    name: 'perceptual',
    // Larger images give larger activations where no weight is negative: no step crosses the kink of L1.
    inputs: { a: between(-1, 0)([2, 3, 8, 8]), b: frozen(between(0.5, 1)([2, 3, 8, 8])) },
    build: ({ a, b }, graph) => {
      const turned = {
        ...plain,
        network: rising(smooth('last')),
        layout: 'NHWC',
        channels: 'BGR',
        mean: [0.1, 0.2, 0.3],
        std: [0.5, 0.6, 0.7],
      } as const;
      return perceptualLoss(graph, turned, [a!], b!);
    },
  });
});

test('equal images have none, and of several made ones it is the mean', async () => {
  expect(await lossOf(plain, (a) => [[a], a])).toBe(0);
  const ab = await lossOf(plain, (a, b) => [[a], b]);
  const cb = await lossOf(plain, (_, b, c) => [[c], b]);
  expect(ab).toBeGreaterThan(0.01);
  expect(await lossOf(plain, (a, b, c) => [[a, c], b])).toBeCloseTo((ab + cb) / 2, 6);
});

test('images reach the network scaled, in its order of channels and its layout', async () => {
  const mean = [0.1, -0.2, 0.3];
  const std = [0.5, 2, 0.7];
  const scaled = (x: Value) => {
    const perColour = (values: number[]) => x.graph.constant(float32([1, 3, 1, 1], values));
    const y = mul(add(x, perColour(mean.map((m) => -m))), perColour(std.map((s) => 1 / s)));
    const plane = (c: number) => slice(y, [1], [c], [c + 1]);
    return concat([plane(2), plane(1), plane(0)], 1);
  };
  const by = await lossOf({ ...plain, channels: 'BGR', mean, std }, (a, b) => [[a], b]);
  expect(by).toBeCloseTo(await lossOf(plain, (a, b) => [[scaled(a)], scaled(b)]), 5);
  const last = { ...plain, network: smooth('last'), layout: 'NHWC' } as const;
  expect(await lossOf(last, (a, b) => [[a], b])).toBeCloseTo(await lossOf(plain, (a, b) => [[a], b]), 5);
});

test('a grey image counts as one of three equal channels', async () => {
  const thrice = (x: Value) => concat([x, x, x], 1);
  const grey = await lossOf(plain, (a, b) => [[a], b], [2, 1, 8, 8]);
  const colour = await lossOf(plain, (a, b) => [[thrice(a)], thrice(b)], [2, 1, 8, 8]);
  expect(grey).toBeCloseTo(colour, 6);
});

test('one copy of the weights serves all images', () => {
  const graph = new Graph('loss');
  const [a, b] = ['a', 'b'].map((name) => graph.input(name, 'float32', [2, 3, 8, 8])) as [Value, Value];
  graph.output(perceptualLoss(graph, plain, [a, identity(a)], b), 'loss');
  const kernels = [...graph.constants.values()].filter(({ shape }) => shape.length === 4 && shape[2] === 3);
  expect(kernels).toHaveLength(2);
});

test('a network that cannot take the images, or lacks what is compared, is refused', async () => {
  const build = (a: Value, b: Value): [Value[], Value] => [[a], b];
  const other = { ...plain, taps: [{ name: 'middle', weight: 1 }] };
  await expect(lossOf(other, build)).rejects.toMatchObject({
    code: 'PERCEPTUAL_UNFIT',
    message: 'the network "smooth" of the perceptual loss must have a value "middle", it has not',
  });
  await expect(lossOf(plain, build, [2, 5, 8, 8])).rejects.toMatchObject({ code: 'PERCEPTUAL_UNFIT' });
});

test('what is compared is the last activation at each resolution, alike in weight', () => {
  const graph = new Graph('stages');
  let x = graph.input('image', 'float32', ['batch', 3, 'height', 'width']);
  const names: string[] = [];
  for (const stride of [1, 1, 2, 1, 2]) {
    x = relu(convolution(x, `layer${names.length}`, 4, { kernel: 3, pad: 1, stride }));
    names.push(x.name);
  }
  graph.output(flatten(globalAveragePool(x)), 'features');
  const taps = perceptualTaps(graph, 16);
  expect(taps.map(({ name }) => name)).toEqual([names[1], names[3], names[4]]);
  expect(taps.map(({ weight }) => weight)).toEqual([1 / 3, 1 / 3, 1 / 3]);
  const none = new Graph('vector');
  none.output(flatten(none.input('image', 'float32', ['batch', 3, 4, 4])), 'y');
  expect(() => perceptualTaps(none, 4)).toThrow(expect.objectContaining({ code: 'PERCEPTUAL_UNFIT' }));
});
