import type { EmojiStyle } from '../recipe/names.ts';
import type { DataSourceName } from '../recipe/sources.ts';
import { GanletError } from '../util/errors.ts';
import { readClassFile } from './class-file.ts';
import { classed } from './classed.ts';
import { emojiClassesSource } from './emoji/classes.ts';
import { emojiLabelsSource } from './emoji/labels.ts';
import { openmojiSource } from './emoji/openmoji.ts';
import { emojiPairsSource } from './emoji/pairs.ts';
import { emojiEntries } from './emoji/styles-packages.ts';
import { type FolderOptions, folderSource } from './folder/aligned.ts';
import { imageFolderSource } from './folder/classes.ts';
import { unpairedSource } from './folder/unpaired.ts';
import { hubSource } from './hub-source.ts';
import { labelmapSource } from './labels/labelmap.ts';
import { type ParquetOptions, parquetSource } from './parquet-source.ts';
import type { Source } from './source.ts';

/** A recipe's `data:` section can be passed as it is (see docs/data.md); the rest is for the caller. */
export interface DataOptions extends Omit<FolderOptions, 'path'> {
  source: DataSourceName;
  /** The data folder; for emoji a folder in which the npm packages are, where Node does not find them. */
  path?: string | undefined;
  /** `hub`: owner/name of a data set there. */
  repo?: string | undefined;
  /** `hub`: branch, tag or commit. Default main. */
  revision?: string | undefined;
  /** `parquet` and `hub`: which columns hold the pictures, see `ParquetColumns`. */
  columns?: ParquetOptions['columns'];
  /** `labelmap`: how many labels there are, or their names. `emoji-labels`: how many, default 12. */
  labels?: number | readonly string[] | undefined;
  /** `labelmap`: a value that becomes one label more. */
  dontCare?: number | undefined;
  /** `labelmap`: give the edges between objects too. */
  edges?: boolean | undefined;
  /** `emoji-pairs` and `emoji-labels`: whose drawing is given, whose is made. */
  from?: EmojiStyle | undefined;
  to?: EmojiStyle | undefined;
  /** `emoji-pairs`: false hides from training which drawings belong together. */
  aligned?: boolean | undefined;
  /** Pairs of files: a file that names a class for each, which is given besides its condition; see `readClassFile`. */
  classes?: string | undefined;
  /** `emoji-pairs` and `emoji-labels`: give the category besides, as Unicode groups them. */
  categories?: boolean | undefined;
  /** `emoji-classes`: whose drawings are shown. */
  styles?: readonly EmojiStyle[] | undefined;
  /** Where rendered and unpacked pictures are kept. Default: see `cacheDir`. */
  cache?: string;
  /** `hub`: bytes that are downloaded, and of how many. */
  onDownload?: (held: number, size: number) => void;
}

type Given = Omit<DataOptions, 'source'>;

const openers: Readonly<Record<DataSourceName, (given: Given) => Promise<Source>>> = {
  openmoji: openmojiSource,
  'emoji-pairs': emojiPairsSource,
  'emoji-labels': ({ labels, ...rest }) =>
    emojiLabelsSource({ ...rest, ...(typeof labels === 'number' && { labels }) }),
  'emoji-classes': emojiClassesSource,
  aligned: (given) => folderSource('aligned', withFolder(given, 'aligned')),
  folders: (given) => folderSource('folders', withFolder(given, 'folders')),
  unpaired: (given) => unpairedSource(withFolder(given, 'unpaired')),
  labelmap: (given) => {
    const labels = needed(given.labels, 'labelmap', 'labels', 'how many labels there are');
    return labelmapSource({ ...withFolder(given, 'labelmap'), labels });
  },
  folder: (given) => imageFolderSource(withFolder(given, 'folder')),
  parquet: (given) => parquetSource(withFolder(given, 'parquet').path, given),
  hub: (given) => {
    const repo = needed(given.repo, 'hub', 'repo', 'the name of a data set on the hub, owner/name');
    return hubSource({ ...given, repo });
  },
};

/**
 * Opens the images a recipe asks for. What its source has no use for does nothing here; recipes are checked for it. Throws
 * DATA_PATH_MISSING, DATA_REPO_MISSING, DATA_LABELS_MISSING, what the function of the source throws, and with classes what
 * `readClassFile` and `classed` throw.
 */
export async function openSource({ source, classes, categories, ...given }: DataOptions): Promise<Source> {
  const opened = await openers[source](given);
  if (classes !== undefined) return classed(opened, await readClassFile(classes));
  if (!categories) return opened;
  const groups = new Map((await emojiEntries(given.path)).map(({ hexcode, group }) => [hexcode, group]));
  return classed(opened, (id) => groups.get(id)!);
}

function withFolder(given: Given, source: DataSourceName): Given & { path: string } {
  return { ...given, path: needed(given.path, source, 'path', 'the folder with the images') };
}

function needed<T>(value: T | undefined, source: string, key: string, what: string): T {
  if (value !== undefined) return value;
  throw new GanletError(
    `DATA_${key.toUpperCase()}_MISSING`,
    `data.source ${source} must come with data.${key}, got none`,
    { hint: `set data.${key} to ${what}` },
  );
}
