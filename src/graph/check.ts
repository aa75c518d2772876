import { GanletError } from '../util/errors.ts';
import type { Graph, Value } from './graph.ts';

/**
 * Checks that a graph is well formed: names unique, every value used belongs to it and is known before its use, constants
 * hold as many elements as their shape says, outputs exist. Run after every transformation in tests, and under `--debug`.
 * Throws GRAPH_INVALID naming the node or value.
 */
export function checkGraph(graph: Graph): void {
  const fail = (message: string): never => {
    throw new GanletError('GRAPH_INVALID', `graph "${graph.name}": ${message}`);
  };
  const known = new Map<string, Value>();
  const define = (value: Value, where: string) => {
    if (value.graph !== graph) fail(`${where} "${value.name}" belongs to graph "${value.graph.name}"`);
    if (value.name === '') fail(`${where} must have a name`);
    if (known.has(value.name)) fail(`the name "${value.name}" is used twice`);
    known.set(value.name, value);
  };
  for (const value of graph.inputs) define(value, 'input');
  for (const [name, value] of graph.constants) {
    if (name !== value.name) fail(`constant "${value.name}" is filed under "${name}"`);
    define(value, 'constant');
    const tensor = value.tensor;
    const count = tensor?.shape.reduce((a, b) => a * b, 1);
    if (!tensor || tensor.data.length !== count)
      fail(`constant "${name}" must hold ${count} elements, it holds ${tensor?.data.length}`);
  }
  const nodeNames = new Set<string>();
  for (const node of graph.nodes) {
    if (nodeNames.has(node.name)) fail(`the node name "${node.name}" is used twice`);
    nodeNames.add(node.name);
    for (const x of node.inputs) {
      if (x && known.get(x.name) !== x)
        fail(`node "${node.name}" (${node.op}) uses "${x.name}" before it is defined`);
    }
    for (const y of node.outputs) {
      define(y, `output of node "${node.name}"`);
      if (y.node !== node) fail(`value "${y.name}" must point back to node "${node.name}"`);
    }
  }
  for (const value of graph.outputs) {
    if (known.get(value.name) !== value) fail(`output "${value.name}" is not computed`);
  }
}
