import { describe, expect, test } from 'vitest';
import type { Program } from '../../src/backend/backend.ts';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { widthFeeds } from '../../src/compress/elastic.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { smallest, type WidthSpace, widthSpace } from '../../src/compress/width-space.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { Graph, showShape, type Value } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { convolution } from '../../src/models/layers.ts';
import { leakyRelu } from '../../src/ops/activation.ts';
import { add } from '../../src/ops/elementwise.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { globalAveragePool } from '../../src/ops/pool.ts';
import { concat } from '../../src/ops/segments.ts';
import { dimValue, sizesValue } from '../../src/ops/sizes.ts';
import { stepFeeds } from '../../src/train/feeds.ts';
import { stepProgram } from '../../src/train/step.ts';
import { rng } from '../../src/util/rng.ts';
import { exported, loadExport } from '../compress/foreign.ts';
import { randomise } from '../compress/networks.ts';

const backend = onnxruntime({ threads: 1 });
const size = 16;
const settings = {
  seed: 3,
  steps: 10,
  lr: 2e-4,
  beta1: 0.5,
  beta2: 0.999,
  schedule: 'constant',
  constantFraction: 0.5,
  ema: 0.9,
  diffaugment: [],
} as const;

interface Case {
  made: Program;
  space: WidthSpace;
  batch: number;
  channels: { from: number; to: number };
}

/** The program of an elastic step towards pictures, every group at all or half of its channels. */
function elasticStep(generator: Graph): Case {
  const groups = channelGroups(generator);
  const open = groups.list.filter(({ narrowable }) => narrowable);
  const lists = open.map(({ name, width }) => [name, [width, Math.ceil(width / 2)]] as const);
  const space = widthSpace(groups, Object.fromEntries(lists));
  const [first, from] = generator.inputs[0]!.shape;
  const batch = typeof first === 'number' ? first : 2;
  const made = stepProgram({
    ...settings,
    generator,
    discriminator: new Graph('none'),
    batch,
    size,
    ganMode: 'hinge',
    recon: 'l1',
    lambdaGan: 0,
    lambdaRecon: 1,
    ema: false,
    elastic: { space, sandwich: false, drift: false },
  });
  checkGraph(made.graph);
  const to = generator.outputs[0]!.shape[1] as number;
  return { made, space, batch, channels: { from: from as number, to } };
}

/** Runs the step at the narrowest widths; every weight must have a finite gradient, and some of them one that is not zero. */
async function expectGradients({ made, space, batch, channels }: Case): Promise<void> {
  const picture = (count: number, name: string) =>
    rng(1, name).fillUniform(new Float32Array(batch * count * size * size), -1, 1);
  const pictures = {
    condition: picture(channels.from, 'condition'),
    image: picture(channels.to, 'image'),
    mirrored: [],
  };
  const compiled = await backend.compile(made);
  try {
    const feeds = stepFeeds(made.graph, pictures, 0, settings);
    const { recon } = await compiled.run({ ...feeds, ...widthFeeds(space, smallest(space)) });
    expect(recon!.data[0]).toBeGreaterThan(0);
    const moments = made.state.map(({ name }) => name).filter((name) => name.startsWith('g/m/'));
    const found = await compiled.readState(moments);
    const largest = [...found.values()].map(({ data }) =>
      (data as Float32Array).reduce((a, x) => Math.max(a, Math.abs(x)), 0),
    );
    expect(largest.every(Number.isFinite)).toBe(true);
    expect(largest.filter((x) => x > 0).length).toBeGreaterThan(0.4 * moments.length);
  } finally {
    await compiled.dispose();
  }
}

// Exports of one network by several opsets often come to one and the same step.
const steps = new Map<string, { names: string[]; step: Case }>();
for (const name of exported) {
  const step = elasticStep(loadExport(name));
  const key = step.made.graph.nodes
    .map(({ op, inputs }) => `${op} ${inputs.map((x) => x && showShape(x.shape)).join(' ')}`)
    .join('\n');
  const known = steps.get(key);
  if (known) known.names.push(name);
  else steps.set(key, { names: [name], step });
}

test.each([...steps.values()].map(({ names, step }) => [names.join(', '), step] as const))(
  'the PyTorch exports %s make an elastic step',
  (_names, step) => expectGradients(step),
);

/** Sizes as exporters spell them: some read from values when the network runs, the channels read or written down. */
const spellings: Record<string, (a: Value, x: Value) => Value> = {
  'resized to the size of another value, channels written down': (a, x) =>
    resized(a, [dimValue(a, 0), 8, dimValue(x, 2), dimValue(x, 3)]),
  'resized to the size of another value, channels read': (a, x) =>
    resized(a, [dimValue(a, 0), dimValue(a, 1), dimValue(x, 2), dimValue(x, 3)]),
  'reshaped to heads and back': (a, x) => {
    const [rows, columns] = [dimValue(a, 2), dimValue(a, 3)];
    const heads = reshaped(a, [dimValue(a, 0), 2, 4, rows, columns], ['batch', 2, 4, ...a.shape.slice(2)]);
    const back = reshaped(leakyRelu(heads, 0.1), [dimValue(a, 0), 8, rows, columns], a.shape);
    return spellings['resized to the size of another value, channels read']!(back, x);
  },
  'a mean expanded to the size of an image': (a, x) => {
    const sizes = [dimValue(a, 0), a.graph.vector([8]), dimValue(a, 2), dimValue(a, 3)];
    const type = { dtype: 'float32', shape: a.shape } as const;
    const mean = a.graph.add('Expand', [globalAveragePool(a), concat(sizes, 0)], {}, [type]).outputs[0]!;
    return spellings['resized to the size of another value, channels read']!(add(a, mean), x);
  },
};

function resized(a: Value, sizes: (number | Value)[]): Value {
  const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
  const type = { dtype: 'float32', shape: ['batch', 8, 'height', 'width'] } as const;
  const inputs = [a, null, null, sizesValue(a.graph, sizes)];
  return a.graph.add('Resize', inputs, attributes, [type]).outputs[0]!;
}

function reshaped(a: Value, sizes: (number | Value)[], shape: Value['shape']): Value {
  const inputs = [a, sizesValue(a.graph, sizes)];
  return a.graph.add('Reshape', inputs, {}, [{ dtype: 'float32', shape }]).outputs[0]!;
}

describe('an elastic step of a network whose image has open sides', () => {
  test.each(Object.keys(spellings))('%s', async (name) => {
    const graph = new Graph('open sides');
    const x = graph.input('x', 'float32', ['batch', 3, 'height', 'width']);
    const a = leakyRelu(convolution(x, 'a', 8, { kernel: 3, stride: 2, pad: 1 }), 0.2);
    graph.output(convolution(spellings[name]!(a, x), 'last', 3, { kernel: 3, pad: 1 }), 'y');
    const read = loadOnnx(encodeOnnx(randomise(graph)), 'open-sides.onnx');
    const step = elasticStep(read);
    expect(step.space.map((entry) => entry.name)).toEqual(['a']);
    await expectGradients(step);
  });
});
