import type * as ort from 'onnxruntime-node';
import { Graph, type Tensor, type TensorData } from '../graph/graph.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import { identity } from '../ops/elementwise.ts';
import type { Program } from './backend.ts';
import { fromOrt, toOrt } from './ort-tensors.ts';
import { copyOf, needState } from './program-values.ts';

/** The state of a program in ONNX Runtime, wherever it is kept. */
export interface HeldState {
  /** What the next run reads of it, and where it puts what comes next. */
  bind(): { inputs: Record<string, ort.Tensor>; fetches: Record<string, ort.Tensor | null> };
  /** After a run. */
  advance(outputs: ort.InferenceSession.OnnxValueMapType): void;
  read(names?: readonly string[]): Promise<Map<string, Tensor>>;
  /** Throws STATE_MISMATCH. */
  write(values: ReadonlyMap<string, Tensor>): void;
  dispose(): Promise<void>;
}

/** State on the host, in two sets of buffers: a run reads one and writes the other, then they change places. */
export function hostState(program: Program): HeldState {
  const { state } = program;
  let current = state.map((s) => toOrt(copyOf(s.initial)));
  let spare = state.map((s) => toOrt(copyOf(s.initial)));
  return {
    bind: () => ({
      inputs: Object.fromEntries(state.map((s, i) => [s.input.name, current[i]!])),
      fetches: Object.fromEntries(state.map((s, i) => [s.output.name, spare[i]!])),
    }),
    advance() {
      [current, spare] = [spare, current];
    },
    async read(names) {
      return copies(program, names, (i) => current[i]!);
    },
    write(values) {
      for (const [i, tensor] of needState(program, values)) current[i] = toOrt(copyOf(tensor));
    },
    async dispose() {},
  };
}

/**
 * State on a device: what a run leaves there is what the next one reads. It is read back by a program of its own that copies it to
 * the host, since asking a tensor on the device for its numbers ends the process (onnxruntime-node 1.30).
 */
export function deviceState(
  program: Program,
  create: (bytes: Uint8Array) => Promise<ort.InferenceSession>,
): HeldState {
  const { state } = program;
  const current: ort.Tensor[] = state.map((s) => toOrt(copyOf(s.initial)));
  const replace = (i: number, tensor: ort.Tensor) => {
    const before = current[i]!;
    current[i] = tensor;
    if (before.location !== 'cpu') before.dispose();
  };
  const readers = new Map<string, Promise<ort.InferenceSession>>();
  const readerOf = (places: readonly number[]) => {
    const key = places.join();
    const known = readers.get(key) ?? create(copyingGraph(program, places));
    readers.set(key, known);
    return known;
  };
  return {
    bind: () => ({
      inputs: Object.fromEntries(state.map((s, i) => [s.input.name, current[i]!])),
      fetches: Object.fromEntries(state.map((s) => [s.output.name, null])),
    }),
    advance(outputs) {
      for (const [i, { output }] of state.entries()) replace(i, outputs[output.name] as ort.Tensor);
    },
    async read(names) {
      const wanted = names && new Set(names);
      const there = state.flatMap(({ name }, i) =>
        current[i]!.location !== 'cpu' && (!wanted || wanted.has(name)) ? [i] : [],
      );
      const found = new Map<number, ort.Tensor>();
      if (there.length > 0) {
        const reader = await readerOf(there);
        const fed = Object.fromEntries(there.map((i) => [`s${i}`, current[i]!]));
        const read = await reader.run(fed);
        for (const i of there) found.set(i, read[`c${i}`] as ort.Tensor);
      }
      return copies(program, names, (i) => found.get(i) ?? current[i]!);
    },
    write(values) {
      for (const [i, tensor] of needState(program, values)) replace(i, toOrt(copyOf(tensor)));
    },
    async dispose() {
      for (const tensor of current) if (tensor.location !== 'cpu') tensor.dispose();
      for (const reader of readers.values()) await (await reader).release();
    },
  };
}

function copyingGraph({ state }: Program, places: readonly number[]): Uint8Array {
  const graph = new Graph('read-state');
  for (const i of places) {
    const { initial } = state[i]!;
    graph.output(identity(graph.input(`s${i}`, initial.dtype, initial.shape)), `c${i}`);
  }
  return encodeOnnx(graph);
}

function copies(
  { state }: Program,
  names: readonly string[] | undefined,
  at: (place: number) => ort.Tensor,
): Map<string, Tensor> {
  const wanted = names && new Set(names);
  return new Map(
    state.flatMap((s, i) => {
      if (wanted && !wanted.has(s.name)) return [];
      const { data } = fromOrt(at(i));
      return [[s.name, { ...s.initial, data: data.slice() as TensorData }] as const];
    }),
  );
}
