import type * as ort from 'onnxruntime-node';
import type { Tensor, TensorData } from '../graph/graph.ts';
import type { Program } from './backend.ts';
import type { Reader } from './ort-reader.ts';
import { fromOrt, toOrt } from './ort-tensors.ts';
import { copyOf, needState, wantedResults } from './program-values.ts';

type Outputs = ort.InferenceSession.OnnxValueMapType;

/** The state of a program in ONNX Runtime, wherever it is kept. */
export interface HeldState {
  /** What the next run reads of it, and the outputs it is to give: the state that comes next, and the results wanted. */
  bind(wanted: readonly string[]): {
    inputs: Record<string, ort.Tensor>;
    fetches: Record<string, ort.Tensor | null>;
  };
  /** After a run: its results. */
  advance(outputs: Outputs, wanted: readonly string[]): Promise<Record<string, Tensor>>;
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
    bind: (wanted) => ({
      inputs: Object.fromEntries(state.map((s, i) => [s.input.name, current[i]!])),
      fetches: Object.fromEntries([
        ...state.map((s, i) => [s.output.name, spare[i]!] as const),
        ...wanted.map((name) => [name, null] as const),
      ]),
    }),
    async advance(outputs, wanted) {
      [current, spare] = [spare, current];
      return Object.fromEntries(wanted.map((name) => [name, fromOrt(outputs[name] as ort.Tensor)]));
    },
    async read(names) {
      return copies(program, names, (places) => places.map((i) => fromOrt(current[i]!)));
    },
    write(values) {
      for (const [i, tensor] of needState(program, values)) current[i] = toOrt(copyOf(tensor));
    },
    async dispose() {},
  };
}

/** The outputs that a program with `deviceState` leaves on the device: its state, and results until they are asked for. */
export function leftOnDevice({ graph, state }: Program): string[] {
  const own = new Set(state.map((s) => s.output.name));
  return graph.outputs
    .filter(({ name, dtype }) => own.has(name) || dtype === 'float32')
    .map(({ name }) => name);
}

/**
 * State on a device: what a run leaves there is what the next one reads. Results are left there as well, and read where they are
 * wanted: with outputs of both places ONNX Runtime wants every output to be fetched, and those on the host are waited for.
 */
export function deviceState(program: Program, reader: Reader): HeldState {
  const { state } = program;
  const results = wantedResults(program).map(({ name }) => name);
  const current: ort.Tensor[] = state.map((s) => toOrt(copyOf(s.initial)));
  const replace = (i: number, tensor: ort.Tensor) => {
    const before = current[i]!;
    current[i] = tensor;
    free(before);
  };
  return {
    bind: () => ({
      inputs: Object.fromEntries(state.map((s, i) => [s.input.name, current[i]!])),
      fetches: Object.fromEntries(
        [...state.map((s) => s.output.name), ...results].map((name) => [name, null]),
      ),
    }),
    async advance(outputs, wanted) {
      for (const [i, { output }] of state.entries()) replace(i, outputs[output.name] as ort.Tensor);
      try {
        const read = await reader.read(wanted.map((name) => outputs[name] as ort.Tensor));
        return Object.fromEntries(wanted.map((name, i) => [name, read[i]!]));
      } finally {
        for (const name of results) free(outputs[name] as ort.Tensor);
      }
    },
    read: (names) => copies(program, names, (places) => reader.read(places.map((i) => current[i]!))),
    write(values) {
      for (const [i, tensor] of needState(program, values)) replace(i, toOrt(copyOf(tensor)));
    },
    async dispose() {
      current.forEach(free);
      await reader.dispose();
    },
  };
}

function free(tensor: ort.Tensor): void {
  if (tensor.location !== 'cpu') tensor.dispose();
}

/** Copies of the state by name, all of it or the names given, from what reads the places asked for. */
async function copies(
  { state }: Program,
  names: readonly string[] | undefined,
  read: (places: number[]) => Tensor[] | Promise<Tensor[]>,
): Promise<Map<string, Tensor>> {
  const wanted = names && new Set(names);
  const places = state.flatMap((s, i) => (wanted && !wanted.has(s.name) ? [] : [i]));
  const found = await read(places);
  return new Map(
    places.map((place, i) => {
      const { name, initial } = state[place]!;
      return [name, { ...initial, data: found[i]!.data.slice() as TensorData }];
    }),
  );
}
