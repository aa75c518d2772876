import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { recipeJsonSchemaText } from '../../src/recipe/json-schema.ts';
import { studentRecipe, teacherRecipe } from '../recipe/recipe-file.ts';
import { folderWith } from './ganlet.ts';
import { ganletHere } from './here.ts';

const run = (yaml: string, ...options: string[]) =>
  ganletHere(['run', 'quick.yaml', ...options], folderWith({ 'quick.yaml': yaml }));

describe('a recipe that cannot run is told on stderr, with status 1', () => {
  test('a missing file', async () => {
    expect(await ganletHere(['run', 'nowhere.yaml'])).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "error: there is no recipe nowhere.yaml
        help: name a recipe file, for example recipes/quickstart.yaml
      ",
        "stdout": "",
      }
    `);
  });

  test('a folder', async () => {
    expect(await ganletHere(['distill', '.'])).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "error: . is a folder, not a recipe
        help: name a recipe file, for example recipes/quickstart.yaml
      ",
        "stdout": "",
      }
    `);
  });

  test('an unknown key', async () => {
    expect(await run(`${teacherRecipe}sed: 3\n`)).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "error: quick.yaml:6:1  sed is not a known key, did you mean seed?
        help: \`ganlet schema\` prints every key with its rule and default
      ",
        "stdout": "",
      }
    `);
  });

  test('a value of the wrong type', async () => {
    expect(await run(teacherRecipe.replace('32', 'large'))).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "error: quick.yaml:2:32  data.size must be a multiple of 4 from 16 to 1024, got "large"
        help: \`ganlet schema\` prints every key with its rule and default
      ",
        "stdout": "",
      }
    `);
  });

  test('a combination that is impossible', async () => {
    expect(await run(studentRecipe.replace('baseWidth: 4', 'baseWidth: 16'))).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "error: quick.yaml:6:22  student.baseWidth must be at most 8, the teacher's baseWidth, got 16
        help: \`ganlet schema\` prints every key with its rule and default
      ",
        "stdout": "",
      }
    `);
  });

  test('several problems at once', async () => {
    expect(
      await run('name: a\ndata: {source: openmoji, size: 30}\nteacher: {model: t.pth}\nx: 1\n'),
    ).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "error: quick.yaml:2:32  data.size must be a multiple of 4 from 16 to 1024, got 30
             quick.yaml:3:18  teacher.model must be the path of an .onnx file, got "t.pth"
             quick.yaml:4:1  x is not a known key; known here: name, preset, seed, threads, backend, provider, data, teacher, discriminator, student, distill, online, supernet, search, finetune, baselines, baselineSteps, evaluate
        help: \`ganlet schema\` prints every key with its rule and default
      ",
        "stdout": "",
      }
    `);
  });

  test('text that is not YAML', async () => {
    expect(await run('name: "tiny\ndata: 3\n')).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "error: quick.yaml:3:1  is not valid YAML: Missing closing "quote
        help: a recipe is YAML: "key: value" lines, sections by indentation
      ",
        "stdout": "",
      }
    `);
  });

  test('a value given by a flag', async () => {
    expect(
      await run(teacherRecipe, '--set', 'data.size=30', '--set', 'teacher.train.batch=2'),
    ).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "error: --set data.size=30  data.size must be a multiple of 4 from 16 to 1024, got 30
        help: \`ganlet schema\` prints every key with its rule and default
      ",
        "stdout": "",
      }
    `);
  });

  test('files that are not there', async () => {
    expect(
      (await run('name: a\ndata: {source: openmoji, size: 32}\nteacher: {model: t.onnx}\n')).stderr,
    ).toMatch(
      /^error: quick\.yaml:3:18 {2}teacher\.model must be a file, found none at \S+t\.onnx\n {2}help: paths in a recipe/,
    );
  });
});

test('--debug adds the stack', async () => {
  const { status, stderr } = await ganletHere(['run', 'nowhere.yaml', '--debug']);
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^error: there is no recipe nowhere\.yaml\n {2}help: .*\nGanletError: .*\n {4}at \S+ \(.*recipe/,
  );
});

test('schema prints the schema of recipes, or writes it', async () => {
  const folder = folderWith();
  expect(await ganletHere(['schema'])).toEqual({ status: 0, stdout: recipeJsonSchemaText(), stderr: '' });
  expect(await ganletHere(['schema', '--out', 'deep/s.json'], folder)).toEqual({
    status: 0,
    stdout: '',
    stderr: '',
  });
  expect(readFileSync(join(folder, 'deep/s.json'), 'utf8')).toBe(recipeJsonSchemaText());
});
