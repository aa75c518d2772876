import type { Graph, Value } from '../graph/graph.ts';
import { squeeze } from '../ops/layout.ts';
import { slice } from '../ops/window.ts';

/** A picture, or label map, and the class that came with it. */
export interface ClassedPicture {
  /** [batch, C, height, width]. */
  picture: Value;
  /** One-hot [batch, K]. */
  label: Value;
}

/** What the values are called that stand for the two. */
export const standsFor = { picture: 'condition/picture', class: 'condition/class' };

/** Where a graph carries how many of its condition's channels are of classes. */
const metadataKey = 'ganlet.classes';

/**
 * Takes [batch, C + K, height, width] apart, whose last K channels are planes of a class: of ones for that class, of zeros for the
 * others. The class is read off at one place.
 */
export function splitClass(both: Value, classes: number): ClassedPicture {
  const channels = (both.shape[1] as number) - classes;
  const { graph } = both;
  const place = slice(both, [1, 2, 3], [channels, 0, 0], [channels + classes, 1, 1]);
  return {
    picture: graph.named(slice(both, [1], [0], [channels]), standsFor.picture),
    label: graph.named(squeeze(place, [2, 3]), standsFor.class),
  };
}

/** Notes in a network that its condition's last channels are of so many classes; copies and files of it keep the note. */
export function noteClasses(graph: Graph, classes: number): void {
  if (classes > 0) graph.metadata.set(metadataKey, String(classes));
}

/** What `noteClasses` noted; 0 for other networks. */
export function notedClasses(graph: Graph): number {
  return Number(graph.metadata.get(metadataKey) ?? 0) || 0;
}
