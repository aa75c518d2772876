import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/cli/doctor.ts';
import { built, folderWith, ganlet } from './ganlet.ts';

const { ask } = (await import(built('cli/doctor.js'))) as typeof import('../../src/cli/doctor.ts');

describe('doctor', () => {
  test('--json says what works and how to have what does not', () => {
    const cache = join(folderWith(), 'not', 'yet');
    const { status, stdout, stderr } = ganlet(['doctor', '--json'], undefined, { GANLET_CACHE: cache });
    const findings: Finding[] = JSON.parse(stdout);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(findings.map(({ name }) => name)).toEqual([
      'node',
      'machine',
      'onnxruntime-node',
      'provider cpu',
      'provider webgpu',
      'provider cuda',
      '@tensorflow/tfjs-node-gpu',
      '@tensorflow/tfjs-node',
      '@tensorflow/tfjs',
      'sharp',
      'openmoji',
      'cache',
    ]);
    const of = (name: string) => findings.find((finding) => finding.name === name);
    expect(of('node')).toEqual({ name: 'node', status: 'ok', found: process.versions.node });
    expect(of('provider cpu')).toEqual({ name: 'provider cpu', status: 'ok', found: 'computes' });
    expect(of('onnxruntime-node')?.found).toMatch(/^1\.30\.0, with cpu/);
    expect(of('@tensorflow/tfjs')).toMatchObject({
      status: 'ok',
      found: expect.stringMatching(/^4\.22\.0, computes, TensorFlow\.js computes in plain JavaScript/),
    });
    expect(of('@tensorflow/tfjs-node')).toMatchObject({
      status: 'missing',
      found: 'not installed',
      enable: expect.stringContaining('npm install @tensorflow/tfjs-node@4.22.0'),
    });
    expect(of('openmoji')).toEqual({ name: 'openmoji', status: 'ok', found: '17.0.0' });
    expect(of('cache')).toEqual({ name: 'cache', status: 'ok', found: cache });
    for (const { status, found, enable } of findings) {
      expect(found).not.toBe('');
      expect(enable === undefined).toBe(status === 'ok');
    }
  });

  test('without --json writes a line for each, and what to do below what is missing', () => {
    const { status, stdout } = ganlet(['doctor']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ok {7}node {23}\d+\.\d+\.\d+\n/);
    for (const line of stdout.trimEnd().split('\n'))
      expect(line).toMatch(/^(ok|missing|broken| {36}to enable:) /);
    expect(stdout.match(/^missing/gm)?.length).toBe(stdout.match(/to enable:/g)?.length);
  });

  test('a cache folder that cannot be made is broken, with status 1', () => {
    const folder = folderWith({ file: '' });
    const { status, stdout } = ganlet(['doctor'], folder, { GANLET_CACHE: join(folder, 'file', 'cache') });
    expect(status).toBe(1);
    expect(stdout).toContain(`${join(folder, 'file', 'cache')} cannot be written to\n`);
    expect(stdout).toContain('to enable: set GANLET_CACHE to a folder that can be written to\n');
  });
});

describe('a probe', () => {
  const probe = (source: string, timeout = 60_000) =>
    ask(pathToFileURL(join(folderWith({ 'probed.mjs': source }), 'probed.mjs')).href, timeout);

  test('that crashes is an answer', async () => {
    expect(
      await probe('process.kill(process.pid, "SIGSEGV"); await new Promise((r) => setTimeout(r, 9e4));'),
    ).toEqual({
      ok: false,
      found: 'trying it ended the process with SIGSEGV',
    });
    expect(await probe('process.exit(7)')).toEqual({
      ok: false,
      found: 'trying it ended the process with status 7',
    });
  });

  test('that hangs is an answer', async () => {
    expect(await probe('for (;;);', 1500)).toEqual({ ok: false, found: 'no answer within 1.5 s' });
  });

  test('that throws is an answer, in one line', async () => {
    expect(await probe('throw new Error("no driver\\nmore")')).toEqual({ ok: false, found: 'no driver' });
    expect(await ask('no-such-package', 60_000)).toEqual({ ok: false, found: 'not installed' });
  });
});
