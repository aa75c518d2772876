import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { channelsAt, parseWidths, type WidthSpace, widthSpace } from '../../src/compress/width-space.ts';
import { float32, Graph, type Value } from '../../src/graph/graph.ts';
import { peakActivationBytes } from '../../src/metrics/profile/memory.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
import { conv } from '../../src/ops/conv.ts';
import { countMacs, countParameters, inputSymbols } from '../../src/ops/cost.ts';
import { add } from '../../src/ops/elementwise.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { instanceNorm } from '../../src/ops/norm.ts';
import { concat } from '../../src/ops/segments.ts';
import { costModel } from '../../src/search/cost.ts';
import { evaluate, interpolate } from '../../src/search/polynomial.ts';

const rest = { type: 'resnet', norm: 'instance', padding: 'reflect', dropout: 0 } as const;

/** A separable ResNet of nine blocks as wide as the widest published vector of its row. */
function published(width: number) {
  const graph = resnetGenerator({ baseWidth: width, separable: true, size: 256 });
  const groups = channelGroups(graph);
  const architecture = { ...rest, baseWidth: width, blocks: 9, separable: true };
  const space = widthSpace(groups, [width, 8], architecture);
  return { space, cost: costModel(graph, groups, space, inputSymbols(graph, {})) };
}

// The rows of GAN Compression's tables; three are printed by its own tool.
const rows: [widths: string, params: number, paper: number | undefined, paperConv: number, exact: number][] =
  [
    ['64_64_64_64_64_64_64_64', 1_987_075, 18_365_808_640, 18_314_428_416, 11_066_671_104],
    ['96_96_96_96_96_96_96_96', 4_418_307, undefined, 40_155_217_920, 23_847_763_968],
    ['48_48_48_48_48_48_48_48', 1_130_883, 10_603_462_656, 10_564_927_488, 6_488_064_000],
    ['32_32_32_32_32_32_32_32', 514_307, 4_955_045_888, 4_929_355_776, 3_117_416_448],
    ['16_16_16_16_16_16_16_16', 137_347, 1_420_558_336, 1_407_713_280, 954_728_448],
    ['32_32_48_32_48_48_16_16', 822_051, 4_993_843_200, 4_961_599_488, 4_055_629_824],
    ['16_16_32_16_32_32_16_16', 356_867, 2_546_204_672, 2_525_233_152, 1_845_755_904],
    ['16_16_24_16_32_64_16_24', 355_235, 2_640_576_512, 2_618_425_344, 1_938_948_096],
    ['16_16_32_16_16_64_16_24', 411_619, 2_984_771_584, 2_961_702_912, 2_168_979_456],
    ['16_16_16_48_64_64_24_16', 362_387, 2_597_322_752, 2_571_632_640, 1_892_155_392],
    ['24_24_40_56_24_56_16_40', 702_835, 4_863_164_416, 4_831_838_208, 3_699_376_128],
    ['32_32_48_32_32_48_24_24', 780_819, 5_591_531_520, 5_560_074_240, 4_031_250_432],
    ['16_24_48_56_40_48_24_16', 886_307, 5_451_284_480, 5_418_516_480, 4_059_561_984],
    ['32_32_48_32_48_32_16_16', 746_211, 4_683_202_560, 4_652_531_712, 3_746_562_048],
    ['16_16_40_40_40_64_24_16', 719_507, 4_569_694_208, 4_539_678_720, 3_350_593_536],
    ['24_24_24_32_20_16', 341_627, undefined, 2_649_096_192, 1_941_307_392],
  ];

describe('the formula gives the published costs of GAN Compression’s ResNets to the digit', () => {
  const models = { 64: published(64), 96: published(96) };
  test.each(rows)('%s', (text, params, paper, paperConv, exact) => {
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
  const widths = Object.fromEntries(
    groups.list
      .filter(({ narrowable }) => narrowable)
      .map(({ name, width }) => [name, Array.from({ length: width }, (_, i) => i + 1)]),
  );
  const space: WidthSpace = widthSpace(groups, widths);
  const symbols = inputSymbols(graph, { size: 32 });
  const cost = costModel(graph, groups, space, symbols);
  const vectors = fc.tuple(...space.map(({ choices }) => fc.constantFrom(...choices)));
  fc.assert(
    fc.property(vectors, (vector) => {
      const prefix = [...channelsAt(space, vector)].map(
        ([name, n]) => [name, Array.from({ length: n }, (_, i) => i)] as const,
      );
      const small = narrow(graph, new Map(prefix), groups);
      expect(cost.at(vector)).toEqual({
        macs: countMacs(small, symbols),
        params: countParameters(small),
        activationBytes: peakActivationBytes(small, symbols),
      });
    }),
    { numRuns: 25 },
  );
});

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
