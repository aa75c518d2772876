import { type Graph, isStatic, type Node, showShape, type TensorType } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { findOp } from './index.ts';

/**
 * Infers every node's output types anew and compares them with what the graph says: types and ranks must be equal, and
 * dimensions too where both are numbers. Run beside `checkGraph` after transformations, in tests and under `--debug`.
 * Throws OP_UNSUPPORTED for an unknown operator, TYPE_MISMATCH naming the node, or what inference throws.
 */
export function checkTypes(graph: Graph): void {
  for (const node of graph.nodes) {
    const op = findOp(node.op);
    if (!op)
      throw new GanletError('OP_UNSUPPORTED', `operator ${node.op} (node "${node.name}") is not supported`);
    const types = op.infer(node);
    for (const [i, value] of node.outputs.entries()) {
      const type = types[i];
      if (!type || !agree(type, value)) throw mismatch(node, i, type);
    }
  }
}

function agree(a: TensorType, b: TensorType): boolean {
  if (a.dtype !== b.dtype || a.shape.length !== b.shape.length) return false;
  return a.shape.every((d, k) => !isStatic([d, b.shape[k]!]) || d === b.shape[k]);
}

function mismatch(node: Node, i: number, type: TensorType | undefined): GanletError {
  const { dtype, shape, name } = node.outputs[i]!;
  const expected = type ? `${type.dtype} ${showShape(type.shape)}` : 'absent';
  return new GanletError(
    'TYPE_MISMATCH',
    `output "${name}" of ${node.op} "${node.name}" must be ${expected}, the graph says ${dtype} ${showShape(shape)}`,
  );
}
