import { float32, type Graph, type Node, type Value } from '../graph/graph.ts';
import { prune } from '../graph/prune.ts';
import { declareInputs } from '../models/generator-inputs.ts';
import { add, cast } from '../ops/elementwise.ts';
import { squeeze, unsqueeze } from '../ops/layout.ts';
import { matMul } from '../ops/matmul.ts';
import { num } from '../ops/op.ts';
import { copyGraph } from './copy.ts';

/**
 * A generator whose class is given as a number (an integer input [batch] or [batch, 1], as embeddings want it), with a one-hot
 * input [batch, K] of the same name in its place, as all class networks of the toolkit have. A table that is looked up by the
 * class (Gather) becomes the second factor of a matrix product, so that it can be trained and narrowed; whatever else reads the
 * number gets it computed from the one-hot vector. `classes` is K; left out, it is the rows of those tables. Returns the network
 * itself where there is no such input, or no telling K.
 */
export function adaptClassInput(graph: Graph, classes?: number): Graph {
  const index = graph.inputs.find(isIndex);
  if (!index) return graph;
  const tables = graph.nodes.filter((node) => isTable(node, index));
  const heights = tables.map((node) => node.inputs[0]!.tensor!.shape[0]!);
  const rows = classes ?? heights[0];
  if (rows === undefined || heights.some((height) => height !== rows)) return graph;

  let oneHot: Value | undefined;
  const adapted = copyGraph(graph, {
    input(given, target) {
      if (given !== index) return target.input(given.name, given.dtype, given.shape);
      oneHot = target.input(given.name, 'float32', [given.shape[0]!, rows]);
      return target.scoped('class', () => numberOf(oneHot!, given));
    },
    node(node, inputs) {
      if (!isTable(node, index)) return undefined;
      const table = inputs[0]!;
      const found = oneHot!.graph.scoped(node.name, () => matMul(oneHot!, table));
      const [y] = node.outputs;
      const shaped = index.shape.length === 2 ? unsqueeze(found, [1]) : found;
      return [y!.name.startsWith(`${node.name}:`) ? shaped : oneHot!.graph.named(shaped, y!.name)];
    },
  });
  return prune(declareInputs(adapted, { [index.name]: 'class' }));
}

/** An integer for each picture. */
function isIndex({ dtype, shape }: Value): boolean {
  const integer = dtype === 'int64' || dtype === 'int32';
  return integer && (shape.length === 1 || (shape.length === 2 && shape[1] === 1));
}

/** Whether a node looks up rows of a constant table by the class. */
function isTable(node: Node, index: Value): boolean {
  const [table, at] = node.inputs;
  return (
    node.op === 'Gather' &&
    at === index &&
    table?.tensor?.shape.length === 2 &&
    table.dtype === 'float32' &&
    num(node.attributes, 'axis', 0) === 0
  );
}

/** The number of the class, of the type and shape of the input that gave it. */
function numberOf(oneHot: Value, { dtype, shape }: Value): Value {
  const { graph } = oneHot;
  const rows = oneHot.shape[1] as number;
  const numbers = graph.constant(
    float32(
      [rows, 1],
      Array.from({ length: rows }, (_, k) => k),
    ),
    'class/numbers',
  );
  const found = cast(add(matMul(oneHot, numbers), 0.5), dtype);
  return shape.length === 2 ? found : squeeze(found, [1]);
}
