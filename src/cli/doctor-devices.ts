import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Finding } from './finding.ts';

/** Where to look; other places are for tests. */
export interface Places {
  /** Default `/`. */
  root?: string;
  platform?: NodeJS.Platform;
  env?: NodeJS.ProcessEnv;
  /** Whether the loader finds a library of this name. */
  hasLibrary?: (name: string) => boolean;
}

const software = ['usr/lib/chromium', 'usr/lib/chromium-browser', 'opt/google/chrome'];
const makers: Readonly<Record<string, string>> = { '0x10de': 'NVIDIA', '0x1002': 'AMD', '0x8086': 'Intel' };

/**
 * The graphics cards of a Linux machine, the NVIDIA driver's version, Vulkan's loader library and drivers, and what to do about
 * the first of them that is missing. Other systems bring their own interface along.
 */
export function graphics({
  root = '/',
  platform = process.platform,
  env = process.env,
  hasLibrary = loaderFinds,
}: Places = {}): Finding {
  const name = 'graphics';
  if (platform === 'darwin') return { name, status: 'ok', found: 'Metal' };
  if (platform === 'win32') return { name, status: 'ok', found: 'Direct3D 12' };
  const cards = [...nvidiaCards(root), ...otherCards(root)];
  const version = /Kernel Module(?: for \S+)?\s+(\d[\d.]*)/.exec(
    textOf(join(root, 'proc/driver/nvidia/version')),
  )?.[1];
  const drivers = vulkanDrivers(root, env);
  const loader = hasLibrary('libvulkan.so.1');
  const found = [
    cards.join(', ') || 'no graphics card',
    ...(version ? [`NVIDIA driver ${version}`] : []),
    loader ? 'libvulkan.so.1' : 'no libvulkan.so.1',
    drivers.length > 0 ? `Vulkan drivers ${drivers.join(', ')}` : 'no Vulkan driver',
  ].join('; ');
  if (loader && drivers.length > 0) return { name, status: 'ok', found };
  const nvidia = version !== undefined || cards.some((card) => card.startsWith('NVIDIA'));
  return { name, status: 'missing', found, enable: vulkanHint(root, { loader, drivers, nvidia, cards }) };
}

function vulkanHint(
  root: string,
  has: { loader: boolean; drivers: readonly string[]; nvidia: boolean; cards: readonly string[] },
): string {
  const loader = has.loader ? '' : 'the package libvulkan1 (Fedora: vulkan-loader; Arch: vulkan-icd-loader)';
  const trial = software
    .map((folder) => join(root, folder, 'vk_swiftshader_icd.json'))
    .find((file) => existsSync(file));
  const driver =
    has.drivers.length > 0
      ? ''
      : has.nvidia
        ? "the Vulkan part of NVIDIA's driver, nvidia_icd.json (in a container: NVIDIA_DRIVER_CAPABILITIES=all)"
        : has.cards.length > 0
          ? 'the package mesa-vulkan-drivers'
          : `a graphics card and its driver${trial ? `; to try it slowly without one: VK_DRIVER_FILES=${trial}` : ''}`;
  return [loader, driver].filter(Boolean).join(', and ');
}

function nvidiaCards(root: string): string[] {
  const folder = join(root, 'proc/driver/nvidia/gpus');
  return entriesOf(folder).map((gpu) => {
    const model = /^Model:\s*(.+)$/m.exec(textOf(join(folder, gpu, 'information')))?.[1]?.trim();
    return model === undefined ? 'NVIDIA' : model.startsWith('NVIDIA') ? model : `NVIDIA ${model}`;
  });
}

/** Cards that show themselves by their maker's number only. */
function otherCards(root: string): string[] {
  const folder = join(root, 'sys/class/drm');
  const numbers = entriesOf(folder)
    .filter((entry) => /^card\d+$/.test(entry))
    .map((card) => textOf(join(folder, card, 'device/vendor')).trim());
  return numbers.flatMap((number) => (makers[number] && makers[number] !== 'NVIDIA' ? [makers[number]] : []));
}

/** File names of the Vulkan drivers that are named, or installed where loaders look. */
function vulkanDrivers(root: string, env: NodeJS.ProcessEnv): string[] {
  const named = env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES;
  if (named)
    return named
      .split(':')
      .filter((file) => existsSync(file))
      .map((file) => basename(file));
  return ['etc', 'usr/share', 'usr/local/share'].flatMap((folder) =>
    entriesOf(join(root, folder, 'vulkan/icd.d')).filter((file) => file.endsWith('.json')),
  );
}

/** Libraries that ONNX Runtime's CUDA provider loads, as its build for CUDA 12 names them. */
const cudaLibraries = [
  ...['libcudart.so.12', 'libcublas.so.12', 'libcublasLt.so.12', 'libcufft.so.11', 'libcurand.so.10'],
  'libcudnn.so.9',
];

/** What the CUDA provider lacks on this machine, in words for `to enable:`. */
export function cudaHint(
  hasProvider: boolean,
  { platform = process.platform, hasLibrary = loaderFinds }: Places = {},
): string {
  const install = 'npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12';
  if (platform !== 'linux') return `Linux on x64; there: an NVIDIA driver, CUDA 12, cuDNN 9 and: ${install}`;
  const missing = cudaLibraries.filter((name) => !hasLibrary(name));
  const cudnn = missing.includes('libcudnn.so.9');
  const rest = missing.filter((name) => name !== 'libcudnn.so.9');
  const parts = [
    ...(hasLibrary('libcuda.so.1') ? [] : ['an NVIDIA driver (libcuda.so.1)']),
    ...(rest.length > 0 ? [`CUDA 12 (${rest.join(', ')})`] : []),
    ...(cudnn ? ['cuDNN 9 (libcudnn.so.9)'] : []),
    ...(hasProvider ? [] : [`the provider itself: ${install}`]),
  ];
  return (
    parts.join(', ') ||
    'its libraries are all there: see what it says, and whether the driver is as new as CUDA 12 needs'
  );
}

/** Whether the loader's cache, or a folder of LD_LIBRARY_PATH, has a library. */
function loaderFinds(name: string): boolean {
  const folders = (process.env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean);
  if (folders.some((folder) => existsSync(join(folder, name)))) return true;
  const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/sbin:/usr/sbin` };
  const { stdout } = spawnSync('ldconfig', ['-p'], { env, encoding: 'utf8' });
  return (stdout ?? '').split('\n').some((line) => line.trim().startsWith(`${name} `));
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
