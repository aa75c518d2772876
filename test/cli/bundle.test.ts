import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withoutSymbols } from '../../src/cli/bundle/elf.ts';
import { bundledFiles } from '../../src/cli/bundle/packages.ts';
import { tar } from '../../src/cli/bundle/tar.ts';
import { folderWith, ganlet } from './ganlet.ts';

const root = join(import.meta.dirname, '../..');
const onLinux = test.runIf(process.platform === 'linux' && process.arch === 'x64');

onLinux('a bundle runs where it is unpacked, without Node and what is installed here', () => {
  const folder = folderWith();
  const made = ganlet(['bundle', '--fast', '--out', 'ganlet.tgz'], folder);
  expect(made).toMatchObject({
    status: 0,
    stdout: '',
    stderr: expect.stringMatching(/^wrote ganlet\.tgz, \d+\.\d MiB\n$/),
  });
  expect(statSync(join(folder, 'ganlet.tgz')).size).toBeLessThan(70e6);
  execFileSync('tar', ['xf', 'ganlet.tgz'], { cwd: folder });
  const unpacked = join(folder, 'ganlet-linux-x64');
  const run = (args: string[]) =>
    spawnSync(join(unpacked, 'ganlet'), args, {
      cwd: folder,
      env: { PATH: '/usr/bin:/bin', HOME: folder, NO_COLOR: '1' },
      encoding: 'utf8',
    });

  const { status, stdout } = run(['doctor', '--json']);
  expect(status).toBe(0);
  const findings: { name: string; status: string }[] = JSON.parse(stdout);
  for (const name of ['node', 'onnxruntime-node', 'provider cpu', 'sharp', 'cache'])
    expect(findings.find((f) => f.name === name)).toMatchObject({ name, status: 'ok' });
  expect(run(['model', 'resnet', '--base-width', '4', '--blocks', '1', '--out', 'g.onnx'])).toMatchObject({
    status: 0,
  });
  const profiled = run(['profile', 'g.onnx', '--size', '16', '--json']);
  expect(JSON.parse(profiled.stdout)).toHaveProperty('latency');
  expect(readdirSync(unpacked).filter((name) => name.startsWith('app-'))).toHaveLength(1);
});

describe('what is bundled', () => {
  const paths = bundledFiles(root).map(({ path }) => path);

  test('is all that is needed at run time, and native libraries of this platform only', () => {
    expect(paths).toContain('dist/cli/main.js');
    expect(paths).toContain('package.json');
    expect(paths).toContain('recipes/quickstart.yaml');
    const libraries = paths.filter((path) => /\.(node|so|dylib|dll)(\.|$)/.test(path));
    expect(libraries.length).toBeGreaterThanOrEqual(3);
    for (const path of libraries) expect(path).toMatch(new RegExp(`${process.platform}[-/]${process.arch}`));
    for (const part of ['vitest', 'typescript', '@tensorflow', 'onnxruntime-web', '@types'])
      expect(paths.filter((path) => path.startsWith(`node_modules/${part}/`))).toEqual([]);
    expect(paths.filter((path) => /\.d\.ts$|\.map$/.test(path))).toEqual([]);
    expect(new Set(paths).size).toBe(paths.length);
  });
});

test('an archive is what tar unpacks: contents, and what may be run', () => {
  const folder = folderWith();
  const data = Uint8Array.from({ length: 1300 }, (_, i) => i % 251);
  writeFileSync(
    join(folder, 'a.tar'),
    Buffer.concat(
      tar([
        { path: 'b/empty', data: new Uint8Array(0) },
        { path: 'b/c/data', data },
        { path: 'b/run', data: Buffer.from('#!/bin/sh\necho ran'), program: true },
      ]),
    ),
  );
  mkdirSync(join(folder, 'out'));
  execFileSync('tar', ['xf', '../a.tar'], { cwd: join(folder, 'out') });
  expect(readFileSync(join(folder, 'out/b/empty')).length).toBe(0);
  expect(new Uint8Array(readFileSync(join(folder, 'out/b/c/data')))).toEqual(data);
  expect(execFileSync(join(folder, 'out/b/run'), { encoding: 'utf8' })).toBe('ran\n');
  expect(() => tar([{ path: 'x'.repeat(101), data }])).toThrow('must have at most 100 bytes');
});

describe('a program without its symbols', () => {
  test('is as long as it was, and holds less', () => {
    const node = readFileSync(process.execPath);
    const stripped = withoutSymbols(node);
    expect(stripped.length).toBe(node.length);
    let changed = 0;
    for (let i = 0; i < node.length; i += 4096) if (stripped[i] !== node[i]) changed++;
    expect(changed).toBeLessThan(node.length / 4096 / 4);
  });

  test('is left alone when it is no such program', () => {
    for (const bytes of [
      new Uint8Array(0),
      Buffer.from('#!/bin/sh'),
      Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 1]),
    ])
      expect(withoutSymbols(bytes)).toBe(bytes);
  });
});
