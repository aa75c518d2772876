import { distinctColours } from '../data/labels/colours.ts';
import type { Label } from '../data/source.ts';

/** Names for classes that no card names. */
export function namedClasses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `class ${i}`);
}

/** Names and colours for labels that no card names. */
export function namedLabels(count: number): Label[] {
  return distinctColours(count).map((colour, i) => ({ name: `label ${i}`, colour }));
}
