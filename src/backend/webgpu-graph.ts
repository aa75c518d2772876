import { Graph } from '../graph/graph.ts';
import { identity } from '../ops/elementwise.ts';
import { inline } from '../ops/inline.ts';
import { webgpuFaults } from './webgpu-faults.ts';

/** A graph to be run in the place of another. */
export interface Prepared {
  readonly graph: Graph;
  /** Names of nodes that the CPU is to compute. */
  readonly onCpu: readonly string[];
}

/** The same graph for the WebGPU provider of ONNX Runtime, without what that computes wrongly or not at all (see `webgpuFaults`). */
export function forWebgpu(graph: Graph): Prepared {
  const instead = webgpuFaults.filter((fault) => fault.instead);
  const rewritten = graph.nodes.some((node) => instead.some((fault) => fault.has(node)))
    ? rewrite(graph, instead)
    : graph;
  const left = webgpuFaults.filter((fault) => !fault.instead);
  const onCpu = rewritten.nodes.filter((node) => left.some((fault) => fault.has(node)));
  return { graph: rewritten, onCpu: onCpu.map((node) => node.name) };
}

function rewrite(graph: Graph, faults: typeof webgpuFaults): Graph {
  const target = new Graph(graph.name);
  const inputs = Object.fromEntries(
    graph.inputs.map(({ name, dtype, shape }) => [name, target.input(name, dtype, shape)]),
  );
  const { outputs } = inline(target, graph, {
    inputs,
    prefix: 'webgpu',
    lower(node, given) {
      const fault = faults.find((one) => one.has(node));
      return fault && target.scoped(node.name, () => fault.instead!(node, given));
    },
  });
  const named = new Set<unknown>(target.inputs);
  for (const [i, { name }] of graph.outputs.entries()) {
    const value = outputs[i]!;
    const own = named.has(value) || value.tensor ? identity(value) : value;
    named.add(own);
    target.output(own, name);
  }
  return target;
}
