/** train: optimised on. val: ranks candidates during a search. test: only ever measured. */
export type Split = 'train' | 'val' | 'test';

export const splits: readonly Split[] = ['train', 'val', 'test'];

/** One condition and the image it should become: 8-bit, height × width × channels, rows from the top. */
export interface Pair {
  /** size × size × `channels.condition`. */
  condition: Uint8Array;
  /** size × size × `channels.image`. */
  image: Uint8Array;
}

/** How many channels the pictures have: 1 is grey, 3 is RGB. */
export interface Channels {
  condition: 1 | 3;
  image: 1 | 3;
}

/** What everything has unless told otherwise. */
export const colourChannels: Channels = { condition: 3, image: 3 };

/** A file that could not be used, and why: "train/3.png", "is empty". */
export interface BadImage {
  name: string;
  reason: string;
}

/** A data set of aligned pairs, all square and of one size. Equal `hash` means equal pixels and splits. */
export interface PairedSource {
  name: string;
  /** Side of every picture in pixels. */
  size: number;
  channels: Channels;
  /** Number of pairs per split. */
  counts: Record<Split, number>;
  /** Name of each pair, in the order of `pair`'s index. */
  ids: Record<Split, readonly string[]>;
  /** The credit that must go with published samples. */
  attribution?: string;
  /** Files left out because the user asked to skip bad ones: worth a warning. Empty otherwise. */
  skipped: readonly BadImage[];
  /** SHA-256 over content, size and splits. */
  hash: string;
  /** Always the same answer for the same arguments; a promise when the pair must be decoded first. */
  pair(split: Split, index: number): Pair | Promise<Pair>;
}
