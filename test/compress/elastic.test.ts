import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Feeds } from '../../src/backend/backend.ts';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { widthFeeds, widthInputs } from '../../src/compress/elastic.ts';
import { inlineElastic } from '../../src/compress/elastic-inline.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import {
  channelsAt,
  largest,
  smallest,
  type WidthSpace,
  type WidthVector,
  widthSpace,
} from '../../src/compress/width-space.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { Graph, type Tensor, type Value } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { inline } from '../../src/ops/inline.ts';
import { runningState, trainableParameters } from '../../src/ops/parameters.ts';
import { type Rng, rng } from '../../src/util/rng.ts';
import { munit } from './munit.ts';
import { noise, randomise } from './networks.ts';
import { build, step } from './random-network.ts';

const backend = onnxruntime({ threads: 1 });
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

const folder = new URL('../fixtures/exports/', import.meta.url).pathname;
const exports = readdirSync(folder).filter((name) => name.endsWith('.onnx'));

/** Every group that can be narrowed, at some of its widths. */
function randomSpace(graph: Graph, random: Rng): WidthSpace {
  const groups = channelGroups(graph);
  const lists = groups.list
    .filter((group) => group.narrowable)
    .map(({ name, width }) => [name, [width, ...range(random.int(0, 2)).map(() => random.int(1, width))]]);
  return widthSpace(groups, Object.fromEntries(lists));
}

function draw(space: WidthSpace, random: Rng): WidthVector {
  return space.map(({ choices }) => random.choice(choices));
}

/** The network with the first channels of each group. */
function narrowed(graph: Graph, space: WidthSpace, vector: WidthVector): Graph {
  const keep = new Map([...channelsAt(space, vector)].map(([group, width]) => [group, range(width)]));
  return narrow(graph, keep);
}

/** A network on noise: at widths that are inputs where there is a space, its weights constants or fed as well. */
interface Applied {
  target: Graph;
  feeds: Record<string, Tensor>;
}

function applied(graph: Graph, weights: 'constant' | 'fed', space?: WidthSpace): Applied {
  const target = new Graph('applied');
  const feeds: Record<string, Tensor> = { ...noise(graph) };
  const inputs = Object.fromEntries(
    graph.inputs.map((x) => [x.name, target.input(x.name, x.dtype, feeds[x.name]!.shape)]),
  );
  const fed = weights === 'fed' ? [...trainableParameters(graph), ...runningState(graph)] : [];
  const given = new Map(fed.map((w) => [w, target.input(`w/${w.name}`, 'float32', w.shape)]));
  for (const w of fed) feeds[`w/${w.name}`] = w.tensor!;
  const options = { inputs, prefix: 'g', parameter: (w: Value) => given.get(w) };
  const { outputs } = space
    ? inlineElastic(target, graph, widthInputs(target, space), options)
    : inline(target, graph, options);
  target.output(outputs[0]!, 'y');
  checkGraph(target);
  return { target, feeds };
}

async function output(graph: Graph, feeds: Feeds): Promise<Float32Array> {
  const results = await runGraph(graph, feeds, backend);
  return results[graph.outputs[0]!.name]!.data as Float32Array;
}

/** How far outputs may be apart at worst, for outputs of about 1. */
interface Bounds {
  /** Weights fed on both sides, so that the engine runs the same kernels. */
  fed: number;
  /** Files run with constant weights, for which the engine picks kernels that round differently. */
  constant: number;
}

const usual: Bounds = { fed: 1e-6, constant: 2e-5 };

/** Compares elastic, narrowed and exported network at some widths. */
async function expectSame(
  graph: Graph,
  space: WidthSpace,
  vectors: readonly WidthVector[],
  bounds: Bounds = usual,
): Promise<void> {
  const [constant, fed] = [applied(graph, 'constant', space), applied(graph, 'fed', space)];
  const compiled = await backend.compile({ graph: constant.target, state: [] });
  const compiledFed = await backend.compile({ graph: fed.target, state: [] });
  for (const vector of vectors) {
    const widths = widthFeeds(space, vector);
    const { y } = await compiled.run({ ...constant.feeds, ...widths });
    const { y: yFed } = await compiledFed.run({ ...fed.feeds, ...widths });
    const small = narrowed(graph, space, vector);
    const file = loadOnnx(encodeOnnx(small), 'narrowed.onnx');
    const alone = await output(file, constant.feeds);
    expect(await output(small, constant.feeds), vector.join('_')).toEqual(alone);
    const aloneFed = applied(file, 'fed');
    const scale = alone.reduce((a, x) => Math.max(a, Math.abs(x)), 1);
    const expected = await output(aloneFed.target, aloneFed.feeds);
    expect(yFed!.data, vector.join('_')).toBeAllclose(expected, { atol: bounds.fed * scale });
    expect(y!.data, vector.join('_')).toBeAllclose(alone, { atol: bounds.constant * scale });
    const differences = alone.map((x, i) => Math.abs(x - (y!.data[i] as number)));
    expect(differences.reduce((a, b) => a + b) / alone.length, vector.join('_')).toBeLessThan(1e-6 * scale);
  }
  await compiled.dispose();
  await compiledFed.dispose();
}

const networks: Record<string, () => Graph> = {
  'resnet, instance norm': () => resnetGenerator({ baseWidth: 4, blocks: 2, size: 16 }),
  'resnet, batch norm': () => resnetGenerator({ baseWidth: 4, blocks: 1, norm: 'batch', dropout: 0.5 }),
  'resnet, separable': () => resnetGenerator({ baseWidth: 4, blocks: 3, separable: true }),
  'U-Net, instance norm': () => unetGenerator({ baseWidth: 4, levels: 3, size: 16 }),
  'U-Net, batch norm': () => unetGenerator({ baseWidth: 4, levels: 4, norm: 'batch' }),
  'MUNIT, norms told by a perceptron and over all channels': () =>
    loadOnnx(encodeOnnx(munit(new Array(10).fill(4), { size: 16 })), 'munit'),
};

describe('an elastic network gives what the exported narrowed one gives', () => {
  test.each(Object.keys(networks))('%s', async (name) => {
    const graph = randomise(networks[name]!());
    const random = rng(2, name);
    const space = randomSpace(graph, random);
    // Fed weights of depthwise convolutions are spread to dense ones, which round differently.
    const bounds = name.includes('separable') ? { ...usual, fed: 5e-6 } : usual;
    await expectSame(graph, space, [largest(space), smallest(space), draw(space, random)], bounds);
  });

  test.each(exports)('PyTorch export %s', async (file) => {
    const graph = loadOnnx(folder + file);
    const random = rng(4, file);
    const groups = channelGroups(graph);
    const open = groups.list.filter((group) => group.narrowable);
    const lists = open.map(({ name, width }) => [name, [width, Math.ceil(width / 2), 1]]);
    const space = widthSpace(groups, Object.fromEntries(lists));
    expect(space.some(({ choices }) => choices.length > 1)).toBe(true);
    await expectSame(graph, space, [smallest(space), draw(space, random)]);
  });

  test('random networks at random widths', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), fc.nat(1000), async (steps, seed) => {
        const { graph } = build(steps);
        randomise(graph, seed);
        const random = rng(seed, 'widths');
        const space = randomSpace(graph, random);
        fc.pre(space.some(({ choices }) => choices.length > 1));
        const bounds = { fed: 1e-6, constant: 2e-6 };
        await expectSame(graph, space, [smallest(space), draw(space, random)], bounds);
      }),
      { numRuns: 20 },
    );
  });
});
