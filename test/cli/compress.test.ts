import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { adaptTeacher } from '../../src/compress/adapt-teacher.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { countMacs } from '../../src/ops/cost.ts';
import { loadOnnx } from '../../src/ops/import-onnx.ts';
import { randomise } from '../compress/networks.ts';
import { writePictures } from '../support/pair-pictures.ts';
import { folderWith } from './ganlet.ts';
import { ganletHere } from './here.ts';

/** A folder with pictures and a teacher of frozen batch norms, made elsewhere: there is no card. */
async function workplace(): Promise<string> {
  const folder = folderWith();
  await writePictures(folder);
  const teacher = resnetGenerator({ baseWidth: 8, blocks: 2, size: 16, norm: 'batch' });
  writeFileSync(join(folder, 'teacher.onnx'), encodeOnnx(randomise(teacher)));
  return folder;
}

const command = ['compress', 'teacher.onnx', '--data', 'pictures'];
const short = Object.entries({
  'supernet.steps': 2,
  'supernet.sampling': 'uniform',
  'supernet.batch': 2,
  'supernet.samples': 0,
  'supernet.probe': 2,
  'finetune.steps': 1,
  'finetune.batch': 2,
  'finetune.samples': 0,
  'search.pictures': 2,
  'search.workers': 1,
  'search.finalists': 1,
  'search.searcher': 'random',
  'search.evaluations': 2,
}).flatMap(([key, value]) => ['--set', `${key}=${value}`]);

test('a dry run prints the recipe and the plan, and leaves nothing behind', async () => {
  const folder = await workplace();
  const { status, stdout } = await ganletHere([...command, '--budget', '0.3x', '--dry-run'], folder);
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^# Written by: ganlet compress teacher\.onnx --data pictures --budget 0\.3x --dry-run$/m,
  );
  expect(stdout).toMatch(/^ {2}budget: 0\.3x$/m);
  expect(stdout).toMatch(/^run teacher in runs[/\\]teacher$/m);
  expect(stdout).toMatch(/^supernet \d/m);
  expect(readdirSync(folder).sort()).toEqual(['pictures', 'teacher.onnx']);
});

test('one command from teacher to student, which goes on where its settings are the same', async () => {
  const folder = await workplace();
  const args = [...command, '--budget', '0.3x', '--out', 'out', '--threads', '1', ...short];
  const { status, stderr } = await ganletHere(args, folder);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const load = (file: string) => loadOnnx(join(folder, file));
  const macs = (file: string) => countMacs(load(file)).true;
  expect(macs('out/student.onnx')).toBeLessThanOrEqual(0.3 * macs('teacher.onnx'));
  expect(load('out/student.onnx').nodes.map(({ op }) => op)).toContain('BatchNormalization');
  expect(readFileSync(join(folder, 'out', 'compress.yaml'), 'utf8')).toContain(
    '# Written by: ganlet compress',
  );
  expect(existsSync(join(folder, 'out', 'table.md'))).toBe(true);

  const again = await ganletHere(args, folder);
  expect(again.status).toBe(0);
  expect(again.stderr).toContain('supernet: done before, nothing changed');

  const other = await ganletHere([...command, '--budget', '0.25x', '--out', 'out', ...short], folder);
  expect(other).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('error: out must be a new folder or one of the same settings'),
  });
  expect(readFileSync(join(folder, 'out', 'compress.yaml'), 'utf8')).toContain('budget: 0.3x');
}, 120_000);

test('a folder with a teacher of another form keeps it', async () => {
  const folder = await workplace();
  mkdirSync(join(folder, 'out'));
  const args = [
    ...command,
    '--budget',
    '0.3x',
    '--out',
    'out',
    '--output-range',
    '-1..1',
    '--quiet',
    '--set',
  ];
  const other = adaptTeacher(loadOnnx(join(folder, 'teacher.onnx')), {
    range: [0, 1],
    outputRange: [-1, 1],
    layout: 'nchw',
  });
  const before = Buffer.from(encodeOnnx(other));
  writeFileSync(join(folder, 'out', 'teacher.onnx'), before);
  const changed = await ganletHere([...args, 'supernet.steps=0', '--range', '0..255'], folder);
  expect(changed).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(
      'error: out must be a new folder or one of the same settings, its teacher.onnx is another network',
    ),
  });
  expect(readdirSync(join(folder, 'out'))).toEqual(['teacher.onnx']);
  expect(readFileSync(join(folder, 'out', 'teacher.onnx'))).toEqual(before);
  // The same form goes on: to the mistake in the recipe.
  const same = await ganletHere([...args, 'supernet.steps=0', '--range', '0..1'], folder);
  expect(same.stderr).toContain('supernet.steps must be');
});

describe('what cannot be done is told, and nothing is written', () => {
  test.each<[string[], number, string]>([
    [['--budget', '0.3x'], 2, 'error: --data must be given: the folder of the pictures\n'],
    [['--data', 'pictures', '--budget', 'small'], 2, 'error: --budget must be a part of the teacher'],
    [['--data', 'pictures', '--range', '1'], 2, 'error: --range must be -1..1, 0..1 or 0..255, got "1"\n'],
    [['--data', 'nowhere'], 1, 'error: --data must be a folder with pictures'],
    [['--data', 'pictures', '--budget', '1k'], 1, 'error: the budget must lie within what students of this'],
    [['--data', 'pictures', '--size', '32'], 1, 'must turn [1, 3, 32, 32] into [1, 3, 32, 32]'],
  ])('%j', async (args, status, error) => {
    const folder = await workplace();
    expect(await ganletHere(['compress', 'teacher.onnx', ...args], folder)).toMatchObject({
      status,
      stdout: '',
      stderr: expect.stringContaining(error),
    });
    expect(readdirSync(folder).sort()).toEqual(['pictures', 'teacher.onnx']);
  });
});
