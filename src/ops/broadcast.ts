import type { Dim } from '../graph/graph.ts';
import { showShape } from '../graph/graph.ts';
import type { NodeView } from './op.ts';
import { shapeError } from './op.ts';

/** NumPy broadcasting of shapes. A symbol against a number above 1 gives the number; two symbols are taken as equal. */
export function broadcastShapes(view: NodeView, shapes: readonly (readonly Dim[])[]): Dim[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out: Dim[] = new Array(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const at = rank - shape.length + i;
      const a = out[at]!;
      const b = shape[i]!;
      if (a === 1 || a === b) out[at] = b;
      else if (b === 1) continue;
      else if (typeof a === 'number' && typeof b === 'number')
        throw shapeError(view, `shapes ${shapes.map(showShape).join(' and ')} must broadcast`);
      else if (typeof b === 'number') out[at] = b;
    }
  }
  return out;
}
