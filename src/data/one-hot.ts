import type { Condition } from './source.ts';

type Labels = Extract<Condition, { kind: 'labels' }>;
type Classes = Extract<Condition, { kind: 'class' }>;

/**
 * A label map, size × size label numbers and with edges as many 0 or 1 (see `Pair.condition`), as planes of 0 and 1: one for
 * each label, then the edges. Written into `to` from `start` on, which must hold zeros. Throws RangeError for a number that is
 * no label's.
 */
export function oneHotLabels(
  map: Uint8Array,
  to: Float32Array,
  start: number,
  { labels, edges }: Pick<Labels, 'labels' | 'edges'>,
): void {
  const area = edges ? map.length / 2 : map.length;
  for (let p = 0; p < area; p++) {
    const id = map[p]!;
    if (id >= labels.length)
      throw new RangeError(`labels must be below ${labels.length}, a label map has ${id}`);
    to[start + id * area + p] = 1;
  }
  if (!edges) return;
  for (let p = 0; p < area; p++) to[start + labels.length * area + p] = map[area + p] ? 1 : 0;
}

/** A class number as one number for each class, 1 for that class. Written as `oneHotLabels`. Throws RangeError for one that is none. */
export function oneHotClass(
  id: number | undefined,
  to: Float32Array,
  start: number,
  { classes }: Pick<Classes, 'classes'>,
): void {
  if (id === undefined || id >= classes.length)
    throw new RangeError(`classes must be below ${classes.length}, a pair has ${id ?? 'none'}`);
  to[start + id] = 1;
}

/** A class number as a plane [size, size] for each class, of ones for that class. Written as `oneHotLabels`. Throws as `oneHotClass`. */
export function oneHotPlanes(
  id: number | undefined,
  to: Float32Array,
  start: number,
  classes: readonly string[],
  size: number,
): void {
  const area = size * size;
  const one = new Float32Array(classes.length);
  oneHotClass(id, one, 0, { classes });
  for (const [k, value] of one.entries()) to.fill(value, start + k * area, start + (k + 1) * area);
}
