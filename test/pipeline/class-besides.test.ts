import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onnxruntime, runGraph } from '../../src/backend/onnxruntime.ts';
import { float32, type Graph } from '../../src/graph/graph.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { readMetrics } from '../../src/pipeline/measure/metrics-file.ts';
import { ganletHere } from '../cli/here.ts';
import { classedTeacher } from '../support/classed-teacher.ts';
import { writePictures } from '../support/pair-pictures.ts';

const short = 'steps: 2, batch: 2, tick: 2, samples: 1';
const recipe = `name: tiny
threads: 1
data: {source: aligned, path: pictures, classes: classes.csv, size: 16}
teacher: {model: number.onnx}
discriminator: {type: patch, baseWidth: 2, layers: 1}
student: {ratio: 1}
supernet: {taps: [inner], ${short}, probe: 1, widths: [1, 0.5]}
search: {budget: 0.9x, quality: teacher-l1, workers: 1}
finetune: {taps: [inner], ${short}}
baselines: [naive, uniform]
evaluate: {metrics: [l1]}
`;
const own = recipe
  .replace(/^(supernet|search|finetune|baselines):.*\n/gm, '')
  .replace(
    '{model: number.onnx}',
    `{generator: {type: resnet, baseWidth: 4, blocks: 1}, train: {${short}, initGain: 0.2}}`,
  )
  .replace('{ratio: 1}', `{ratio: 0.5}\ndistill: {${short}}`);
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-classes-'));
  await writePictures(folder);
  writeFileSync(
    join(folder, 'classes.csv'),
    Array.from({ length: 6 }, (_, i) => `${i}.png,${['cat', 'dog', 'owl'][i % 3]}\n`).join(''),
  );
  writeFileSync(join(folder, 'tiny.yaml'), recipe);
  writeFileSync(join(folder, 'own.yaml'), own);
  for (const how of ['number', 'one-hot'] as const)
    writeFileSync(join(folder, `${how}.onnx`), encodeOnnx(classedTeacher(3, how)));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inputsOf = (graph: Graph) => Object.fromEntries(graph.inputs.map(({ name, shape }) => [name, shape]));
const read = (...path: string[]) => JSON.parse(readFileSync(join(folder, ...path), 'utf8'));

/** What a student makes of a grey picture of each class, told in an input `y` or in planes. */
async function made(graph: Graph): Promise<string[]> {
  const grey = new Array<number>(768).fill(0.2);
  const planes = (id: number) => Array.from({ length: 768 }, (_, i) => Number(Math.floor(i / 256) === id));
  const feeds =
    graph.inputs.length === 2
      ? {
          x: float32([3, 3, 16, 16], [...grey, ...grey, ...grey]),
          y: float32([3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1]),
        }
      : {
          [graph.inputs[0]!.name]: float32(
            [3, 6, 16, 16],
            [0, 1, 2].flatMap((id) => [...grey, ...planes(id)]),
          ),
        };
  const outputs = await runGraph(graph, feeds, onnxruntime({ threads: 1 }));
  const data = Object.values(outputs)[0]!.data as Float32Array;
  return [0, 1, 2].map((n) => data.subarray(n * 768, (n + 1) * 768).join());
}

describe('a teacher of a picture and a class', () => {
  test.each(['number', 'one-hot'] as const)(
    'is compressed from supernet to table, its class as %s',
    async (how) => {
      const out = `runs/${how}`;
      const options = ['--set', `teacher.model=${how}.onnx`, '--out', out, '--quiet'];
      expect(await ganletHere(['run', 'tiny.yaml', ...options], folder)).toMatchObject({ status: 0 });
      const roles = ['student', 'naive', 'uniform'];
      for (const role of roles) {
        const student = loadOnnx(join(folder, out, `${role}.onnx`));
        expect(inputsOf(student)).toEqual({ x: ['batch', 3, 'h', 'w'], y: ['batch', 3] });
        expect(new Set(await made(student)).size).toBe(3);
      }
      const card = read(out, 'student.card.json');
      expect(card.inputs).toEqual({ x: 'image', y: 'class' });
      expect(card.condition).toEqual({ kind: 'image', channels: 3, classes: ['cat', 'dog', 'owl'] });
      const { models } = readMetrics(join(folder, out));
      expect(models.map(({ role }) => role)).toEqual(['teacher', 'naive', 'uniform', 'student']);
    },
  );

  test('is compressed without a recipe', async () => {
    const options = ['--data', 'pictures', '--budget', '0.8x', '--out', 'runs/small', '--quiet'];
    const fewer = ['supernet', 'finetune'].flatMap((stage) =>
      ['steps=2', 'batch=2', 'tick=2', 'samples=0'].flatMap((set) => ['--set', `${stage}.${set}`]),
    );
    const sets = [...fewer, '--set', 'search.evolution={population: 4, generations: 1}'];
    const command = ['compress', 'number.onnx', ...options, ...sets];
    expect((await ganletHere(command, folder)).stderr).toBe(
      'error: the teacher number.onnx must be told the class of each picture, --classes is not given\n  help: write a line "name,class" for each pair into a file: --classes classes.csv\n',
    );
    expect(await ganletHere([...command, '--classes', 'classes.csv'], folder)).toMatchObject({ status: 0 });
    const student = loadOnnx(join(folder, 'runs/small/student.onnx'));
    expect(inputsOf(student)).toEqual({ x: ['batch', 3, 'h', 'w'], y: ['batch', 3] });
  });

  test('is refused for data without classes, and for others', async () => {
    const run = (set: string) =>
      ganletHere(['run', 'tiny.yaml', '--set', set, '--out', 'runs/no', '--quiet'], folder);
    expect((await run('data={source: aligned, path: pictures, size: 16}')).stderr).toMatch(
      /^error: \S*number\.onnx must turn \[1, 3, 16, 16\] into .*\n {2}help: it takes a class besides: say of which class each pair is, with data\.classes, data\.categories or data\.columns\n$/,
    );
    writeFileSync(join(folder, 'two.csv'), '0,a\n1,a\n2,b\n3,b\n4,b\n5,b\n');
    expect((await run('data.classes=two.csv')).stderr).toMatch(
      /number\.onnx must turn 3 channels and 2 of classes \[1, 5, 16, 16\] into \[1, 3, 16, 16\], it turns \[batch, 6, h, w\] into/,
    );
    const plain = ['compress', 'runs/own/teacher.onnx', '--data', 'pictures', '--classes', 'classes.csv'];
    expect((await ganletHere(plain, folder)).status).toBe(1);
  });
});

test('a generator of the toolkit is told the class by planes beside its picture, and makes another picture for each', async () => {
  expect((await ganletHere(['run', 'own.yaml', '--out', 'runs/own', '--quiet'], folder)).stderr).toBe('');
  const student = loadOnnx(join(folder, 'runs/own/student.onnx'));
  expect(Object.values(inputsOf(student))).toEqual([['batch', 6, 16, 16]]);
  expect(read('runs/own/student.card.json').condition.classes).toEqual(['cat', 'dog', 'owl']);
  expect(new Set(await made(student)).size).toBe(3);
  const demo = await ganletHere(['demo', 'runs/own', '--export', 'site'], folder);
  expect(demo).toMatchObject({ status: 0 });
  expect(read('site', 'catalogue.json').condition.classes).toEqual(['cat', 'dog', 'owl']);
});
