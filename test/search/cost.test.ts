import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChannelGroups, channelGroups } from '../../src/compress/groups.ts';
import { narrowPrefix } from '../../src/compress/narrow.ts';
import {
  channelsAt,
  parseWidths,
  type WidthSpace,
  type WidthVector,
  widthSpace,
} from '../../src/compress/width-space.ts';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { peakActivationBytes } from '../../src/metrics/profile/memory.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { conv } from '../../src/ops/conv.ts';
import { countMacs, countParameters, inputSymbols, type Symbols } from '../../src/ops/cost.ts';
import { add } from '../../src/ops/elementwise.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { instanceNorm } from '../../src/ops/norm.ts';
import { concat } from '../../src/ops/segments.ts';
import { costModel } from '../../src/search/cost.ts';
import { evaluate, interpolate } from '../../src/search/polynomial.ts';
import { rng } from '../../src/util/rng.ts';
import { build, step } from '../compress/random-network.ts';
import { published } from '../ops/golden-widths.ts';

const rest = { type: 'resnet', norm: 'instance', padding: 'reflect', dropout: 0 } as const;

/** A separable ResNet of nine blocks as wide as the widest published vector of its row. */
function generatorOf(width: number) {
  const graph = resnetGenerator({ baseWidth: width, separable: true, size: 256 });
  const groups = channelGroups(graph);
  const architecture = { ...rest, baseWidth: width, blocks: 9, separable: true };
  const space = widthSpace(groups, [width, 8], architecture);
  return { space, cost: costModel(graph, groups, space, inputSymbols(graph, {})) };
}

describe('the formula gives the published costs of GAN Compression’s ResNets to the digit', () => {
  const models = { 64: generatorOf(64), 96: generatorOf(96) };
  test.each(published)('%s', (text, params, paper, paperConv, exact) => {
    const { space, cost } = models[text.startsWith('96') ? 96 : 64];
    const vector = parseWidths(space, text);
    const { macs, params: counted } = cost.at(vector);
    expect(counted).toBe(params);
    expect(macs).toMatchObject({ paperConv, true: exact, ...(paper && { paper }) });
    expect(cost.macs(vector)).toBe(exact);
  });

  test('2 223 of the 5 184 vectors of the space channels-48 stay below 5.68 G', () => {
    const graph = resnetGenerator({ baseWidth: 48, separable: true, size: 256 });
    const groups = channelGroups(graph);
    const [two, three, four] = [
      [48, 32],
      [48, 40, 32],
      [48, 32, 24, 16],
    ];
    const lists = {
      stem: two,
      down1: two,
      trunk: three,
      inner1: three,
      inner2: three,
      inner3: three,
      up1: four,
      up2: four,
    };
    const space = widthSpace(groups, lists, { ...rest, baseWidth: 48, blocks: 9, separable: true });
    const cost = costModel(graph, groups, space, inputSymbols(graph, {}));
    let all: number[][] = [[]];
    for (const { choices } of space) all = all.flatMap((start) => choices.map((width) => [...start, width]));
    const costs = all.map((vector) => cost.at(vector).macs.paperConv);
    expect(all).toHaveLength(5184);
    expect(costs.filter((macs) => macs <= 5.68e9)).toHaveLength(2223);
    expect(Math.min(...costs) / 1e9).toBeCloseTo(3.27, 2);
    expect(Math.max(...costs) / 1e9).toBeCloseTo(10.56, 2);
  });
});

/** Sums, concats and one constant of ones that norms of different widths read. */
function patchwork(): Graph {
  const graph = new Graph('patchwork');
  const x = graph.input('x', 'float32', [1, 3, 12, 12]);
  const constant = (name: string, shape: number[], fill = 0.1) =>
    graph.constant(float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill)), name);
  const layer = (from: Value, name: string, channels: number) =>
    conv(from, constant(`${name}.weight`, [channels, from.shape[1] as number, 3, 3]), { pads: [1, 1, 1, 1] });
  const [halves, shifts] = [constant('halves', [6], 0.5), constant('shifts', [6], 0.2)];
  const a = instanceNorm(layer(x, 'a', 6), halves, shifts);
  const b = instanceNorm(layer(x, 'b', 6), halves, shifts);
  const c = layer(concat([a, b, a], 1), 'c', 6);
  graph.output(layer(concat([add(c, b), a], 1), 'd', 3), 'y');
  return graph;
}

const fixture = (name: string) => loadOnnx(join(import.meta.dirname, '../fixtures/exports', `${name}.onnx`));

const networks: [string, () => Graph][] = [
  ['a dense ResNet', () => resnetGenerator({ baseWidth: 8, blocks: 3 })],
  [
    'a separable ResNet with batch norm',
    () => resnetGenerator({ baseWidth: 8, blocks: 2, separable: true, norm: 'batch' }),
  ],
  ['a U-Net', () => unetGenerator({ baseWidth: 8, levels: 4, norm: 'batch', size: 32 })],
  ['sums and concats', patchwork],
  ['an exported U-Net', () => fixture('unet-12')],
  ['an exported SPADE', () => fixture('spade-15')],
  ['an exported decoder with depthwise layers', () => fixture('mobile-14')],
];

test.each(networks)('for %s the formula equals what is counted on the narrowed network', (_name, make) => {
  const graph = make();
  const groups = channelGroups(graph);
  const space = everyWidth(groups);
  const symbols = inputSymbols(graph, { size: 32 });
  const vectors = fc.tuple(...space.map(({ choices }) => fc.constantFrom(...choices)));
  fc.assert(fc.property(vectors, counting(graph, groups, space, symbols)), { numRuns: 25 });
});

test('on random networks at random widths the formula equals what is counted on the narrowed network', () => {
  let narrowed = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), fc.nat(1000), (steps, seed) => {
      const { graph } = build(steps);
      const groups = channelGroups(graph);
      const space = everyWidth(groups);
      const random = rng(seed, 'vector');
      const vector = space.map(({ choices }) => random.choice(choices));
      if (vector.some((width, i) => width < space[i]!.full)) narrowed++;
      counting(graph, groups, space, inputSymbols(graph, {}))(vector);
    }),
    { numRuns: 100 },
  );
  expect(narrowed).toBeGreaterThan(40);
});

/** Every group that can be narrowed, at each width. */
function everyWidth(groups: ChannelGroups): WidthSpace {
  const open = groups.list.filter(({ narrowable }) => narrowable);
  const lists = open.map(({ name, width }) => [name, Array.from({ length: width }, (_, i) => i + 1)]);
  return widthSpace(groups, Object.fromEntries(lists));
}

/** Compares what the formula tells of vectors of a space with what is counted. */
function counting(graph: Graph, groups: ChannelGroups, space: WidthSpace, symbols: Symbols) {
  const cost = costModel(graph, groups, space, symbols);
  return (vector: WidthVector) => {
    const small = narrowPrefix(graph, channelsAt(space, vector), groups);
    expect(cost.at(vector)).toEqual({
      macs: countMacs(small, symbols),
      params: countParameters(small),
      activationBytes: peakActivationBytes(small, symbols),
    });
  };
}

test('polynomials up to the third degree are found from their values, exactly', () => {
  const f = ([x, y]: readonly number[]) => 3 * x! ** 3 * y! - 7 * x! * y! ** 2 + 11 * y! + 5;
  const found = interpolate(f, 2);
  expect(found).toHaveLength(4);
  for (const point of [
    [0, 0],
    [7, 3],
    [100, 61],
  ])
    expect(evaluate(found, point)).toBe(f(point));
});
