import type { Node, Tensor, Value } from '../../graph/graph.ts';
import { GanletError } from '../../util/errors.ts';
import type { Compiled, Feeds, Program, RunOptions } from '../backend.ts';
import { copyOf, fedInputs, needFeed, needState, wantedResults } from '../program-values.ts';
import { download, freeItem, fromTensor, type Item, share, sizeOfShape, type Tf } from './item.ts';
import { findKernel } from './kernels.ts';
import { runNode } from './run-node.ts';

type Items = Map<Value, Item>;

/**
 * A program that is interpreted node by node. Constants, and what depends on nothing else, are computed and put on the device
 * once; other values are freed behind their last use; state stays on the device. Throws KERNEL_MISSING for an operator that
 * has no kernel.
 */
export function interpret(tf: Tf, program: Program): Compiled {
  const { graph, state } = program;
  for (const { op, name } of graph.nodes) if (!findKernel(op)) throw kernelMissing(op, name);
  const fed = fedInputs(program);
  const constants: Items = new Map(
    [...graph.constants.values()].map((value) => [value, fromTensor(value.tensor!)]),
  );
  let nodes: readonly Node[] | undefined;
  let lasts: ReadonlyMap<Node, readonly Value[]> = new Map();
  let current = state.map((s) => fromTensor(copyOf(s.initial)));

  return {
    async run(feeds: Feeds, options?: RunOptions) {
      if (!nodes) {
        nodes = computedOnce(tf, graph.nodes, new Set(graph.inputs), constants);
        lasts = lastUses(nodes, new Set(graph.outputs));
        freeUnused(constants, nodes);
      }
      const values: Items = new Map(
        fed.map((value) => [value, fromTensor(needFeed(graph, value, feeds[value.name]))]),
      );
      const kept: Items = new Map(state.map((s, i) => [s.input, current[i]!]));
      const find = (value: Value) => (values.get(value) ?? kept.get(value) ?? constants.get(value))!;
      try {
        for (const node of nodes) {
          const outputs = runNode(
            tf,
            node,
            node.inputs.map((value) => value && find(value)),
          );
          for (const [i, value] of node.outputs.entries()) values.set(value, outputs[i]!);
          for (const value of lasts.get(node) ?? []) free(values, value);
        }
        const results = wantedResults(program, options);
        const read = await Promise.all(results.map((value) => download(tf, find(value))));
        const next = state.map((s) => share(find(s.output)));
        current.forEach(freeItem);
        current = next;
        return Object.fromEntries(results.map((value, i) => [value.name, read[i]!]));
      } finally {
        for (const item of values.values()) freeItem(item);
      }
    },
    async readState(names) {
      const wanted = names && new Set(names);
      const found = new Map<string, Tensor>();
      for (const [i, s] of state.entries()) {
        if (wanted && !wanted.has(s.name)) continue;
        const copy = share(current[i]!);
        found.set(s.name, { ...(await download(tf, copy)), shape: s.initial.shape } as Tensor);
        freeItem(copy);
      }
      return found;
    },
    async writeState(values) {
      for (const [i, tensor] of needState(program, values)) {
        freeItem(current[i]!);
        current[i] = fromTensor(copyOf(tensor));
      }
    },
    async dispose() {
      for (const item of [...constants.values(), ...current]) freeItem(item);
    },
  };
}

function kernelMissing(op: string, name: string): GanletError {
  return new GanletError(
    'KERNEL_MISSING',
    `every operator must have a TensorFlow.js kernel, ${op} (node "${name}") has none`,
    { hint: 'use --backend onnxruntime' },
  );
}

/** Results larger than this, and than what they are made of, are not worth keeping. */
const worthKeeping = 4096;

/**
 * Computes every node that depends on constants only and files its outputs among them. Returns the others, which are to be run
 * each time: they depend on an input, or spread out something small.
 */
function computedOnce(
  tf: Tf,
  nodes: readonly Node[],
  inputs: ReadonlySet<Value>,
  constants: Items,
): readonly Node[] {
  const varying = new Set(inputs);
  return nodes.filter((node) => {
    const given = node.inputs.filter((value) => value !== null);
    const outputs = given.some((value) => varying.has(value))
      ? undefined
      : runNode(
          tf,
          node,
          node.inputs.map((value) => value && constants.get(value)!),
        );
    const small =
      outputs && sizeOf(outputs) <= Math.max(sizeOf(given.map((v) => constants.get(v)!)), worthKeeping);
    for (const [i, value] of node.outputs.entries()) {
      if (small) constants.set(value, outputs[i]!);
      else varying.add(value);
    }
    if (outputs && !small) outputs.forEach(freeItem);
    return !small;
  });
}

function sizeOf(items: readonly Item[]): number {
  return items.reduce((total, { shape }) => total + sizeOfShape(shape), 0);
}

/** The values that are not needed behind each node, among them outputs that nobody uses. */
function lastUses(nodes: readonly Node[], outputs: ReadonlySet<Value>): Map<Node, Value[]> {
  const last = new Map<Value, Node>();
  for (const node of nodes) {
    for (const value of [...node.inputs, ...node.outputs])
      if (value && !outputs.has(value)) last.set(value, node);
  }
  const found = new Map<Node, Value[]>();
  for (const [value, node] of last) {
    const values = found.get(node);
    if (values) values.push(value);
    else found.set(node, [value]);
  }
  return found;
}

function free(values: Items, value: Value): void {
  const item = values.get(value);
  if (!item) return;
  freeItem(item);
  values.delete(value);
}

/** Takes constants off the device that were only needed for others. */
function freeUnused(constants: Items, nodes: readonly Node[]): void {
  const used = new Set(nodes.flatMap((node) => node.inputs));
  for (const [value, item] of constants) if (!used.has(value)) freeItem(item);
}
