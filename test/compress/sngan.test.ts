import { describe, expect, test } from 'vitest';
import { meanActivations } from '../../src/compress/calibrate.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { channelScores, selectChannels } from '../../src/compress/importance.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { type Architecture, makeStudent } from '../../src/compress/student.ts';
import { proposeTaps } from '../../src/compress/taps.ts';
import { largest, smallest, widthSpace } from '../../src/compress/width-space.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { buildGenerator } from '../../src/models/generator.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { noise, outputOf, parameterShapes, randomise } from './networks.ts';
import { expectOneNetwork } from './one-network.ts';

const size = 16;
const classes = 3;
const dense = { type: 'sngan', baseWidth: 8, latent: 5, norm: 'batch', separable: false } as const;
const forms: Record<string, Architecture> = {
  'batch norm by class': dense,
  'instance norm by class': { ...dense, norm: 'instance' },
  separable: { ...dense, separable: true },
};
const network = (architecture: Architecture) =>
  randomise(buildGenerator(architecture, size, { inputChannels: classes }));
const training = { size, seed: 1, init: 'normal', initGain: 0.02 } as const;

describe.each(Object.entries(forms))('an SNGAN with %s', (_, architecture) => {
  const graph = network(architecture);
  const groups = channelGroups(graph);

  test('has a width for the stem and two for each block', () => {
    const open = groups.list.filter(({ narrowable }) => narrowable).map(({ name }) => name);
    expect(open).toEqual(['stem', 'block1.conv1', 'block1.conv2', 'block2.conv1', 'block2.conv2']);
    const space = widthSpace(groups, [1, 0.5], architecture);
    expect(space.map(({ name, unit, choices }) => [name, unit, choices])).toEqual([
      ['stem', 2, [8, 4]],
      ['hidden1', 2, [8, 4]],
      ['block1', 2, [8, 4]],
      ['hidden2', 1, [8, 4]],
      ['block2', 1, [8, 4]],
    ]);
  });

  test('narrowed, elastic and exported are one network', async () => {
    const space = widthSpace(groups, [8, 6, 3], architecture);
    await expectOneNetwork(graph, {
      ...{ space, size },
      vectors: [largest(space), smallest(space), [3, 8, 6, 8, 3]],
      build: (widths) => buildGenerator({ ...architecture, widths }, size, { inputChannels: classes }),
    });
  });

  test('computes the same with its channels in the order of their importance', async () => {
    const feeds = noise(graph, size);
    const activations = await meanActivations(graph, feeds, { groups });
    const scores = channelScores(graph, { groups, activations });
    const keep = selectChannels(groups, (group) => (group.narrowable ? group.width : undefined), scores);
    expect([...keep.values()].some((order) => order.some((channel, i) => channel !== i))).toBe(true);
    const sorted = narrow(graph, keep, groups);
    expect(await outputOf(sorted, feeds)).toBeAllclose(await outputOf(graph, feeds), { atol: 2e-5 });
  });

  test('gives students by base width, widths and ratio, with what they could be built as', () => {
    const student = { separable: false, initFrom: 'teacher' } as const;
    const made = (widths: object) =>
      makeStudent({ ...training, teacher: graph, architecture, student: { ...student, ...widths } });
    for (const [widths, expected] of [
      [{ baseWidth: 4 }, { ...architecture, baseWidth: 4 }],
      [{ ratio: 0.25 }, { ...architecture, baseWidth: 2 }],
      [{ widths: [4, 3, 2, 5, 6] }, { ...architecture, widths: [4, 3, 2, 5, 6] }],
    ] as const) {
      const { graph: cut, architecture: own } = made(widths);
      expect(own).toEqual(expected);
      const built = buildGenerator(expected, size, { inputChannels: classes });
      expect(parameterShapes(cut)).toEqual(parameterShapes(built));
      expect(cut.inputs.map(({ name, shape }) => [name, shape])).toEqual([
        ['class', ['batch', classes]],
        ['latent', ['batch', 5]],
      ]);
    }
  });

  test('is tapped at the ends of its blocks', () => {
    expect(proposeTaps(graph)).toEqual(['block1', 'block2']);
    expect(proposeTaps(loadOnnx(encodeOnnx(graph), 'again.onnx'))).toEqual(['block1', 'block2']);
  });
});

test('a dense SNGAN becomes the separable one the builder makes, its shortcuts stay', () => {
  const { graph, architecture } = makeStudent({
    ...training,
    teacher: network(dense),
    architecture: dense,
    student: { baseWidth: 4, separable: true, initFrom: 'teacher' },
  });
  const target = { ...dense, baseWidth: 4, separable: true };
  expect(architecture).toEqual(target);
  const shapes = parameterShapes(graph);
  expect(shapes).toEqual(parameterShapes(buildGenerator(target, size, { inputChannels: classes })));
  expect(shapes['block1.shortcut.weight']).toEqual([8, 8, 1, 1]);
});

test('without classes it is narrowed like any other', () => {
  const graph = randomise(buildGenerator(dense, size));
  expect(graph.inputs.map(({ name }) => name)).toEqual(['latent']);
  const { graph: cut } = makeStudent({
    ...training,
    teacher: graph,
    architecture: dense,
    student: { ratio: 0.5, separable: false, initFrom: 'teacher' },
  });
  expect(parameterShapes(cut)['stem.weight']).toEqual([16 * 8, 5]);
});
