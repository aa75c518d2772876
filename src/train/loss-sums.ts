import type { Compiled, Program } from '../backend/backend.ts';
import { copyGraph } from '../compress/copy.ts';
import { float32, type Tensor, type Value } from '../graph/graph.ts';
import { add } from '../ops/elementwise.ts';
import { reshape } from '../ops/layout.ts';
import { concat } from '../ops/segments.ts';

/** A program that adds up its own losses. */
export interface Summing {
  readonly program: Program;
  /** Adds what the device has added up since `clear` to the sums of `before`; changes nothing. */
  sums(
    readState: Compiled['readState'],
    before: Readonly<Record<string, number>>,
  ): Promise<Record<string, number>>;
  clear(compiled: Compiled): Promise<void>;
}

/** Name of the state that holds the sums. */
const held = 'losses/sums';

/**
 * The program with one more state: the sums of those of `losses` that it has, in single precision. On a device each result that is
 * asked for waits for all that was asked before; so the sums of many steps cost what those of one would. A loss that was not
 * finite in any step leaves a sum that is not. All other state is as without it.
 */
export function summing({ graph, state }: Program, losses: readonly string[]): Summing {
  const copy = copyGraph(graph);
  const byName = new Map([...copy.inputs, ...copy.outputs].map((value) => [value.name, value]));
  const find = ({ name }: Value) => byName.get(name)!;
  const summed = losses.filter((name) => copy.outputs.some((value) => value.name === name));
  if (summed.length === 0)
    return { program: { graph, state }, sums: async (_, before) => ({ ...before }), clear: async () => {} };
  const shape = [summed.length];
  const input = copy.input(held, 'float32', shape);
  const latest = concat(
    summed.map((name) => reshape(byName.get(name)!, [1])),
    0,
  );
  const output = copy.output(add(input, latest), `${held}/next`);
  const nothing = () => new Map([[held, float32(shape, new Float32Array(summed.length))]]);
  return {
    program: {
      graph: copy,
      state: [
        ...state.map((s) => ({ ...s, input: find(s.input), output: find(s.output) })),
        { name: held, input, output, initial: nothing().get(held) as Tensor },
      ],
    },
    async sums(readState, before) {
      const { data } = (await readState([held])).get(held)!;
      return Object.fromEntries(
        summed.map((name, i) => [name, (before[name] ?? 0) + (data[i] as number)] as const),
      );
    },
    clear: (compiled) => compiled.writeState(nothing()),
  };
}
