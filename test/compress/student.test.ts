import { describe, expect, test } from 'vitest';
import { channelGroups } from '../../src/compress/groups.ts';
import { channelScores } from '../../src/compress/importance.ts';
import { type Architecture, makeStudent } from '../../src/compress/student.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import { buildGenerator } from '../../src/models/generator.ts';
import { convolution, normalise } from '../../src/models/layers.ts';
import { relu, tanh } from '../../src/ops/activation.ts';
import { add } from '../../src/ops/elementwise.ts';
import { instanceNorm } from '../../src/ops/norm.ts';
import type { StudentConfig } from '../../src/recipe/schema.ts';
import { outputOf, parameterShapes, randomise } from './networks.ts';

const resnet: Architecture = {
  type: 'resnet',
  baseWidth: 8,
  blocks: 3,
  norm: 'instance',
  padding: 'reflect',
  separable: false,
  dropout: 0,
};
const unet: Architecture = { type: 'unet', baseWidth: 8, levels: 3, norm: 'instance', dropout: 0 };
const drawn = { seed: 7, init: 'normal', initGain: 0.02 } as const;
const config = (student: Partial<StudentConfig>): StudentConfig => ({
  separable: false,
  initFrom: 'teacher',
  ...student,
});

function teacherOf(architecture: Architecture): Graph {
  return randomise(buildGenerator(architecture, 16));
}

function studentOf(architecture: Architecture, student: Partial<StudentConfig>) {
  return makeStudent({
    teacher: teacherOf(architecture),
    architecture,
    student: config(student),
    size: 16,
    ...drawn,
  });
}

/** A network the toolkit has no builder for: PyTorch-like names, a residual block of other shape. */
function foreign(): Graph {
  const graph = new Graph('foreign');
  let x = graph.input('input', 'float32', [1, 1, 8, 8]);
  x = relu(normalise(convolution(x, 'model.0', 24, { kernel: 3, pad: 1 }), 'model.0', 'batch'));
  const vector = (part: string) =>
    graph.constant(float32([10], new Float32Array(10)), `model.1.norm.${part}`);
  const normal = instanceNorm(
    convolution(x, 'model.1.a', 10, { kernel: 3, pad: 1 }),
    vector('weight'),
    vector('bias'),
  );
  const inner = relu(normal);
  x = add(x, convolution(inner, 'model.1.b', 24, { kernel: 3, pad: 1 }));
  graph.output(tanh(convolution(x, 'model.2', 3, { kernel: 3, pad: 1 })), 'output');
  return randomise(graph);
}

describe.each([
  ['dense to dense', resnet, { baseWidth: 3 }],
  ['dense to dense, batch norm', { ...resnet, norm: 'batch' }, { ratio: 0.5 }],
  ['dense to separable', resnet, { baseWidth: 4, separable: true }],
  [
    'dense to separable, batch norm, widths',
    { ...resnet, norm: 'batch' },
    { widths: [3, 2, 4, 1, 2, 3, 5, 2], separable: true },
  ],
  ['separable to separable', { ...resnet, separable: true }, { widths: [8, 8, 4, 4, 2, 8] }],
  ['teacher with widths', { ...resnet, widths: [8, 6, 4, 4, 8, 8] }, { ratio: 0.5 }],
  ['U-Net', unet, { baseWidth: 3 }],
  ['U-Net, batch norm', { ...unet, levels: 4, norm: 'batch' }, { ratio: 0.25 }],
] as [string, Architecture, Partial<StudentConfig>][])('%s', (_, teacher, student) => {
  test.each(['teacher', 'random'] as const)(
    'has the parameters of the network built so (from %s)',
    async (initFrom) => {
      const { graph, architecture } = studentOf(teacher, { ...student, initFrom });
      checkGraph(graph);
      expect(parameterShapes(graph)).toEqual(parameterShapes(buildGenerator(architecture!, 16)));
      const full = parameterShapes(teacherOf(teacher));
      expect(Object.keys(parameterShapes(graph)).length).toBeGreaterThanOrEqual(Object.keys(full).length);
      const image = await outputOf(graph);
      expect(image.every((x) => Math.abs(x) <= 1)).toBe(true);
      expect(new Set(image).size).toBeGreaterThan(100);
    },
  );
});

test('a student as wide as its teacher computes what the teacher does', async () => {
  const teacher = teacherOf(unet);
  const { graph } = makeStudent({
    teacher,
    architecture: unet,
    student: config({ ratio: 1 }),
    size: 16,
    ...drawn,
  });
  expect(await outputOf(graph)).toBeAllclose(await outputOf(teacher), { atol: 2e-5 });
});

test('the channels that later layers read most are kept, the most important first', () => {
  const teacher = teacherOf(resnet);
  const { graph } = studentOf(resnet, { baseWidth: 4 });
  const score = channelScores(teacher).get('stem')!;
  const best = [...score.keys()].sort((a, b) => score[b]! - score[a]!).slice(0, 4);
  const bias = (g: Graph) => g.find('stem.bias')!.tensor!.data;
  expect([...bias(graph)]).toEqual(best.map((c) => bias(teacher)[c]));
});

test('a random student depends on its seed alone', () => {
  const weights = (seed: number, teacher: Graph) =>
    makeStudent({
      teacher,
      architecture: resnet,
      student: config({ baseWidth: 2, initFrom: 'random' }),
      size: 16,
      ...drawn,
      seed,
    }).graph.find('down2.weight')!.tensor!.data;
  const first = weights(7, teacherOf(resnet));
  expect(weights(7, buildGenerator(resnet, 16))).toEqual(first);
  expect(weights(8, teacherOf(resnet))).not.toEqual(first);
});

test('widths of a U-Net are one for each group, in units of its base width', () => {
  const widths = [2, 4, 1, 8, 6];
  for (const initFrom of ['teacher', 'random'] as const) {
    const { graph, architecture } = studentOf(unet, { widths, initFrom });
    expect(architecture).toBeUndefined();
    const found = channelGroups(graph).list.map(({ name, width }) => [name, width]);
    expect(found).toEqual([
      ['condition', 3],
      ['down1', 2],
      ['down2', 8],
      ['down3', 4],
      ['up1', 16],
      ['up2', 6],
      ['up3', 3],
    ]);
  }
});

test('a foreign teacher is narrowed by ratio to multiples of 4, or by widths in channels', async () => {
  const make = (student: Partial<StudentConfig>) =>
    makeStudent({ teacher: foreign(), student: config(student), size: 8, ...drawn }).graph;
  const widths = (graph: Graph) =>
    Object.fromEntries(channelGroups(graph).list.map(({ name, width }) => [name, width]));
  expect(widths(make({ ratio: 0.4 }))).toEqual({ input: 1, 'model.0': 8, 'model.1.a': 4, 'model.2': 3 });
  expect(widths(make({ widths: [7, 10] }))).toMatchObject({ 'model.0': 7, 'model.1.a': 10 });
  const separable = make({ ratio: 0.5, separable: true });
  expect(separable.find('model.1.a.depthwise.weight')?.shape).toEqual([12, 1, 3, 3]);
  expect(separable.find('model.0.weight')?.shape).toEqual([12, 1, 3, 3]);
  expect(new Set(await outputOf(separable)).size).toBeGreaterThan(50);
  const random = make({ ratio: 0.5, initFrom: 'random' });
  const values = (name: string) => [...random.find(name)!.tensor!.data];
  expect(values('model.0.bias')).toEqual(new Array(12).fill(0));
  expect(values('model.1.norm.weight')).toEqual(new Array(4).fill(1));
  expect(values('model.1.norm.bias')).toEqual(new Array(4).fill(0));
});

test('students that cannot be made are errors', () => {
  const failing =
    (architecture: Architecture | undefined, teacher: Graph, student: Partial<StudentConfig>) => () =>
      makeStudent({
        teacher,
        ...(architecture && { architecture }),
        student: config(student),
        size: 16,
        ...drawn,
      });
  const dense = teacherOf(resnet);
  expect(failing(resnet, dense, { widths: [8, 8, 9, 8, 8, 8] })).toThrow(
    'the student must not be wider than its teacher, group "down2" has 36 channels instead of 32',
  );
  expect(failing(unet, teacherOf(unet), { baseWidth: 2, separable: true })).toThrow(
    'student.separable needs residual blocks or modulations of dense convolutions, the teacher has none',
  );
  expect(failing(unet, teacherOf(unet), { widths: [1, 2] })).toThrow(
    'student.widths must be 5 numbers, for down1, down2, down3, up1, up2, got 2',
  );
  expect(failing(undefined, foreign(), { baseWidth: 2 })).toThrow(
    'the width of a student of a foreign teacher must be given as ratio or widths, got baseWidth',
  );
  expect(failing(unet, dense, { baseWidth: 2 })).toThrow(
    'the teacher must have the layers its card describes',
  );
});

describe('separable layers that are named', () => {
  const shapeOf = ({ graph }: ReturnType<typeof makeStudent>, name: string) =>
    graph.constants.get(name)?.shape;

  test('are those of a U-Net too, of the width asked for, and no others', () => {
    const student = studentOf(unet, { separable: ['down2'], baseWidth: 4 });
    checkGraph(student.graph);
    expect(student.architecture).toBeUndefined();
    expect(shapeOf(student, 'down2.depthwise.weight')).toEqual([4, 1, 4, 4]);
    expect(shapeOf(student, 'down2.pointwise.weight')).toEqual([8, 4, 1, 1]);
    expect(shapeOf(student, 'down1.weight')).toEqual([4, 3, 4, 4]);
    expect(shapeOf(student, 'down3.weight')).toEqual([16, 8, 4, 4]);
  });

  test('of a ResNet may lie outside of its blocks', () => {
    const student = studentOf(resnet, { separable: ['down1', 'block2.conv1'], ratio: 0.5 });
    expect(shapeOf(student, 'down1.depthwise.weight')).toEqual([4, 1, 3, 3]);
    expect(shapeOf(student, 'block2.conv1.pointwise.weight')).toEqual([16, 16, 1, 1]);
    expect(shapeOf(student, 'block1.conv1.weight')).toEqual([16, 16, 3, 3]);
  });

  test('of a teacher from elsewhere go by the names it has', () => {
    const teacher = randomise(foreign());
    const student = makeStudent({
      teacher,
      student: config({ separable: ['model.2'], ratio: 1 }),
      size: 8,
      ...drawn,
    });
    expect(shapeOf(student, 'model.2.depthwise.weight')).toEqual([24, 1, 3, 3]);
    expect(shapeOf(student, 'model.1.a.weight')).toEqual([10, 24, 3, 3]);
  });

  test('must be dense convolutions of the teacher that make more than a pixel', () => {
    expect(() => studentOf(unet, { separable: ['dwon2'], ratio: 1 })).toThrow(
      expect.objectContaining({
        code: 'STUDENT_INVALID',
        message: expect.stringContaining('it has no "dwon2"'),
        hint: 'did you mean "down2"?',
      }),
    );
    expect(() => studentOf(unet, { separable: ['middle'], ratio: 1 })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('down1, down2, down3') }),
    );
    expect(() => studentOf({ ...unet, levels: 4 }, { separable: ['down4'], ratio: 1 })).toThrow(
      /it makes a single pixel at 16 px/,
    );
  });

  test('auto separates what there is: residual blocks, and nothing of a U-Net', () => {
    expect(
      shapeOf(studentOf(resnet, { separable: 'auto', ratio: 1 }), 'block1.conv1.pointwise.weight'),
    ).toEqual([32, 32, 1, 1]);
    expect(studentOf(unet, { separable: 'auto', ratio: 1 }).graph.constants.has('down2.weight')).toBe(true);
  });
});
