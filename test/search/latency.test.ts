import { describe, expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { largest, smallest, type WidthVector, widthSpace } from '../../src/compress/width-space.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { Graph } from '../../src/graph/graph.ts';
import { measureLatency } from '../../src/metrics/profile/latency.ts';
import { convolution } from '../../src/models/layers.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { countMacs, inputSymbols } from '../../src/ops/cost.ts';
import { limitsOf } from '../../src/search/budget.ts';
import type { CostModel } from '../../src/search/cost.ts';
import { countFeasible } from '../../src/search/feasible.ts';
import { cutPrefix, latencyTable, predictLatency } from '../../src/search/latency.ts';
import { extractNodes, layersOf, shapeOf } from '../../src/search/layers.ts';
import { rng } from '../../src/util/rng.ts';
import { exported, loadExport } from '../compress/foreign.ts';

function network(baseWidth: number, lists: number[], blocks = 3) {
  const graph = resnetGenerator({ baseWidth, blocks, separable: true });
  const groups = channelGroups(graph);
  const space = widthSpace(groups, lists, {
    type: 'resnet',
    baseWidth,
    blocks,
    separable: true,
    norm: 'instance',
    padding: 'reflect',
    dropout: 0,
  });
  return { graph, groups, space, symbols: inputSymbols(graph, { size: 64 }) };
}

describe('the layers of a network', () => {
  test('hold every node once and cost together what the network costs', () => {
    const { graph, symbols } = network(8, [8]);
    const layers = layersOf(graph);
    expect(layers.flat().sort((a, b) => a - b)).toEqual(graph.nodes.map((_, i) => i));
    const parts = layers.map((nodes) => extractNodes(graph, nodes, symbols));
    for (const part of parts) checkGraph(part);
    const sum = parts.reduce((all, part) => all + countMacs(part).true, 0);
    expect(sum).toBe(countMacs(graph, symbols).true);
  });

  test('are known as equal by operators and sizes', () => {
    const { graph, symbols } = network(8, [8]);
    const shapes = layersOf(graph).map((nodes) => shapeOf(extractNodes(graph, nodes, symbols), symbols));
    // Of three equal blocks, each of two depthwise and two pointwise convolutions, the last ends without a neighbour.
    expect(shapes.length - new Set(shapes).size).toBeGreaterThanOrEqual(6);
  });
});

test.each([
  ['each combination', [16, 8, 4]],
  ['some, with straight lines between them', Array.from({ length: 15 }, (_, i) => 16 - i)],
])('times of layers at %s predict an engine whose times are sums', async (_name, lists) => {
  const { graph, groups, space, symbols } = network(16, lists, 1);
  const trunk = space.map((entry) => (/inner|up/.test(entry.name) ? entry : { ...entry, choices: [16] }));
  let timed = 0;
  const time = async (part: Graph) => {
    timed++;
    return 0.2 + 1e-6 * countMacs(part, symbols).true;
  };
  const table = await latencyTable(graph, groups, trunk, symbols, { time, seed: 0 });
  expect(table.error).toBeLessThan(1e-6);
  const random = rng(5, 'vectors');
  for (let i = 0; i < 5; i++) {
    const vector: WidthVector = trunk.map(({ choices }) => random.choice(choices));
    const expected = await time(cutPrefix(graph, groups, trunk, vector));
    expect(predictLatency(JSON.parse(JSON.stringify(table)), vector)).toBeCloseTo(expected, 8);
  }
  const combinations = table.layers.reduce((sum, { times }) => sum + Object.keys(times).length, 0);
  expect(timed).toBeLessThan(4 * combinations + 14);
});

/** A chain of convolutions that has an entry of four widths for each but the last. */
function chain(length: number) {
  const graph = new Graph('chain');
  let x = graph.input('x', 'float32', [1, 3, 4, 4]);
  for (let i = 1; i <= length; i++) x = convolution(x, `layer${i}`, 4, { kernel: 1 });
  graph.output(convolution(x, 'last', 3, { kernel: 1 }), 'y');
  const groups = channelGroups(graph);
  const space = widthSpace(
    groups,
    Object.fromEntries(groups.list.flatMap((g) => (g.narrowable ? [[g.name, [4, 3, 2, 1]]] : []))),
  );
  return { graph, groups, space, symbols: new Map<string, number>() };
}

test('times that scatter never fall with a width, so that of 4^14 vectors few are looked at', async () => {
  const { graph, groups, space, symbols } = chain(14);
  expect(space).toHaveLength(14);
  const scatter = rng(0, 'scatter');
  const time = async (part: Graph) => countMacs(part, symbols).true * scatter.uniform(0.5, 1.5);
  const table = await latencyTable(graph, groups, space, symbols, { time, seed: 0 });
  let calls = 0;
  const latency = (vector: WidthVector) => {
    calls++;
    return predictLatency(table, vector);
  };
  const random = rng(1, 'vectors');
  for (let i = 0; i < 300; i++) {
    const vector = space.map(({ choices }) => random.choice(choices));
    const e = random.int(0, 13);
    const wider = vector.with(e, random.int(vector[e]!, 4));
    expect(latency(wider)).toBeGreaterThanOrEqual(latency(vector) - 1e-9);
  }
  const [least, most] = [latency(smallest(space)), latency(largest(space))];
  const limits = (budget: number) =>
    limitsOf({ latency: budget }, { costs: {} as CostModel, teacherMacs: 1, latency });
  for (const [budget, found] of [
    [0.9 * least, 0],
    [least, 1],
    [(least + most) / 2, 513],
  ] as const) {
    calls = 0;
    const count = countFeasible(space, limits(budget), 513);
    expect(count).toBeGreaterThanOrEqual(found);
    expect(calls).toBeLessThan(14 * 4 * (count + 1));
  }
});

const openSided = exported.filter((name) => isOpen(loadExport(name)));

function isOpen({ inputs }: Graph): boolean {
  return inputs.some(({ shape }) => shape.slice(2).some((d) => typeof d === 'string'));
}

test('PyTorch exports with open sides are among those that are timed', () => {
  expect(openSided).toEqual(expect.arrayContaining(['decoder-11', 'spade-12', 'spade-17', 'unet-12']));
});

test.each(openSided)('the layers of the PyTorch export %s run by themselves', async (name) => {
  const graph = loadExport(name);
  const groups = channelGroups(graph);
  const open = groups.list.filter(({ narrowable }) => narrowable);
  const lists = open.slice(0, 2).map(({ name: group, width }) => [group, [width, Math.ceil(width / 2)]]);
  const space = widthSpace(groups, Object.fromEntries(lists));
  const symbols = inputSymbols(graph, { size: 16 });
  const backend = onnxruntime({ threads: 1 });
  let runs = 0;
  const time = async (part: Graph) => {
    runs++;
    return (await measureLatency(part, backend, { symbols, runs: 1, atLeastMs: 0 })).median;
  };
  const table = await latencyTable(graph, groups, space, symbols, { time, seed: 0 });
  const counted = table.layers.flatMap(({ times }) => Object.values(times));
  expect(counted.every((milliseconds) => milliseconds > 0)).toBe(true);
  expect(runs).toBeGreaterThan(10);
});

test('times on this machine predict whole networks, if not to the millisecond', async () => {
  const { graph, groups, space, symbols } = network(32, [32, 8], 1);
  const trunk = space.map((entry) => (/trunk|up/.test(entry.name) ? entry : { ...entry, choices: [32] }));
  const backend = onnxruntime({ threads: 1 });
  const time = async (part: Graph) =>
    (await measureLatency(part, backend, { symbols, runs: 5, atLeastMs: 5 })).median;
  const table = await latencyTable(graph, groups, trunk, symbols, { time, seed: 1 });
  expect(table.error).toBeLessThan(1);
  const [wide, thin] = [32, 8].map((c) =>
    predictLatency(
      table,
      trunk.map(({ choices }) => (choices.length > 1 ? c : 32)),
    ),
  );
  expect(wide).toBeGreaterThan(thin!);
});
