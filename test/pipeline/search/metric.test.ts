import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { searchMetric } from '../../../src/pipeline/search/metric.ts';

const top = join(import.meta.dirname, '../../..');
const network = 'teachers/features-emoji-64';
const context = { recipe: { search: {} } as never, progress: () => ({ update() {}, line() {}, end() {} }) };

test('without a name for it, vectors are scored by the network that comes with the package, few pictures by the teacher', async () => {
  expect(await searchMetric(context, 32)).toMatchObject({ kind: 'frechet', features: 'emoji' });
  expect(await searchMetric(context, 31)).toEqual({ kind: 'teacher-l1' });
});

test('where that network is damaged that is an error; where it is missing the teacher stands in', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ganlet-installed-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of ['dist', network, 'package.json'])
    cpSync(join(top, part), join(folder, part), { recursive: true });
  symlinkSync(join(top, 'node_modules'), join(folder, 'node_modules'));
  const file = join(folder, network, 'network.onnx');
  writeFileSync(file, 'damaged');
  const module = pathToFileURL(join(folder, 'dist/pipeline/search/metric.js')).href;
  const code = `
    const { searchMetric } = await import(${JSON.stringify(module)});
    const { rmSync } = await import('node:fs');
    const tried = () => searchMetric({ recipe: { search: {} } }, 32).then(({ kind }) => kind, ({ code }) => code);
    const damaged = await tried();
    rmSync(${JSON.stringify(file)});
    console.log(damaged, await tried());`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(stdout).toBe('FEATURES_CHANGED teacher-l1\n');
});
