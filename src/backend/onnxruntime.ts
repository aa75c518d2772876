import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import type { Tensor } from '../graph/graph.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import { GanletError } from '../util/errors.ts';
import type { Backend, Compiled, Feeds, Program, RunOptions } from './backend.ts';
import { failed, isMemory } from './failure.ts';
import { deviceReader } from './ort-reader.ts';
import { deviceState, type HeldState, hostState, leftOnDevice } from './ort-state.ts';
import { toOrt } from './ort-tensors.ts';
import { watching } from './placement.ts';
import { fedInputs, needFeed, wantedResults } from './program-values.ts';
import { forWebgpu } from './webgpu-graph.ts';

export type Provider = 'cpu' | 'webgpu' | 'cuda';

/** What each provider but the CPU needs of the machine, for errors. */
const needs: Record<Exclude<Provider, 'cpu'>, { what: string; hint: string }> = {
  webgpu: {
    what: 'find a graphics adapter',
    hint: 'install a graphics driver with Vulkan, Metal or Direct3D 12 (Linux: also the package libvulkan1), or use --provider cpu',
  },
  cuda: {
    what: 'load the CUDA provider and its libraries',
    hint: 'install an NVIDIA driver, CUDA 12, cuDNN 9 and npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12, or use --provider cpu',
  },
};

/** Those that have started in this process. */
const started = new Set<Provider>();

// Errors are thrown; what the engine would print besides only hides them.
ort.env.logLevel = 'fatal';

/**
 * ONNX Runtime as an engine. `threads` 0 means all cores, which is also the most. `onDebug` is told once for each program which of
 * its nodes a provider leaves to the CPU; its first run is profiled for that. Compiling throws PROVIDER_MISSING, naming what this
 * machine lacks, when the provider cannot start, MEMORY_SHORT, and COMPILE_FAILED when it does not take the graph.
 */
export function onnxruntime({
  provider = 'cpu',
  threads = 0,
  onDebug,
}: {
  provider?: Provider;
  threads?: number;
  onDebug?: ((message: string) => void) | undefined;
} = {}): Backend {
  // Threads wait in a busy loop: more of them than cores bring a run almost to a stop.
  const count = Math.min(threads > 0 ? threads : Number.POSITIVE_INFINITY, availableParallelism());
  return {
    description: {
      engine: 'onnxruntime-node',
      version: ort.env.versions.node ?? ort.env.versions.common,
      provider,
      threads: count,
    },
    remote: provider !== 'cpu',
    compile: (program) => compile(program, provider, count, onDebug),
  };
}

async function compile(
  program: Program,
  provider: Provider,
  threads: number,
  onDebug: ((message: string) => void) | undefined,
): Promise<Compiled> {
  const { graph, state } = program;
  const prepared = provider === 'webgpu' ? forWebgpu(graph) : { graph, onCpu: [] };
  const options: ort.InferenceSession.SessionOptions = {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
  };
  // Only of WebGPU can outputs be left where they are computed.
  const stays = provider === 'webgpu' && state.length > 0;
  const places = Object.fromEntries(leftOnDevice(program).map((name) => [name, 'gpu-buffer' as const]));
  const create = (bytes: Uint8Array, more: ort.InferenceSession.SessionOptions = {}) =>
    ort.InferenceSession.create(bytes, { ...options, ...more });
  const watch = onDebug && provider !== 'cpu' ? watching(graph.name, provider) : undefined;
  let session: ort.InferenceSession;
  try {
    session = await create(encodeOnnx(prepared.graph), {
      ...watch?.options,
      ...(stays && { preferredOutputLocation: places }),
      ...(prepared.onCpu.length > 0 && {
        executionProviders: [{ name: 'webgpu', forceCpuNodeNames: prepared.onCpu }],
      }),
    });
    started.add(provider);
  } catch (cause) {
    watch?.dispose();
    throw notCompiled(provider, graph.name, cause);
  }
  const held = stays ? deviceState(program, deviceReader(create)) : hostState(program);
  const compiled = running(program, session, held, () => {
    const found = watch?.found(session);
    if (found !== undefined) onDebug?.(found);
  });
  return {
    ...compiled,
    async dispose() {
      watch?.dispose();
      await compiled.dispose();
    },
  };
}

function notCompiled(provider: Provider, name: string, cause: unknown): GanletError {
  const said = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
  // Behind the line of source that failed.
  const reason = said.split(' was false. ').at(-1)!.trim();
  if (isMemory(reason)) return failed('ONNX Runtime', `"${name}"`, cause);
  if (provider === 'cpu' || started.has(provider))
    return new GanletError(
      'COMPILE_FAILED',
      `provider ${provider} must run "${name}", it does not take it: ${reason}`,
      { hint: 'run ganlet doctor to see what this machine can do', cause },
    );
  const { what, hint } = needs[provider];
  return new GanletError('PROVIDER_MISSING', `provider ${provider} must ${what}, it did not: ${reason}`, {
    hint,
    cause,
  });
}

function running(
  program: Program,
  session: ort.InferenceSession,
  held: HeldState,
  onFirst: () => void,
): Compiled {
  const { graph } = program;
  let runs = 0;
  const fed = fedInputs(program);
  return {
    async run(feeds: Feeds, options?: RunOptions) {
      const results = wantedResults(program, options).map((value) => value.name);
      const { inputs, fetches } = held.bind(results);
      for (const value of fed) inputs[value.name] = toOrt(needFeed(graph, value, feeds[value.name]));
      const run = async () => held.advance(await session.run(inputs, fetches), results);
      const found = await run().catch((error) => {
        throw failed('ONNX Runtime', `"${graph.name}"`, error);
      });
      if (runs++ === 0) onFirst();
      return found;
    },
    readState: (names) => held.read(names),
    async writeState(values) {
      held.write(values);
    },
    async dispose() {
      await held.dispose();
      await session.release();
    },
  };
}

/** Runs a graph once with the given feeds: for tests, calibration and single pictures. */
export async function runGraph(
  graph: Program['graph'],
  feeds: Feeds,
  backend: Backend = onnxruntime(),
): Promise<Record<string, Tensor>> {
  const compiled = await backend.compile({ graph, state: [] });
  try {
    return await compiled.run(feeds);
  } finally {
    await compiled.dispose();
  }
}
