import type { Graph, Node } from '../graph/graph.ts';
import { inputSymbols, staticShape } from '../ops/cost.ts';
import { nearest } from '../recipe/nearest.ts';
import type { StudentConfig } from '../recipe/schema.ts';
import { GanletError } from '../util/errors.ts';
import { separableConvolutions } from './separable.ts';
import { layerOf } from './weights.ts';

/** Which dense convolutions of a teacher become separable in its student: none, those of `separate`, or chosen ones. */
export type Separation = boolean | ((node: Node) => boolean);

/**
 * What `student.separable` says of a teacher: `auto` is true where `separate` finds something to do; a list names layers as
 * `ganlet inspect` does. `size` is the side of the images in pixels. Throws STUDENT_INVALID for a name that is not that of a dense
 * k×k convolution, or of one that makes a single pixel, of which the norm between the halves would leave nothing.
 */
export function separationOf(
  teacher: Graph,
  separable: StudentConfig['separable'],
  size: number,
): Separation {
  if (typeof separable === 'boolean') return separable;
  if (separable === 'auto') return separableConvolutions(teacher).size > 0;
  const dense = new Map(
    [...separableConvolutions(teacher, () => true).keys()].map((node) => [
      layerOf(node, node.inputs[1]!.name),
      node,
    ]),
  );
  const symbols = inputSymbols(teacher, { size });
  for (const name of separable) {
    const node = dense.get(name);
    if (!node) throw unknown(name, [...dense.keys()]);
    const pixels = staticShape(node.outputs[0]!, symbols).slice(2);
    if (pixels.every((side) => side === 1))
      throw invalid(
        `student.separable must not name "${name}": it makes a single pixel at ${size} px, of which the norm between its halves leaves nothing`,
        'leave it out of the list',
      );
  }
  const chosen = new Set(separable.map((name) => dense.get(name)!));
  return (node) => chosen.has(node);
}

function unknown(name: string, dense: readonly string[]): GanletError {
  const meant = nearest(name, dense);
  const known = dense.length > 0 ? `it has ${dense.join(', ')}` : 'it has none';
  return invalid(
    `student.separable must name dense convolutions of the teacher larger than 1×1, it has no "${name}"`,
    meant === undefined
      ? `ganlet inspect names its layers; of dense convolutions ${known}`
      : `did you mean "${meant}"?`,
  );
}

function invalid(message: string, hint: string): GanletError {
  return new GanletError('STUDENT_INVALID', message, { hint });
}
