import { Graph, type Node } from '../graph/graph.ts';
import { Conv } from '../ops/conv.ts';
import { identity } from '../ops/elementwise.ts';
import { inline } from '../ops/inline.ts';
import { emit, num } from '../ops/op.ts';
import { pad } from '../ops/window.ts';

/**
 * The same graph for the WebGPU provider of ONNX Runtime. That (1.30) computes a convolution wrongly whose kernel has more than one
 * pixel, whose input channels are a multiple of 3 above 3 but none of 4, and whose output channels are a multiple of 4, as the
 * first one of a discriminator of image and condition is: such inputs and kernels get channels of zeros up to a multiple of 4.
 * Input channels known only at run time are left as they are. Returns the graph itself where it has no such convolution.
 */
export function forWebgpu(graph: Graph): Graph {
  if (!graph.nodes.some((node) => missing(node) > 0)) return graph;
  const target = new Graph(graph.name);
  const inputs = Object.fromEntries(
    graph.inputs.map(({ name, dtype, shape }) => [name, target.input(name, dtype, shape)]),
  );
  const { outputs } = inline(target, graph, {
    inputs,
    prefix: 'webgpu',
    lower(node, [x, w, bias]) {
      const more = missing(node);
      if (more === 0 || !x || !w) return undefined;
      const zeros = [0, 0, 0, 0, 0, more, 0, 0];
      return target.scoped(node.name, () => [
        emit(Conv, [pad(x, zeros), pad(w, zeros), bias ?? null], { ...node.attributes }),
      ]);
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

/** Channels that an input lacks; 0 where the node is computed rightly. */
function missing(node: Node): number {
  const [x, w] = node.inputs;
  if (node.op !== 'Conv' || x?.shape.length !== 4 || num(node.attributes, 'group', 1) !== 1) return 0;
  const [into, out, kernel] = [x.shape[1], w!.shape[0], w!.shape.slice(2)];
  if (typeof into !== 'number' || typeof out !== 'number' || kernel.every((side) => side === 1)) return 0;
  return into > 3 && into % 3 === 0 && into % 4 !== 0 && out % 4 === 0 ? 4 - (into % 4) : 0;
}
