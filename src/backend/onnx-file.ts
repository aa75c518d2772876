import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import { GanletError } from '../util/errors.ts';
import { exists } from '../util/exists.ts';
import type { Provider } from './onnxruntime.ts';

/** An input or output as the file declares it; a size that is open is a name or -1. */
export interface FileValue {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | string)[];
}

/** Numbers and their sizes, row-major. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A network that runs as it lies in its file. */
export interface OnnxFile {
  readonly inputs: readonly FileValue[];
  readonly outputs: readonly FileValue[];
  /** Float32 in, float32 out: the outputs of the given names. Throws RUN_FAILED naming the file. */
  run(
    feeds: Readonly<Record<string, FloatTensor>>,
    wanted: readonly string[],
  ): Promise<Record<string, Float32Array>>;
  dispose(): Promise<void>;
}

/**
 * Opens an ONNX file as ONNX Runtime reads it, so with every operator it knows; `loadOnnx` is for networks to be taken apart or
 * differentiated. `threads` 0 means all cores. Throws FILE_MISSING, and ONNX_INVALID for what the engine does not take.
 */
export async function openOnnxFile(
  path: string,
  { provider = 'cpu', threads = 0 }: { provider?: Provider; threads?: number } = {},
): Promise<OnnxFile> {
  if (!exists(path)) throw new GanletError('FILE_MISSING', `${path} must be an ONNX file, there is none`);
  const cores = availableParallelism();
  const session = await ort.InferenceSession.create(path, {
    executionProviders: [provider],
    intraOpNumThreads: Math.min(threads > 0 ? threads : cores, cores),
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
  }).catch((cause) => {
    throw new GanletError(
      'ONNX_INVALID',
      `${path} must be a network that runs, it is not: ${reason(cause)}`,
      {
        hint: 'the file may be cut short or damaged: bring it here again',
        cause,
      },
    );
  });
  return {
    inputs: session.inputMetadata.map(described),
    outputs: session.outputMetadata.map(described),
    async run(feeds, wanted) {
      const inputs = Object.fromEntries(
        Object.entries(feeds).map(([name, { data, shape }]) => [
          name,
          new ort.Tensor('float32', data, [...shape]),
        ]),
      );
      const found = await session.run(inputs, [...wanted]).catch((cause) => {
        throw new GanletError('RUN_FAILED', `${path} must run, it did not: ${reason(cause)}`, { cause });
      });
      return Object.fromEntries(wanted.map((name) => [name, found[name]!.data as Float32Array]));
    },
    dispose: () => session.release(),
  };
}

function described(value: ort.InferenceSession.ValueMetadata): FileValue {
  return value.isTensor
    ? { name: value.name, dtype: value.type, shape: value.shape }
    : { name: value.name, dtype: 'no tensor', shape: [] };
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
}
