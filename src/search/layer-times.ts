import type { WidthSpace, WidthVector } from '../compress/width-space.ts';
import { spread } from '../util/spread.ts';

/** The times of the layers that depend on the same entries of a space. */
export interface LayerTimes {
  readonly entries: readonly number[];
  /** Widths of each entry that were timed, ascending. */
  readonly steps: readonly (readonly number[])[];
  /** Milliseconds by widths, written "8,16". */
  readonly times: Readonly<Record<string, number>>;
}

/** Combinations of widths timed for a layer; more are sampled, and those between them interpolated. */
const timedAtMost = 64;

/** The widths at which layers that depend on some entries of a space are timed, each entry's ascending. */
export function stepsOf(space: WidthSpace, entries: readonly number[]): number[][] {
  const choices = entries.map((e) => [...space[e]!.choices].reverse());
  const all = choices.reduce((product, { length }) => product * length, 1);
  const most = all <= timedAtMost ? all : Math.max(2, Math.floor(timedAtMost ** (1 / entries.length) + 1e-9));
  return choices.map((list) => spread(list, most));
}

/** Every combination of steps, the last entry's widths changing fastest. */
export function gridOf(steps: readonly (readonly number[])[]): number[][] {
  return steps.reduce<number[][]>(
    (rows, widths) => rows.flatMap((row) => widths.map((width) => [...row, width])),
    [[]],
  );
}

/**
 * Times that no widening makes less: each becomes the largest of its own and those of narrower widths. Times scatter, and now and
 * then engines are faster at a wider width (a multiple of a vector's length); between times that never fall, straight lines
 * never fall either, so that a search may leave out whatever is wider than what is too slow.
 */
export function risen({ entries, steps, times }: LayerTimes): LayerTimes {
  const most: Record<string, number> = {};
  for (const widths of gridOf(steps)) {
    const narrower = widths.flatMap((width, k) => {
      const before = steps[k]![steps[k]!.indexOf(width) - 1];
      return before === undefined ? [] : [most[widths.with(k, before).join()]!];
    });
    most[widths.join()] = Math.max(times[widths.join()]!, ...narrower);
  }
  return { entries, steps, times: most };
}

/** The time at a vector, between neighbouring steps along straight lines. */
export function timeAt({ entries, steps, times }: LayerTimes, vector: WidthVector): number {
  const between = (at: number, widths: readonly number[]): number => {
    if (at === entries.length) return times[widths.join()]!;
    const width = vector[entries[at]!]!;
    const own = steps[at]!;
    const next = own.findIndex((step) => step >= width);
    const above = next < 0 ? own.length - 1 : next;
    const [low, high] = [own[Math.max(0, above - 1)]!, own[above]!];
    const upper = between(at + 1, [...widths, high]);
    if (width >= high || low === high) return upper;
    const lower = between(at + 1, [...widths, low]);
    return lower + ((width - low) / (high - low)) * (upper - lower);
  };
  return between(0, []);
}
