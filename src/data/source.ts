/** train: optimised on. val: ranks candidates during a search. test: only ever measured. */
export type Split = 'train' | 'val' | 'test';

export const splits: readonly Split[] = ['train', 'val', 'test'];

/** One condition and the image it should become: 8-bit, height × width × channels, rows from the top. */
export interface Pair {
  /** size × size × `conditionChannels`. */
  condition: Uint8Array;
  /** size × size × 3, RGB. */
  image: Uint8Array;
}

/** A data set of aligned pairs, all square and of one size. Equal `hash` means equal pixels and splits. */
export interface PairedSource {
  name: string;
  /** Side of every picture in pixels. */
  size: number;
  conditionChannels: 1 | 3;
  /** Number of pairs per split. */
  counts: Record<Split, number>;
  /** Name of each pair, in the order of `pair`'s index. */
  ids: Record<Split, readonly string[]>;
  /** The credit that must go with published samples. */
  attribution?: string;
  /** SHA-256 over content, size and splits. */
  hash: string;
  /** Always the same answer for the same arguments; a promise when the pair must be decoded first. */
  pair(split: Split, index: number): Pair | Promise<Pair>;
}
