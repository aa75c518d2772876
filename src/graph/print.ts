import type { Attribute, Graph, Tensor, Value } from './graph.ts';
import { showShape } from './graph.ts';

/**
 * A readable listing, one line a node, for snapshots and for `--debug`:
 *
 *     graph relu(x: float32[batch, 3])
 *       %y float32[batch, 3] = Relu(%x)
 *     return %y
 */
export function printGraph(graph: Graph): string {
  const inputs = graph.inputs.map((v) => `${v.name}: ${showType(v)}`).join(', ');
  const lines = [`graph ${graph.name}(${inputs})`];
  for (const node of graph.nodes) {
    const outputs = node.outputs.map((y) => `%${y.name} ${showType(y)}`).join(', ');
    const args = node.inputs.map((x) => (x ? showValue(x) : '-')).join(', ');
    const attributes = Object.entries(node.attributes).map(([k, v]) => `${k}=${showAttribute(v)}`);
    lines.push(
      `  ${outputs} = ${node.op}(${args})${attributes.length > 0 ? ` {${attributes.join(', ')}}` : ''}`,
    );
  }
  lines.push(`return ${graph.outputs.map((v) => `%${v.name}`).join(', ')}`);
  return lines.join('\n');
}

function showType(v: Value): string {
  return v.dtype + showShape(v.shape);
}

function showValue(v: Value): string {
  if (!v.tensor) return `%${v.name}`;
  if (v.tensor.data.length <= 8) return showTensor(v.tensor);
  return `@${v.name} ${showType(v)}`;
}

function showTensor(t: Tensor): string {
  const items = Array.from(t.data as Iterable<number | bigint>, (x) => String(x)).join(', ');
  return t.shape.length === 0 ? items : `[${items}]`;
}

function showAttribute(a: Attribute): string {
  if (typeof a === 'object' && 'dtype' in a)
    return a.data.length <= 8 ? showTensor(a) : `${a.dtype}${showShape(a.shape)}`;
  return JSON.stringify(a);
}
