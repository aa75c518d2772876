import { float32, type Graph, type Node, type Value } from '../graph/graph.ts';
import { num } from '../ops/op.ts';
import { copyGraph, copyNode, internConstant } from './copy.ts';
import { layerName } from './weights.ts';

/**
 * A network whose frozen batch norms (running statistics, as in inference) are merged into the convolutions before them:
 * W′ = W·γ/√(σ² + ε), b′ = (b − μ)·γ/√(σ² + ε) + β for each filter. It computes the same with fewer nodes; the convolution's
 * result has the name the norm's had. Norms that follow something else, or a convolution that others read too, stay, and so do
 * those of convolutions whose results are among `keep`, by name.
 */
export function foldBatchNorm(graph: Graph, keep: Iterable<string> = []): Graph {
  const norms = foldable(graph, new Set(keep));
  const folded = new Set(norms.values());
  return copyGraph(graph, {
    node(node, inputs, target) {
      // The convolution has computed it already.
      if (folded.has(node)) return [inputs[0]!];
      const norm = norms.get(node);
      if (!norm) return undefined;
      const { weight, bias } = merged(node, norm);
      const w = node.inputs[1]!;
      const b = node.inputs[2]?.name ?? `${layerName(w.name)}.bias`;
      const [y] = copyNode(target, node, [
        inputs[0]!,
        internConstant(target, w.name, weight),
        internConstant(target, b, bias),
      ]) as [Value];
      return [target.named(y, norm.outputs[0]!.name)];
    },
  });
}

/** Each convolution with the norm that follows it. */
function foldable(graph: Graph, keep: ReadonlySet<string>): Map<Node, Node> {
  const readers = new Map<Value, number>();
  for (const node of graph.nodes)
    for (const x of node.inputs) if (x) readers.set(x, (readers.get(x) ?? 0) + 1);
  const found = new Map<Node, Node>();
  for (const norm of graph.nodes) {
    const [x, ...statistics] = norm.inputs;
    const conv = x?.node;
    if (norm.op !== 'BatchNormalization' || !conv || !/^Conv(Transpose)?$/.test(conv.op)) continue;
    const [, weight, bias] = conv.inputs;
    const constants = [weight, ...(bias ? [bias] : []), ...statistics];
    if (!constants.every((c) => c?.tensor && c.dtype === 'float32')) continue;
    if (readers.get(x!) === 1 && !graph.outputs.includes(x!) && !keep.has(x!.name)) found.set(conv, norm);
  }
  return found;
}

function merged(conv: Node, norm: Node) {
  const [gamma, beta, mean, variance] = norm.inputs.slice(1).map((x) => x!.tensor!.data as Float32Array);
  const epsilon = num(norm.attributes, 'epsilon', 1e-5);
  const { shape, data } = conv.inputs[1]!.tensor!;
  const scale = Float64Array.from(gamma!, (g, o) => g / Math.sqrt(variance![o]! + epsilon));
  const given = conv.inputs[2]?.tensor?.data as Float32Array | undefined;
  const bias = Float32Array.from(scale, (s, o) => ((given?.[o] ?? 0) - mean![o]!) * s + beta![o]!);

  const [rows, columns] = shape as [number, number];
  const taps = data.length / (rows * columns);
  const perGroup = rows / num(conv.attributes, 'group', 1);
  const filterOf = (row: number, column: number) =>
    conv.op === 'Conv' ? row : Math.floor(row / perGroup) * columns + column;
  const weight = Float32Array.from(data as Float32Array, (w, i) => {
    const pair = Math.floor(i / taps);
    return w * scale[filterOf(Math.floor(pair / columns), pair % columns)]!;
  });
  return { weight: float32(shape, weight), bias: float32([scale.length], bias) };
}
