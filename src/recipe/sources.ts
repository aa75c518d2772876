import type { EmojiStyle } from './names.ts';

/** Keys of `data` that only some sources have, in the order of the recipe. */
export const sourceKeys = [
  'repo',
  'revision',
  'columns',
  'labels',
  'dontCare',
  'edges',
  'from',
  'to',
  'aligned',
  'styles',
  'classes',
  'categories',
  'direction',
  'onBadImage',
  'greyscale',
] as const;
export type SourceKey = (typeof sourceKeys)[number];

/** What those of them are that always have a value, unless the recipe says otherwise. */
export const usualValues = {
  direction: 'AtoB',
  onBadImage: 'error',
  greyscale: 'reject',
} as const satisfies Partial<Record<SourceKey, string>>;

/** Whose drawings are shown, unless the recipe says otherwise. */
export const usualStyles = {
  'emoji-pairs': { from: 'openmoji', to: 'noto' },
  'emoji-labels': { from: 'noto', to: 'noto' },
  'emoji-classes': { styles: ['noto'] },
} as const satisfies Record<string, DataSettings>;

/** The values of `data` that other rules follow from. */
export interface DataSettings {
  columns?: Readonly<Partial<Record<'a' | 'b' | 'image' | 'label', string | undefined>>> | undefined;
  from?: EmojiStyle | undefined;
  to?: EmojiStyle | undefined;
  styles?: readonly EmojiStyle[] | undefined;
  classes?: string | undefined;
  categories?: boolean | undefined;
}

/** What a recipe can say of a source of data. */
export interface SourceRules {
  /** What it is, after its name. */
  says: string;
  /**
   * What `data.path` is. pictures: a folder of the user's, which must be given. package: the folder of the npm package; packages: one
   * with such packages in its node_modules; either where Node does not find them. none: nothing.
   */
  path: 'pictures' | 'package' | 'packages' | 'none';
  keys: readonly SourceKey[];
  /** Whether its conditions are pictures, so that `data.channels` are all its channels; undefined where only its files tell. */
  pictures(settings: DataSettings): boolean | undefined;
  /** Whose drawings of emoji it reads, from npm packages. */
  drawings?(settings: DataSettings): readonly EmojiStyle[];
}

/** Whose drawing is given, and whose is made. */
export function givenAndMade(
  source: 'emoji-pairs' | 'emoji-labels',
  { from = usualStyles[source].from, to = usualStyles[source].to }: DataSettings,
): { from: EmojiStyle; to: EmojiStyle } {
  return { from, to };
}

const ofFiles = ['onBadImage', 'greyscale'] as const;
const ofPairs = ['direction', ...ofFiles] as const;
const always = () => true;
const never = () => false;

/** Pairs where the recipe names columns of pairs, single pictures where it names others. */
function columnsOfPairs({ columns }: DataSettings): boolean | undefined {
  if ((columns?.a ?? columns?.b) !== undefined) return true;
  return (columns?.image ?? columns?.label) === undefined ? undefined : false;
}

/** Whether pairs come with a class each besides. */
export function withClasses({ classes, categories, columns }: DataSettings): boolean {
  const ofPairs = (columns?.a ?? columns?.b) !== undefined;
  return classes !== undefined || categories === true || (ofPairs && columns?.label !== undefined);
}

/** Every source of data by its name in recipes; a data set of the hub may also be named hub:owner/name. */
export const sources = {
  openmoji: {
    says: 'outline and colour of the emoji in the npm package of that name',
    path: 'package',
    keys: [],
    pictures: always,
    drawings: () => ['openmoji'],
  },
  'emoji-pairs': {
    says: 'an emoji by two artists',
    path: 'packages',
    keys: ['from', 'to', 'aligned', 'categories'],
    pictures: always,
    drawings: (settings) => ['openmoji', ...Object.values(givenAndMade('emoji-pairs', settings))],
  },
  'emoji-labels': {
    says: 'the colours of an emoji as a label map, and the emoji',
    path: 'packages',
    keys: ['labels', 'from', 'to', 'categories'],
    pictures: never,
    drawings: (settings) => ['openmoji', ...Object.values(givenAndMade('emoji-labels', settings))],
  },
  'emoji-classes': {
    says: 'emoji by category',
    path: 'packages',
    keys: ['styles'],
    pictures: never,
    drawings: ({ styles = usualStyles['emoji-classes'].styles }) => ['openmoji', ...styles],
  },
  aligned: {
    says: 'a folder of pictures, each holding A and B side by side',
    path: 'pictures',
    keys: ['classes', ...ofPairs],
    pictures: always,
  },
  folders: {
    says: 'two folders A and B with the same file names',
    path: 'pictures',
    keys: ['classes', ...ofPairs],
    pictures: always,
  },
  unpaired: {
    says: 'folders trainA, trainB, testA, testB of unrelated pictures',
    path: 'pictures',
    keys: ofPairs,
    pictures: always,
  },
  labelmap: {
    says: 'label maps and images',
    path: 'pictures',
    keys: ['labels', 'dontCare', 'edges', 'classes', ...ofFiles],
    pictures: never,
  },
  folder: {
    says: 'pictures, or a folder of them for each class',
    path: 'pictures',
    keys: ofFiles,
    pictures: never,
  },
  parquet: {
    says: 'a folder of Parquet files',
    path: 'pictures',
    keys: ['columns', ...ofPairs],
    pictures: columnsOfPairs,
  },
  hub: {
    says: 'a data set of such files on the Hugging Face hub, also written hub:owner/name',
    path: 'none',
    keys: ['repo', 'revision', 'columns', ...ofPairs],
    pictures: columnsOfPairs,
  },
} as const satisfies Record<string, SourceRules>;

export type DataSourceName = keyof typeof sources;
export const dataSources = Object.keys(sources) as DataSourceName[];

/** The rules of a source. */
export function rulesOf(source: DataSourceName): SourceRules {
  return sources[source];
}
