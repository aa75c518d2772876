import { describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { inlineElastic } from '../../src/compress/elastic-inline.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { type Architecture, makeStudent } from '../../src/compress/student.ts';
import {
  channelsAt,
  formatWidths,
  largest,
  parseWidths,
  smallest,
  widthSpace,
} from '../../src/compress/width-space.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import { buildGenerator } from '../../src/models/generator.ts';
import { batchStatistics } from '../../src/ops/parameters.ts';
import type { StudentConfig } from '../../src/recipe/schema.ts';
import { recalibrate } from '../../src/train/recalibrate.ts';
import { rng } from '../../src/util/rng.ts';
import { noise, outputOf, parameterShapes, randomise } from './networks.ts';
import { expectOneNetwork, firstChannels } from './one-network.ts';

const backend = onnxruntime({ threads: 1 });
const size = 32;

type SpadeArchitecture = Extract<Architecture, { type: 'spade' }>;
const spade = (options: Partial<SpadeArchitecture> = {}): SpadeArchitecture => ({
  type: 'spade',
  baseWidth: 4,
  upsampling: 'fewer',
  norm: 'batch',
  separable: false,
  spectralNorm: false,
  latent: 0,
  ...options,
});
const build = (architecture: SpadeArchitecture) => buildGenerator(architecture, size, { inputChannels: 5 });

/** Random numbers that keep activations near 1 through all blocks, so that rounding is all that differs. */
function tame(graph: Graph): Promise<Graph> {
  randomise(graph);
  for (const [name, value] of graph.constants) {
    const factor = /\.(gamma|beta)\./.test(name) ? 0.2 : /\.conv_[01]\.weight$/.test(name) ? 0.5 : 1;
    const { shape, data } = value.tensor!;
    if (factor !== 1)
      value.tensor = float32(
        shape,
        Float32Array.from(data as Float32Array, (x) => factor * x),
      );
  }
  const { labels, latent } = noise(graph, size, 9);
  return recalibrate(graph, [{ condition: labels!, ...(latent && { latent }) }], backend);
}

test('the eight numbers are those of GAN Compression', () => {
  const architecture = spade({ baseWidth: 8 });
  const groups = channelGroups(build(architecture));
  const space = widthSpace(groups, [8, 6, 4], architecture);
  expect(space.map(({ name }) => name)).toEqual([
    'trunk',
    'head_0',
    'G_middle_0',
    'G_middle_1',
    'up_0',
    'up_1',
    'up_2',
    'up_3',
  ]);
  expect(formatWidths(largest(space))).toBe('8_8_8_8_8_8_8_8');
  expect(formatWidths(smallest(space))).toBe('4_4_4_4_4_4_4_4');
  expect(Object.fromEntries(channelsAt(space, parseWidths(space, '1_2_3_4_5_6_7_8')))).toEqual({
    fc: 16,
    'head_0.conv_0': 32,
    'head_0.norm_0.shared': 4,
    'head_0.norm_1.shared': 4,
    'G_middle_0.conv_0': 48,
    'G_middle_0.norm_0.shared': 6,
    'G_middle_0.norm_1.shared': 6,
    'G_middle_1.conv_0': 64,
    'G_middle_1.norm_0.shared': 8,
    'G_middle_1.norm_1.shared': 8,
    'up_0.conv_0': 40,
    'up_0.conv_1': 40,
    'up_0.norm_0.shared': 10,
    'up_0.norm_1.shared': 10,
    'up_0.norm_s.shared': 10,
    'up_1.conv_0': 24,
    'up_1.conv_1': 24,
    'up_1.norm_0.shared': 12,
    'up_1.norm_1.shared': 12,
    'up_1.norm_s.shared': 12,
    'up_2.conv_0': 14,
    'up_2.conv_1': 14,
    'up_2.norm_0.shared': 14,
    'up_2.norm_1.shared': 14,
    'up_2.norm_s.shared': 14,
    'up_3.conv_0': 8,
    'up_3.conv_1': 8,
    'up_3.norm_0.shared': 16,
    'up_3.norm_1.shared': 16,
    'up_3.norm_s.shared': 16,
  });
  const covered = new Set(space.flatMap(({ groups: names }) => names));
  const open = groups.list.filter(({ narrowable }) => narrowable).map(({ name }) => name);
  expect([...covered].sort()).toEqual(open.sort());
});

test('parts of the full width are whole numbers, of four channels where there are as many', () => {
  const architecture = spade({ baseWidth: 16 });
  const space = widthSpace(channelGroups(build(architecture)), [1, 0.75, 0.5, 0.3], architecture);
  expect(space.map(({ choices }) => choices)).toEqual([
    [16, 12, 8, 5],
    ...new Array(6).fill([16, 12, 8, 4]),
    [16, 12, 8, 4],
  ]);
});

describe.each([
  ['batch norm', spade()],
  ['instance norm, separable', spade({ norm: 'instance', separable: true })],
  ['batch norm, separable', spade({ separable: true })],
  ['from a latent vector', spade({ latent: 3 })],
])('with %s', async (name, architecture) => {
  const graph = await tame(build(architecture));
  const groups = channelGroups(graph);
  const space = widthSpace(groups, [4, 3, 2, 1], architecture);
  const random = rng(3, name);
  const vectors = [largest(space), smallest(space), space.map(({ choices }) => random.choice(choices))];

  test.each(vectors.slice(1))('narrowing to %s_%s_… leaves what the builder builds', (...vector) => {
    const narrowed = narrow(graph, firstChannels(space, vector), groups);
    const built = build({ ...architecture, widths: vector } as SpadeArchitecture);
    expect(parameterShapes(narrowed)).toEqual(parameterShapes(built));
    expect(narrowed.nodes.map(({ op, outputs }) => [op, outputs[0]!.shape])).toEqual(
      built.nodes.map(({ op, outputs }) => [op, outputs[0]!.shape]),
    );
  });

  test('elastic, narrowed, exported and built networks give the same', () =>
    expectOneNetwork(graph, {
      ...{ space, vectors, size },
      build: (vector) => build({ ...architecture, widths: vector } as SpadeArchitecture),
    }));
});

const drawn = { seed: 7, init: 'xavier', initGain: 0.5 } as const;
const config = (student: Partial<StudentConfig>): StudentConfig => ({
  separable: false,
  initFrom: 'teacher',
  ...student,
});

describe('a student of a SPADE teacher', async () => {
  const architecture = spade({ spectralNorm: true });
  const teacher = await tame(build({ ...architecture, spectralNorm: false }));
  const studentOf = (student: Partial<StudentConfig>) =>
    makeStudent({ teacher, architecture, student: config(student), size, ...drawn });

  test.each([
    { baseWidth: 2 },
    { ratio: 0.5, separable: true },
    { widths: [1, 2, 3, 4, 4, 3, 2, 1], separable: true },
    { widths: [4, 2, 3, 4, 4, 3, 2, 4], initFrom: 'random' as const },
  ])('%j has the layers its architecture says, without spectral norms', async (student) => {
    const { graph, architecture: own } = studentOf(student);
    expect(own).toMatchObject({ type: 'spade', spectralNorm: false, separable: student.separable ?? false });
    expect(parameterShapes(graph)).toEqual(parameterShapes(build(own as SpadeArchitecture)));
    const made = await outputOf(graph, noise(graph, size));
    expect(made.every(Number.isFinite)).toBe(true);
  });

  test('of the teacher’s own width is the teacher', async () => {
    const feeds = noise(teacher, size);
    const [own, theirs] = [
      await outputOf(studentOf({ baseWidth: 4 }).graph, feeds),
      await outputOf(teacher, feeds),
    ];
    expect(own).toBeAllclose(theirs, { atol: 2e-5 });
  });

  test('must not be wider', () => {
    expect(() => studentOf({ widths: [4, 4, 4, 4, 4, 4, 4, 5] })).toThrow(
      expect.objectContaining({ code: 'STUDENT_INVALID' }),
    );
  });

  test('takes the statistics of its own activations when these are taken anew', async () => {
    const { graph } = studentOf({ baseWidth: 2 });
    const conditions = noise(graph, size, 5).labels!;
    await recalibrate(graph, [{ condition: conditions }], backend);
    const [first] = batchStatistics(graph);
    const normed = graph.nodes.find(({ op }) => op === 'BatchNormalization')!;
    const probe = new Graph('probe');
    const labels = probe.input('labels', 'float32', conditions.shape);
    const { values } = inlineElastic(probe, graph, new Map(), { inputs: { labels }, prefix: 'g' });
    probe.output(values.get(normed.inputs[0]!.name)!, 'x');
    const { x } = await runGraph(probe, { labels: conditions }, backend);
    const [images, channels, ...sides] = x!.shape as [number, number, number, number];
    const area = sides.reduce((a, b) => a * b);
    const means = Array.from({ length: channels }, (_, c) => {
      let sum = 0;
      for (let n = 0; n < images; n++)
        for (let i = 0; i < area; i++) sum += x!.data[(n * channels + c) * area + i] as number;
      return sum / (images * area);
    });
    expect(first!.tensor!.data).toBeAllclose(means, { atol: 1e-5, rtol: 1e-4 });
  });
});
