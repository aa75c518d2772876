import type { Graph, Tensor, Value } from '../graph/graph.ts';
import { showShape } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import type { Program, RunOptions } from './backend.ts';

/** The inputs of a program that are fed at each run: those that are not state. */
export function fedInputs({ graph, state }: Program): Value[] {
  const own = new Set(state.map((s) => s.input.name));
  return graph.inputs.filter((value) => !own.has(value.name));
}

/** The outputs of a program that a run returns: those that are not state, or of them the ones asked for. */
export function wantedResults({ graph, state }: Program, { results }: RunOptions = {}): Value[] {
  const kept = new Set(state.map((s) => s.output.name));
  return graph.outputs.filter(({ name }) => !kept.has(name) && (!results || results.includes(name)));
}

/** What is fed for `value`. Throws FEED_MISMATCH when it is missing, or of another type or shape than the graph says. */
export function needFeed(graph: Graph, value: Value, fed: Tensor | undefined): Tensor {
  const fits =
    fed?.shape.length === value.shape.length &&
    fed.shape.every((d, i) => typeof value.shape[i] !== 'number' || d === value.shape[i]);
  if (fed && fits && fed.dtype === value.dtype) return fed;
  const got = fed ? `${fed.dtype} ${showShape(fed.shape)}` : 'nothing';
  throw new GanletError(
    'FEED_MISMATCH',
    `input "${value.name}" of "${graph.name}" must be ${value.dtype} ${showShape(value.shape)}, got ${got}`,
  );
}

/**
 * Values for a program's state, each with the place of the state it replaces. Throws STATE_MISMATCH for a name or shape the
 * program does not have.
 */
export function needState(
  { state }: Program,
  values: ReadonlyMap<string, Tensor>,
): [place: number, Tensor][] {
  const index = new Map(state.map((s, i) => [s.name, i]));
  return [...values].map(([name, tensor]) => {
    const i = index.get(name);
    const initial = i === undefined ? undefined : state[i]!.initial;
    if (
      i === undefined ||
      tensor.data.length !== initial!.data.length ||
      String(initial!.shape) !== String(tensor.shape)
    ) {
      throw new GanletError(
        'STATE_MISMATCH',
        `state "${name}" must be ${initial ? showShape(initial.shape) : 'part of the program'}, got ${showShape(tensor.shape)}`,
      );
    }
    return [i, tensor];
  });
}

/** The same tensor with contents of its own. */
export function copyOf(tensor: Tensor): Tensor {
  return { ...tensor, data: tensor.data.slice() } as Tensor;
}
