import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { turnBranches } from '../../src/cli/bundle/branches.ts';
import { withoutSymbols } from '../../src/cli/bundle/elf.ts';
import { bundledFiles } from '../../src/cli/bundle/packages.ts';
import { tar } from '../../src/cli/bundle/tar.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { patchDiscriminator } from '../../src/models/discriminator.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { randomise } from '../compress/networks.ts';
import { writeTinyNetwork } from '../metrics/tiny-network.ts';
import { writePictures } from '../support/pair-pictures.ts';
import { folderWith, ganlet } from './ganlet.ts';

const recipe = `name: tiny
threads: 1
data: {source: aligned, path: pictures, size: 16}
teacher: {model: taught.onnx}
discriminator: {type: patch, baseWidth: 2, layers: 1}
student: {ratio: 0.5}
distill: {steps: 1, batch: 1, samples: 0, initDiscriminator: teacher}
evaluate: {metrics: [l1, frechet], features: tiny.onnx}
`;
const root = join(import.meta.dirname, '../..');
const onLinux = test.runIf(process.platform === 'linux' && process.arch === 'x64');

/** What to run before a program so that it has no network, where this user may do that. */
function withoutNetwork(): string[] {
  const unshare = ['/usr/bin/unshare', '--net'];
  return spawnSync(unshare[0]!, [...unshare.slice(1), 'true']).status === 0 ? unshare : [];
}

/** A folder in which there are only these of the programs on the path. */
function onlyPrograms(folder: string, names: readonly string[]): string {
  const programs = join(folder, 'programs');
  mkdirSync(programs);
  for (const name of names) {
    const found = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    symlinkSync(found, join(programs, name));
  }
  return programs;
}

onLinux(
  'a bundle runs where it is unpacked, without Node and what is installed here, and has all that its recipe reads',
  async () => {
    const folder = folderWith({ 'my.yaml': recipe });
    await writePictures(folder);
    writeFileSync(
      join(folder, 'taught.onnx'),
      encodeOnnx(randomise(resnetGenerator({ baseWidth: 2, blocks: 1 }))),
    );
    writeFileSync(join(folder, 'taught.card.json'), '{"taps": ["down2"]}');
    const [patch, features] = [{ baseWidth: 2, layers: 1, inputChannels: 6, size: 16 }, { dimension: 5 }];
    writeFileSync(join(folder, 'discriminator.onnx'), encodeOnnx(randomise(patchDiscriminator(patch))));
    writeTinyNetwork(folder, features);
    const made = ganlet(['bundle', '--fast', '--with', 'my.yaml', '--out', 'ganlet.tgz'], folder);
    expect(made).toMatchObject({
      status: 0,
      stdout: '',
      stderr: expect.stringMatching(/^wrote ganlet\.tgz, \d+\.\d MiB\n$/),
    });
    // Packed as small as it is by default it is a ninth smaller: below 60 MB.
    expect(statSync(join(folder, 'ganlet.tgz')).size).toBeLessThan(67e6);
    execFileSync('tar', ['xf', 'ganlet.tgz'], { cwd: folder });
    for (const name of [
      'my.yaml',
      'taught.onnx',
      'taught.card.json',
      'discriminator.onnx',
      'tiny.onnx',
      'pictures',
    ])
      rmSync(join(folder, name), { recursive: true });
    const unpacked = join(folder, 'ganlet-linux-x64');
    const [offline, path] = [withoutNetwork(), onlyPrograms(folder, ['sh', 'dirname', 'readlink'])];
    const run = (args: string[]) => {
      const [program, ...rest] = [...offline, join(unpacked, 'ganlet'), ...args] as [string, ...string[]];
      const env = { PATH: path, HOME: folder, NO_COLOR: '1' };
      return spawnSync(program, rest, { cwd: folder, env, encoding: 'utf8' });
    };
    expect(spawnSync('node', { env: { PATH: path } }).error).toMatchObject({ code: 'ENOENT' });

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

    const there = run(['run', join(unpacked, 'recipe.yaml'), '--out', 'r', '--quiet']);
    expect(there).toMatchObject({ status: 0, stderr: expect.not.stringMatching(/error/) });
    const card = JSON.parse(readFileSync(join(folder, 'r/student.card.json'), 'utf8'));
    expect(card.metrics.distributions[0].label).toBe('FD-tiny-5');
    expect(run(['report', 'r', '--out', 'r.html'])).toMatchObject({ status: 0 });
    expect(readFileSync(join(folder, 'r.html'), 'utf8')).toContain('<svg');
  },
);

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
  const long = `${'f'.repeat(90)}/${'g'.repeat(60)}/${'n'.repeat(95)}`;
  writeFileSync(join(folder, 'long.tar'), Buffer.concat(tar([{ path: long, data }])));
  execFileSync('tar', ['xf', 'long.tar'], { cwd: folder });
  expect(new Uint8Array(readFileSync(join(folder, long)))).toEqual(data);
  expect(() => tar([{ path: 'x'.repeat(101), data }])).toThrow('must have at most 100 bytes');
});

describe('branches of machine code', () => {
  test('that are turned and turned back are as they were, whatever the bytes', () => {
    const byte = fc.oneof(fc.constantFrom(0xe8, 0xe9, 0, 0xff), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 60 }), (bytes) => {
        const code = Uint8Array.from(bytes);
        turnBranches(code, 1);
        turnBranches(code, -1);
        expect([...code]).toEqual(bytes);
      }),
      { numRuns: 5000 },
    );
  });

  test('to one place look alike wherever they are', () => {
    const code = Uint8Array.of(0xe8, 11, 0, 0, 0, 0x90, 0xe8, 5, 0, 0, 0);
    turnBranches(code, 1);
    expect([...code]).toEqual([0xe8, 16, 0, 0, 0, 0x90, 0xe8, 16, 0, 0, 0]);
  });
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
