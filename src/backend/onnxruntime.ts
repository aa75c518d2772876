import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import type { DType, Tensor, TensorData } from '../graph/graph.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import { GanletError } from '../util/errors.ts';
import type { Backend, Compiled, Feeds, Program } from './backend.ts';
import { failed } from './failure.ts';
import { copyOf, fedInputs, needFeed, needState } from './program-values.ts';

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
  const bytes = encodeOnnx(graph);
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(bytes, {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 4,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
    const { what, hint } = needs[provider];
    throw new GanletError(
      provider === 'cpu' ? 'COMPILE_FAILED' : 'PROVIDER_MISSING',
      `provider ${provider} must ${what} for "${graph.name}", it did not: ${reason}`,
      { hint, cause },
    );
  }
  return resident(program, session, new Set(state.map((s) => s.output.name)));
}

/** State in two sets of buffers: a run reads one and writes the other, then they change places. */
function resident(
  program: Program,
  session: ort.InferenceSession,
  stateOutputs: ReadonlySet<string>,
): Compiled {
  const { graph, state } = program;
  let current = state.map((s) => toOrt(copyOf(s.initial)));
  let spare = state.map((s) => toOrt(copyOf(s.initial)));
  const results = graph.outputs.map((v) => v.name).filter((name) => !stateOutputs.has(name));
  const fed = fedInputs(program);

  return {
    async run(feeds: Feeds) {
      const inputs: Record<string, ort.Tensor> = {};
      for (const value of fed) inputs[value.name] = toOrt(needFeed(graph, value, feeds[value.name]));
      const fetches: Record<string, ort.Tensor | null> = {};
      for (const [i, s] of state.entries()) {
        inputs[s.input.name] = current[i]!;
        fetches[s.output.name] = spare[i]!;
      }
      for (const name of results) fetches[name] = null;
      const outputs = await session.run(inputs, fetches).catch((error) => {
        throw failed('ONNX Runtime', `"${graph.name}"`, error);
      });
      [current, spare] = [spare, current];
      return Object.fromEntries(results.map((name) => [name, fromOrt(outputs[name]!)]));
    },
    async readState(names) {
      const wanted = names ? new Set(names) : undefined;
      const found = new Map<string, Tensor>();
      for (const [i, s] of state.entries()) {
        if (wanted && !wanted.has(s.name)) continue;
        const { data } = fromOrt(current[i]!);
        found.set(s.name, { ...s.initial, data: data.slice() as TensorData });
      }
      return found;
    },
    async writeState(values) {
      for (const [i, tensor] of needState(program, values)) current[i] = toOrt(copyOf(tensor));
    },
    async dispose() {
      await session.release();
    },
  };
}

const ortTypes: Record<DType, ort.Tensor.Type> = {
  float32: 'float32',
  float64: 'float64',
  float16: 'float16',
  int64: 'int64',
  int32: 'int32',
  int8: 'int8',
  uint8: 'uint8',
  bool: 'bool',
};

function toOrt(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(ortTypes[tensor.dtype] as 'float32', tensor.data as Float32Array, [...tensor.shape]);
}

function fromOrt(tensor: ort.Tensor): Tensor {
  return { dtype: tensor.type as DType, shape: tensor.dims, data: tensor.data as TensorData };
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
