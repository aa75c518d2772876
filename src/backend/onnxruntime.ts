import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import type { Tensor } from '../graph/graph.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import { GanletError } from '../util/errors.ts';
import type { Backend, Compiled, Feeds, Program } from './backend.ts';
import { failed, isMemory } from './failure.ts';
import { deviceState, hostState } from './ort-state.ts';
import { fromOrt, toOrt } from './ort-tensors.ts';
import { fedInputs, needFeed } from './program-values.ts';
import { forWebgpu } from './webgpu-graph.ts';

export type Provider = 'cpu' | 'webgpu' | 'cuda';

/** What each provider needs of the machine, for errors. */
const needs: Record<Provider, { what: string; hint: string }> = {
  cpu: { what: 'run this graph', hint: 'run ganlet doctor to see what this machine can do' },
  webgpu: {
    what: 'find a graphics adapter',
    hint: 'install a graphics driver with Vulkan, Metal or Direct3D 12 (Linux: also the package libvulkan1), or use --provider cpu',
  },
  cuda: {
    what: 'load the CUDA provider and its libraries',
    hint: 'install an NVIDIA driver, CUDA 12, cuDNN 9 and npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12, or use --provider cpu',
  },
};

// Errors are thrown; what the engine would print besides only hides them.
ort.env.logLevel = 'fatal';

/**
 * ONNX Runtime as an engine. `threads` 0 means all cores, which is also the most. Compiling throws PROVIDER_MISSING, naming what this machine lacks,
 * when the provider cannot start, and COMPILE_FAILED when the CPU cannot run the graph.
 */
export function onnxruntime({
  provider = 'cpu',
  threads = 0,
}: {
  provider?: Provider;
  threads?: number;
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
    compile: (program) => compile(program, provider, count),
  };
}

async function compile(program: Program, provider: Provider, threads: number): Promise<Compiled> {
  const { graph, state } = program;
  const options: ort.InferenceSession.SessionOptions = {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
  };
  // Only of WebGPU can outputs be left where they are computed.
  const stays = provider === 'webgpu' && state.length > 0;
  const places = Object.fromEntries(state.map((s) => [s.output.name, 'gpu-buffer' as const]));
  const create = (bytes: Uint8Array, more: ort.InferenceSession.SessionOptions = {}) =>
    ort.InferenceSession.create(bytes, { ...options, ...more });
  let session: ort.InferenceSession;
  try {
    session = await create(
      encodeOnnx(provider === 'webgpu' ? forWebgpu(graph) : graph),
      stays ? { preferredOutputLocation: places } : {},
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
    if (isMemory(reason)) throw failed('ONNX Runtime', `"${graph.name}"`, cause);
    const { what, hint } = needs[provider];
    throw new GanletError(
      provider === 'cpu' ? 'COMPILE_FAILED' : 'PROVIDER_MISSING',
      `provider ${provider} must ${what} for "${graph.name}", it did not: ${reason}`,
      { hint, cause },
    );
  }
  const held = stays ? deviceState(program, create) : hostState(program);
  return running(program, session, held);
}

function running(
  program: Program,
  session: ort.InferenceSession,
  held: ReturnType<typeof hostState>,
): Compiled {
  const { graph, state } = program;
  const stateOutputs = new Set(state.map((s) => s.output.name));
  const results = graph.outputs.map((v) => v.name).filter((name) => !stateOutputs.has(name));
  const fed = fedInputs(program);
  return {
    async run(feeds: Feeds) {
      const { inputs, fetches } = held.bind();
      for (const value of fed) inputs[value.name] = toOrt(needFeed(graph, value, feeds[value.name]));
      for (const name of results) fetches[name] = null;
      const outputs = await session.run(inputs, fetches).catch((error) => {
        throw failed('ONNX Runtime', `"${graph.name}"`, error);
      });
      held.advance(outputs);
      return Object.fromEntries(results.map((name) => [name, fromOrt(outputs[name]!)]));
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
