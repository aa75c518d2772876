/** train: optimised on. val: ranks candidates during a search. test: only ever measured. */
export type Split = 'train' | 'val' | 'test';

export const splits: readonly Split[] = ['train', 'val', 'test'];

/** Of classes, and of labels: a byte can number no more. */
export const mostClasses = 256;

/** What a generator is given to make an image of. */
export type Condition =
  | {
      kind: 'image';
      channels: 1 | 3;
      /** Names of the classes that are given besides, at most `mostClasses`. */
      classes?: readonly string[];
    }
  /** A picture of label numbers; with `edges` also of where one object ends and another begins. */
  | {
      kind: 'labels';
      labels: readonly Label[];
      edges: boolean;
      classes?: readonly string[];
      /** Images have about the colour of a label where the label is, so that their nearest colours are a label map again. */
      byColour?: true;
    }
  /** At most `mostClasses` names. */
  | { kind: 'class'; classes: readonly string[] }
  /** Nothing: the generator starts from noise. */
  | { kind: 'none' };

export interface Label {
  name: string;
  /** In which it is drawn, each 0 to 255. */
  colour: readonly [red: number, green: number, blue: number];
  /** false: what is not known, and not asked for when label maps are compared. */
  counted?: false;
}

/** One condition and the image it should become: 8-bit, height × width × channels, rows from the top. */
export interface Pair {
  /**
   * image: size × size × channels. labels: size × size label numbers, then with edges size × size bytes of 0 or 1. class: one
   * byte, its number; it follows pictures and labels that come with classes. none: empty.
   */
  condition: Uint8Array;
  /** size × size × `channels.image`. */
  image: Uint8Array;
}

/** How many channels the pictures of a source of pictures have: 1 is grey, 3 is RGB. */
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

/** Images that belong to no condition: what the conditions are to be turned into the like of. */
export interface Unpaired {
  /** Number of images per split. */
  counts: Record<Split, number>;
  /** As `Pair.image`. Always the same answer for the same arguments. */
  image(split: Split, index: number): Uint8Array | Promise<Uint8Array>;
}

/**
 * A data set of conditions and images, all square and of one size. Equal `hash` means equal pixels and splits.
 *
 * In a paired set `pair` gives the image of each condition. In an unpaired one training draws images from `unpaired` instead,
 * and `truth` says whether those `pair` gives of val and test are the true ones.
 */
export interface Source {
  name: string;
  /** Side of every picture in pixels. */
  size: number;
  condition: Condition;
  /** Channels, as networks take and make them: see `conditionChannels`; `classes` of the condition's are planes of a class besides. */
  channels: { condition: number; classes?: number; image: 1 | 3 };
  /** Number of conditions per split. */
  counts: Record<Split, number>;
  /** Name of each pair, in the order of `pair`'s index. */
  ids: Record<Split, readonly string[]>;
  /** The credit that must go with published samples. */
  attribution?: string;
  /** Files left out because the user asked to skip bad ones: worth a warning. Empty otherwise. */
  skipped: readonly BadImage[];
  /** What the user may have meant instead: worth a warning. */
  doubt?: string;
  /** SHA-256 over content, size and splits. */
  hash: string;
  /** Whether the image of a pair of val and test is what its condition should become. */
  truth: boolean;
  /** The images of the training, and of the other splits for comparing sets, where they do not belong to the conditions. */
  unpaired?: Unpaired;
  /** Always the same answer for the same arguments; a promise when the pair must be decoded first. */
  pair(split: Split, index: number): Pair | Promise<Pair>;
}

/** Channels in which a network sees a condition: one for each label (and one for edges), one number or plane for each class. */
export function conditionChannels(condition: Condition): number {
  return pictureChannels(condition) + classesOf(condition).length;
}

/** Those of the picture, or label map, in a condition. */
export function pictureChannels(condition: Condition): number {
  switch (condition.kind) {
    case 'image':
      return condition.channels;
    case 'labels':
      return condition.labels.length + (condition.edges ? 1 : 0);
    case 'class':
    case 'none':
      return 0;
  }
}

/** Names of the classes that conditions are of, or come with. */
export function classesOf(condition: Condition | undefined): readonly string[] {
  return condition && condition.kind !== 'none' ? (condition.classes ?? []) : [];
}

/** Shape of the conditions of a batch: [N, C, size, size], of classes [N, K], without conditions undefined. */
export function conditionShape(
  { condition, size }: Pick<Source, 'condition' | 'size'>,
  batch: number,
): number[] | undefined {
  const channels = conditionChannels(condition);
  if (condition.kind === 'none') return undefined;
  return condition.kind === 'class' ? [batch, channels] : [batch, channels, size, size];
}

/** Whether the images that `makeBatch` gives with the conditions of a split are what they should become. */
export function hasTruth({ truth, unpaired }: Pick<Source, 'truth' | 'unpaired'>, split: Split): boolean {
  return truth && !(unpaired && split === 'train');
}
