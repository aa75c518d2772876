import { expect, test } from 'vitest';
import { onnxruntime } from '../../src/backend/onnxruntime.ts';
import { widthFeeds, widthInputs } from '../../src/compress/elastic.ts';
import { inlineElastic } from '../../src/compress/elastic-inline.ts';
import { channelGroups } from '../../src/compress/groups.ts';
import { narrow } from '../../src/compress/narrow.ts';
import { makeStudent } from '../../src/compress/student.ts';
import { channelsAt, largest, smallest, widthSpace } from '../../src/compress/width-space.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { Graph } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { notedClasses } from '../../src/models/class-planes.ts';
import { buildGenerator } from '../../src/models/generator.ts';
import { initialise } from '../../src/models/init.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { noise, outputOf, parameterShapes, randomise } from './networks.ts';

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
    const groups = channelGroups(graph);
    const space = widthSpace(groups, [8, 6, 3], architecture);
    const target = new Graph('elastic');
    const feeds = noise(graph, size);
    const inputs = Object.fromEntries(
      graph.inputs.map((x) => [x.name, target.input(x.name, x.dtype, feeds[x.name]!.shape)]),
    );
    const { outputs } = inlineElastic(target, graph, widthInputs(target, space), { inputs, prefix: 'g' });
    target.output(outputs[0]!, 'y');
    checkGraph(target);
    const compiled = await onnxruntime({ threads: 1 }).compile({ graph: target, state: [] });
    for (const vector of [largest(space), smallest(space), [3, 8, 6, 8, 3, 6, 8, 3]]) {
      const keep = new Map(
        [...channelsAt(space, vector)].map(([group, width]) => [
          group,
          Array.from({ length: width }, (_, i) => i),
        ]),
      );
      const cut = narrow(graph, keep, groups);
      const built = buildGenerator({ ...architecture, widths: vector }, size, sides);
      expect(parameterShapes(cut)).toEqual(parameterShapes(built));
      const { y } = await compiled.run({ ...feeds, ...widthFeeds(space, vector) });
      const exported = loadOnnx(encodeOnnx(cut), 'narrowed.onnx');
      expect(y!.data).toBeAllclose(await outputOf(exported, feeds), { atol: 2e-5 });
    }
    await compiled.dispose();
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
