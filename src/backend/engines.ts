import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { Graph } from '../graph/graph.ts';
import { relu } from '../ops/activation.ts';
import { type Answer, askProgram } from '../util/ask.ts';
import { GanletError } from '../util/errors.ts';
import type { Backend } from './backend.ts';
import { onnxruntime, type Provider } from './onnxruntime.ts';
import { loadTfjs, type TfjsPackage, tfjsPackages } from './tfjs/load.ts';

export const providers = ['cpu', 'webgpu', 'cuda'] as const satisfies readonly Provider[];

/** Something that runs programs: ONNX Runtime with a provider, or a package of TensorFlow.js. */
export interface Engine {
  readonly name: Provider | TfjsPackage;
  /** As of its `Backend`. */
  readonly remote: boolean;
  /** Starts it. Throws PROVIDER_MISSING or TFJS_MISSING; a provider that cannot start tells when a program is compiled. */
  open(): Promise<Backend>;
}

export interface EngineOptions {
  /** 0 means all cores. */
  threads: number;
  onWarning?: (message: string) => void;
  /** As of `onnxruntime`. */
  onDebug?: ((message: string) => void) | undefined;
}

export function providerEngine(name: Provider, { threads, onDebug }: EngineOptions): Engine {
  return {
    name,
    remote: name !== 'cpu',
    open: async () => onnxruntime({ provider: name, threads, onDebug }),
  };
}

export function tfjsEngine(name: TfjsPackage, { threads, onWarning }: EngineOptions): Engine {
  return {
    name,
    remote: name === '@tensorflow/tfjs-node-gpu',
    open: () => loadTfjs({ packages: [name], threads, ...(onWarning && { onWarning }) }),
  };
}

/** Lets a process of its own try an engine: it may crash or hang. `timeout` in milliseconds. */
export function tryEngine(name: string, timeout: number): Promise<Answer> {
  return askProgram(new URL(`./engine-probe${extname(import.meta.url)}`, import.meta.url), name, timeout);
}

/**
 * The engines besides ONNX Runtime on the CPU for which there are signs on this machine: a package that is installed, a library
 * that is in its place, a graphics device. Nothing is started, so that it costs nothing where there is none. Plain
 * `@tensorflow/tfjs` is never among them: it is always slower.
 */
export function likelyEngines(): (Provider | TfjsPackage)[] {
  const found: (Provider | TfjsPackage)[] = [];
  if (hasCudaProvider() && hasNvidia()) found.push('cuda');
  if (hasGraphics()) found.push('webgpu');
  const packages = (['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const).filter(isInstalled);
  if (packages[0]) found.push(packages[0]);
  return found;
}

/** The engine a recipe or the command line names, which is seen to start. Throws TFJS_MISSING and PROVIDER_MISSING. */
export async function namedBackend(
  name: 'onnxruntime' | 'tfjs',
  provider: Provider,
  options: EngineOptions,
): Promise<Backend> {
  if (name === 'onnxruntime') {
    const backend = onnxruntime({ provider, threads: options.threads, onDebug: options.onDebug });
    if (provider !== 'cpu') await start(backend);
    return backend;
  }
  if (provider !== 'cpu')
    throw new GanletError(
      'USAGE',
      `provider ${provider} is one of backend onnxruntime, the backend is tfjs`,
      {
        hint: `leave provider out, or use backend onnxruntime; TensorFlow.js computes on a GPU with ${tfjsPackages['@tensorflow/tfjs-node-gpu']}`,
      },
    );
  return loadTfjs(options);
}

/** Compiles next to nothing: a provider that cannot start is told before anything else is done. */
async function start(backend: Backend): Promise<void> {
  const graph = new Graph('trial');
  graph.output(relu(graph.input('x', 'float32', [2])), 'y');
  const compiled = await backend.compile({ graph, state: [] });
  await compiled.dispose();
}

const { resolve } = createRequire(import.meta.url);

function isInstalled(name: string): boolean {
  try {
    resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}

/** ONNX Runtime's CUDA provider is a library that is only downloaded when it is asked for. */
export function hasCudaProvider(): boolean {
  try {
    const root = dirname(resolve('onnxruntime-node/package.json'));
    const folder = join(root, 'bin', 'napi-v6', process.platform, process.arch);
    return readdirSync(folder).some((file) => file.includes('onnxruntime_providers_cuda'));
  } catch {
    return false;
  }
}

function hasNvidia(): boolean {
  return process.platform === 'win32' || existsSync('/dev/nvidiactl') || existsSync('/dev/dxg');
}

/** macOS and Windows come with a graphics interface; elsewhere a Vulkan driver has a file that says where it is. */
function hasGraphics(): boolean {
  if (process.platform === 'darwin' || process.platform === 'win32') return true;
  if (process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES) return true;
  return ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'].some((folder) => {
    try {
      return readdirSync(folder).some((file) => file.endsWith('.json'));
    } catch {
      return false;
    }
  });
}
