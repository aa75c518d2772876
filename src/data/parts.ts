import { type Pair, type Source, type Split, splits } from './source.ts';

/** How many entries each split has, and their names. */
export function countsAndIds(
  parts: Readonly<Record<Split, readonly { id: string }[]>>,
): Pick<Source, 'counts' | 'ids'> {
  const ofAll = <T>(map: (part: readonly { id: string }[]) => T) =>
    Object.fromEntries(splits.map((split) => [split, map(parts[split])])) as Record<Split, T>;
  return { counts: ofAll((part) => part.length), ids: ofAll((part) => part.map(({ id }) => id)) };
}

/** The parts of a source whose pairs are held in memory. Its `pair` throws RangeError for a number beyond the split. */
export function heldPairs(
  parts: Readonly<Record<Split, readonly { id: string; pair: Pair }[]>>,
): Pick<Source, 'counts' | 'ids'> & { pair(split: Split, index: number): Pair } {
  return {
    ...countsAndIds(parts),
    pair(split, index) {
      const found = parts[split][index];
      if (!found)
        throw new RangeError(`${split} has ${parts[split].length} pairs, asked for number ${index}`);
      return found.pair;
    },
  };
}
