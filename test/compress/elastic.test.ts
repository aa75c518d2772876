import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
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
import { Graph } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { type Rng, rng } from '../../src/util/rng.ts';
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

/** The network with the first channels of each group, as a file holds it. */
function exported(graph: Graph, space: WidthSpace, vector: WidthVector): Graph {
  const keep = new Map([...channelsAt(space, vector)].map(([group, width]) => [group, range(width)]));
  return loadOnnx(encodeOnnx(narrow(graph, keep)), 'narrowed.onnx');
}

async function output(graph: Graph, feeds: Parameters<typeof runGraph>[1]): Promise<Float32Array> {
  checkGraph(graph);
  const results = await runGraph(graph, feeds, backend);
  return results[graph.outputs[0]!.name]!.data as Float32Array;
}

/** The network at widths that are inputs, compiled once. */
function elastic(graph: Graph, space: WidthSpace) {
  const target = new Graph('elastic');
  const feeds = noise(graph);
  const inputs = Object.fromEntries(
    graph.inputs.map((x) => [x.name, target.input(x.name, x.dtype, feeds[x.name]!.shape)]),
  );
  const { outputs } = inlineElastic(target, graph, widthInputs(target, space), { inputs, prefix: 'g' });
  target.output(outputs[0]!, 'y');
  checkGraph(target);
  return { target, feeds };
}

async function expectSame(graph: Graph, space: WidthSpace, vectors: readonly WidthVector[]): Promise<void> {
  const { target, feeds } = elastic(graph, space);
  const compiled = await backend.compile({ graph: target, state: [] });
  for (const vector of vectors) {
    const { y } = await compiled.run({ ...feeds, ...widthFeeds(space, vector) });
    const alone = await output(exported(graph, space, vector), feeds);
    const scale = alone.reduce((a, x) => Math.max(a, Math.abs(x)), 1);
    // Files run with constant weights, for which the engine picks kernels that round differently.
    expect(y!.data, vector.join('_')).toBeAllclose(alone, { atol: 2e-5 * scale });
    const differences = alone.map((x, i) => Math.abs(x - (y!.data[i] as number)));
    expect(differences.reduce((a, b) => a + b) / alone.length, vector.join('_')).toBeLessThan(1e-6 * scale);
  }
  await compiled.dispose();
}

const networks: Record<string, () => Graph> = {
  'resnet, instance norm': () => resnetGenerator({ baseWidth: 4, blocks: 2, size: 16 }),
  'resnet, batch norm': () => resnetGenerator({ baseWidth: 4, blocks: 1, norm: 'batch', dropout: 0.5 }),
  'resnet, separable': () => resnetGenerator({ baseWidth: 4, blocks: 3, separable: true }),
  'U-Net, instance norm': () => unetGenerator({ baseWidth: 4, levels: 3, size: 16 }),
  'U-Net, batch norm': () => unetGenerator({ baseWidth: 4, levels: 4, norm: 'batch' }),
};

describe('an elastic network gives what the exported narrowed one gives', () => {
  test.each(Object.keys(networks))('%s', async (name) => {
    const graph = randomise(networks[name]!());
    const random = rng(2, name);
    const space = randomSpace(graph, random);
    await expectSame(graph, space, [largest(space), smallest(space), draw(space, random)]);
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
    let narrowed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), fc.nat(1000), async (steps, seed) => {
        const { graph } = build(steps);
        randomise(graph, seed);
        const random = rng(seed, 'widths');
        const space = randomSpace(graph, random);
        if (space.some(({ choices }) => choices.length > 1)) narrowed++;
        await expectSame(graph, space, [smallest(space), draw(space, random), draw(space, random)]);
      }),
      { numRuns: 30 },
    );
    expect(narrowed).toBeGreaterThan(12);
  });
});
