import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { cudaHint, graphics } from '../../src/cli/doctor-devices.ts';
import type { Finding } from '../../src/cli/finding.ts';
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
      'graphics',
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

/** A machine's files, below a folder of its own. */
function machineWith(files: Record<string, string>): string {
  const root = folderWith();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}
const [all, none] = [() => true, () => false];
const nvidia = {
  'proc/driver/nvidia/version':
    'NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version: 12\n',
  'proc/driver/nvidia/gpus/0000:01:00.0/information': 'Model: \t\t NVIDIA L4\nIRQ:   \t\t 131\n',
};
const icd = '{"ICD": {"library_path": "libGLX_nvidia.so.0"}}';

describe('the graphics of a machine', () => {
  const platform = 'linux';

  test('are its cards, the driver, the loader and the Vulkan drivers', () => {
    const root = machineWith({
      ...nvidia,
      'sys/class/drm/card1/device/vendor': '0x8086\n',
      'sys/class/drm/card1-HDMI-A-1/status': 'connected\n',
      'usr/share/vulkan/icd.d/nvidia_icd.json': icd,
    });
    expect(graphics({ root, platform, env: {}, hasLibrary: all })).toEqual({
      name: 'graphics',
      status: 'ok',
      found: 'NVIDIA L4, Intel; NVIDIA driver 550.54.15; libvulkan.so.1; Vulkan drivers nvidia_icd.json',
    });
  });

  test.each<[string, Record<string, string>, boolean, RegExp]>([
    [
      'the loader',
      { ...nvidia, 'etc/vulkan/icd.d/nvidia_icd.json': icd },
      false,
      /^the package libvulkan1 \(.*\)$/,
    ],
    [
      "NVIDIA's Vulkan driver",
      nvidia,
      true,
      /^the Vulkan part of NVIDIA's driver, .*NVIDIA_DRIVER_CAPABILITIES=all/,
    ],
    ['Mesa', { 'sys/class/drm/card0/device/vendor': '0x1002' }, true, /^the package mesa-vulkan-drivers$/],
    ['a card', {}, true, /^a graphics card and its driver$/],
    [
      'a card, but for a trial',
      { 'usr/lib/chromium/vk_swiftshader_icd.json': '{}' },
      false,
      /^the package libvulkan1 .*, and a graphics card and its driver; .* VK_DRIVER_FILES=\S+vk_swiftshader_icd\.json$/,
    ],
  ])('that lack %s say so', (_, files, loader, enable) => {
    const found = graphics({ root: machineWith(files), platform, env: {}, hasLibrary: () => loader });
    expect(found).toMatchObject({ status: 'missing', enable: expect.stringMatching(enable) });
  });

  test('have the driver that is named', () => {
    const root = machineWith({ 'drivers/mine.json': icd });
    const file = join(root, 'drivers/mine.json');
    const with_ = (env: NodeJS.ProcessEnv) => graphics({ root, platform, env, hasLibrary: all });
    expect(with_({ VK_DRIVER_FILES: file })).toMatchObject({
      status: 'ok',
      found: 'no graphics card; libvulkan.so.1; Vulkan drivers mine.json',
    });
    expect(with_({ VK_DRIVER_FILES: `${file}.gone` })).toMatchObject({ status: 'missing' });
  });
});

test('what CUDA lacks is named, library by library, and the switch that installs the provider', () => {
  const platform = 'linux';
  expect(cudaHint(false, { platform, hasLibrary: none })).toBe(
    'an NVIDIA driver (libcuda.so.1), CUDA 12 (libcudart.so.12, libcublas.so.12, libcublasLt.so.12, libcufft.so.11, ' +
      'libcurand.so.10), cuDNN 9 (libcudnn.so.9), the provider itself: ' +
      'npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12',
  );
  const hasLibrary = (name: string) => !/cudnn|cufft/.test(name);
  expect(cudaHint(true, { platform, hasLibrary })).toBe('CUDA 12 (libcufft.so.11), cuDNN 9 (libcudnn.so.9)');
  expect(cudaHint(true, { platform, hasLibrary: all })).toMatch(/^its libraries are all there/);
  expect(cudaHint(false, { platform: 'darwin' })).toMatch(/^Linux on x64/);
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
