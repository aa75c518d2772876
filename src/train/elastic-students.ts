import { widthInputs, widthNumbers } from '../compress/elastic.ts';
import { channelGroups } from '../compress/groups.ts';
import { largest, smallest, type WidthSpace } from '../compress/width-space.ts';
import type { Graph, Value } from '../graph/graph.ts';
import type { AppliedStudent } from './distillation.ts';
import { type AtWidths, apply, type TrainedNetwork } from './trained-network.ts';

/** A generator of which all widths of a space are trained together. */
export interface Elastic {
  space: WidthSpace;
  /** Three applications in every step: the widest, the narrowest, and one at the widths that are fed. */
  sandwich: boolean;
  /** Weights outside the sampled widths move on by their momentum, as in the original code, instead of staying as they are. */
  drift: boolean;
}

/**
 * The generator at the widths fed as `width/<entry>`; under the sandwich rule (Yu & Huang 2019) the widest and the narrowest
 * come first. Throws ELASTIC_UNSUPPORTED.
 */
export function elasticStudents(
  graph: Graph,
  trained: TrainedNetwork,
  { space, sandwich }: Elastic,
  inputs: Readonly<Record<string, Value>>,
  dropout: (x: Value, ratio: number) => Value,
): AppliedStudent[] {
  const groups = channelGroups(trained.network);
  const student = (widths: AtWidths['widths'], use: string): AppliedStudent => {
    const at = widths.size > 0 ? { widths, groups } : undefined;
    return { applied: apply(graph, trained, inputs, use, { dropout, ...(at && { at }) }), at };
  };
  const drawn = () => student(widthInputs(graph, space), 'generator');
  if (!sandwich) return [drawn()];
  return [
    student(widthNumbers(space, largest(space)), 'largest'),
    student(widthNumbers(space, smallest(space)), 'smallest'),
    drawn(),
  ];
}
