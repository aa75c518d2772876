import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recipeJsonSchemaText } from '../../src/recipe/json-schema.ts';
import { folderWith, ganlet } from './ganlet.ts';

const recipe = `name: tiny
data: {styles: [openmoji, noto], path: packages}
network: {baseWidth: 2}
train: {steps: 3, batch: 2}
`;

test('features --dry-run says what would be trained, and writes nothing', () => {
  const folder = folderWith({ 'tiny.yaml': recipe });
  expect(ganlet(['features', 'tiny.yaml', '--dry-run', '--set', 'train.steps=7'], folder)).toEqual({
    status: 0,
    stdout: `features tiny in runs/tiny
data     openmoji, noto, 64 px
network  450k MACs, 9.06k parameters, 64 features
train    7 steps of 2 pictures
`,
    stderr: '',
  });
  expect(readdirSync(folder)).toEqual(['tiny.yaml']);
});

test('features names the package that is missing, and what installs it', () => {
  const folder = folderWith({ 'tiny.yaml': recipe });
  mkdirSync(join(folder, 'packages'));
  const { status, stdout, stderr } = ganlet(['features', 'tiny.yaml'], folder);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toBe(
    `error: data.path must be a folder with the npm package "openmoji" in its node_modules, ${folder}/packages has none\n` +
      '  help: npm install openmoji@17.0.0, which lists the emoji of all styles\n',
  );
});

test('features refuses a recipe of another kind, and run one of this', () => {
  const folder = folderWith({ 'tiny.yaml': recipe });
  writeFileSync(join(folder, 'run.yaml'), 'name: run\nteacher: {model: a.onnx}\n');
  const other = ganlet(['features', 'run.yaml'], folder);
  expect(other.status).toBe(1);
  expect(other.stderr).toContain('run.yaml:2:1  teacher is not a known key');
  expect(other.stderr).toContain('help: `ganlet schema --for features` prints every key');
  const own = ganlet(['run', 'tiny.yaml'], folder);
  expect(own.status).toBe(1);
  expect(own.stderr).toContain('tiny.yaml:3:1  network is not a known key');
});

test('schema --for features prints the keys of these recipes', () => {
  expect(ganlet(['schema', '--for', 'features']).stdout).toBe(recipeJsonSchemaText('features'));
  expect(ganlet(['schema', '--for', 'teach'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('--for must be run or features, got "teach"'),
  });
});
