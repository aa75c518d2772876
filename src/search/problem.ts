import type { WidthSpace, WidthVector } from '../compress/width-space.ts';

/** What a network must not exceed. */
export interface Limit {
  /** For messages: `macs`, `latency`, … */
  readonly name: string;
  readonly most: number;
  cost(vector: WidthVector): number;
  /** True when no entry can be widened without the cost staying or rising: then whole branches are ruled out at once. */
  readonly monotone: boolean;
  /** True of times, which scatter: a limit a little above what the widest network takes is no mistake. */
  readonly measured?: boolean;
}

/** A search as data: which vectors there are, which are allowed, and how good they are. */
export interface Problem {
  readonly space: WidthSpace;
  readonly limits: readonly Limit[];
  readonly seed: number;
  /** Costs to make small besides the quality: a front is kept instead of one best. */
  readonly objectives?: readonly ((vector: WidthVector) => number)[];
  /** The quality of each vector, lower is better. The same vector is never asked for twice. */
  evaluate(vectors: readonly WidthVector[], generation: number): Promise<readonly number[]>;
  /** Told after each generation. */
  onGeneration?(generation: number, best: Scored): void;
}

/** A vector that was evaluated. */
export interface Scored {
  readonly vector: WidthVector;
  readonly quality: number;
}

export interface Outcome {
  /** Everything that was evaluated, the best first. */
  readonly scored: readonly Scored[];
  readonly generations: number;
  /** Why it ended: all vectors seen, no progress, or as many as were asked for. */
  readonly ended: 'complete' | 'no progress' | 'limit';
}

/** The quality and the other objectives of a vector, all to be small. */
export function pointOf({ objectives = [] }: Problem, { vector, quality }: Scored): number[] {
  return [quality, ...objectives.map((cost) => cost(vector))];
}

/** Best first; equal ones by their numbers, so that the order depends on nothing else. */
export function ranked(scored: readonly Scored[]): Scored[] {
  return [...scored].sort((a, b) => a.quality - b.quality || compare(a.vector, b.vector));
}

function compare(a: WidthVector, b: WidthVector): number {
  const i = a.findIndex((width, k) => width !== b[k]);
  return i < 0 ? 0 : a[i]! - b[i]!;
}
