import type { WidthSpace, WidthVector } from '../compress/width-space.ts';

/** How close to the wanted cost is close enough. */
const tolerance = 0.02;

/**
 * The vector of even widths that costs no more than `most`, and as nearly that as even widths can: every entry has the same
 * part of its full width, rounded down; then single entries are raised by one, the relatively narrowest first, while that fits,
 * until 2 % are left or nothing fits. No entry is raised more often than that needs. Widths need not be among the choices.
 */
export function uniformVector(
  space: WidthSpace,
  cost: (vector: WidthVector) => number,
  most: number,
): WidthVector {
  const at = (part: number) => space.map(({ full }) => Math.max(1, Math.floor(part * full + 1e-9)));
  let [low, high] = [0, 1];
  if (cost(at(1)) <= most) low = 1;
  for (let i = 0; i < 50 && low < 1; i++) {
    const middle = (low + high) / 2;
    if (cost(at(middle)) <= most) low = middle;
    else high = middle;
  }
  const even = at(low);
  let vector = [...even];
  for (let raises = 1; raises <= 4 && cost(vector) < (1 - tolerance) * most; raises++) {
    for (;;) {
      const raised = space
        .map((entry, i) => ({ i, part: vector[i]! / entry.full, room: vector[i]! < entry.full }))
        .filter(({ i, room }) => room && vector[i]! < even[i]! + raises)
        .sort((a, b) => a.part - b.part || a.i - b.i)
        .map(({ i }) => vector.map((width, k) => (k === i ? width + 1 : width)))
        .find((candidate) => cost(candidate) <= most);
      if (!raised) break;
      vector = raised;
    }
  }
  return vector;
}
