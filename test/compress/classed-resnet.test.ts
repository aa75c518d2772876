import { expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { makeStudent } from '../../src/compress/student.ts';
import { largest, smallest, widthSpace } from '../../src/compress/width-space.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { notedClasses } from '../../src/models/class-planes.ts';
import { buildGenerator } from '../../src/models/generator.ts';
import { initialise } from '../../src/models/init.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { parameterShapes, randomise } from './networks.ts';
import { expectOneNetwork } from './one-network.ts';

const size = 16;
const classes = 3;
const sides = { inputChannels: 3 + classes, outputChannels: 3, classes };
const dense = {
  type: 'resnet',
  baseWidth: 8,
  blocks: 3,
  norm: 'instance',
  padding: 'reflect',
  separable: false,
  dropout: 0,
  clampInput: false,
} as const;
const training = { size, seed: 1, init: 'normal', initGain: 0.02 } as const;

test.each(['instance', 'batch'] as const)(
  'a ResNet told the class by its %s norms is one network narrowed, elastic and exported',
  async (norm) => {
    const architecture = { ...dense, norm };
    // Batch norm with statistics of its own does not hold large activations back, which then round differently.
    const built = buildGenerator(architecture, size, sides);
    const graph =
      norm === 'batch' ? initialise(built, { init: 'normal', gain: 0.06, seed: 1 }) : randomise(built);
    const space = widthSpace(channelGroups(graph), [8, 6, 3], architecture);
    await expectOneNetwork(graph, {
      ...{ space, size },
      vectors: [largest(space), smallest(space), [3, 8, 6, 8, 3, 6, 8, 3]],
      build: (widths) => buildGenerator({ ...architecture, widths }, size, sides),
    });
  },
);

test.each(['teacher', 'random'] as const)(
  'its student from %s weights, separable and read from a file, is told the class too',
  (initFrom) => {
    const teacher = randomise(buildGenerator(dense, size, sides));
    const { graph, architecture } = makeStudent({
      ...{ ...training, teacher, architecture: dense },
      student: { baseWidth: 4, separable: true, initFrom },
    });
    const again = loadOnnx(encodeOnnx(graph), 'student.onnx');
    expect(notedClasses(again)).toBe(classes);
    const built = buildGenerator(architecture!, size, sides);
    expect(parameterShapes(again)).toEqual(parameterShapes(built));
    expect(parameterShapes(built)).toMatchObject({ 'stem.norm.shift': [3, 4], 'stem.weight': [4, 3, 7, 7] });
  },
);
