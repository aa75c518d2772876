import { GanletError } from '../util/errors.ts';
import { type FolderOptions, folderSource } from './aligned.ts';
import { hubSource } from './hub-source.ts';
import { openmojiSource } from './openmoji.ts';
import { type ParquetOptions, parquetSource } from './parquet-source.ts';
import type { PairedSource } from './source.ts';

/** A recipe's `data:` section can be passed as it is (see docs/data.md); the rest is for the caller. */
export interface DataOptions extends Omit<FolderOptions, 'path'> {
  source: 'openmoji' | 'aligned' | 'folders' | 'parquet' | 'hub';
  /** The data folder; for `openmoji` the folder of the npm package, where Node does not find it. */
  path?: string | undefined;
  /** `hub`: owner/name of a data set there. */
  repo?: string | undefined;
  /** `hub`: branch, tag or commit. Default main. */
  revision?: string | undefined;
  /** `parquet` and `hub`: which columns hold the pictures. Default imageA and imageB. */
  columns?: ParquetOptions['columns'];
  /** Where rendered and unpacked pictures are kept. Default: see `cacheDir`. */
  cache?: string;
  /** `hub`: bytes that are downloaded, and of how many. */
  onDownload?: (held: number, size: number) => void;
}

/**
 * Opens the pairs a recipe asks for. `direction`, `greyscale` and `onBadImage` concern files only.
 * Throws DATA_PATH_MISSING, DATA_REPO_MISSING, and what `openmojiSource`, `folderSource`, `parquetSource` and
 * `hubSource` throw.
 */
export async function openSource(options: DataOptions): Promise<PairedSource> {
  const { source, path, repo, ...rest } = options;
  if (source === 'openmoji') return openmojiSource({ ...rest, path });
  if (source === 'hub') {
    if (repo !== undefined) return hubSource({ ...rest, repo });
    throw new GanletError('DATA_REPO_MISSING', 'data.source hub must come with data.repo, got none', {
      hint: 'set data.repo to the name of a data set on the hub, owner/name',
    });
  }
  if (path === undefined) {
    throw new GanletError('DATA_PATH_MISSING', `data.source ${source} must come with data.path, got none`, {
      hint: 'set data.path to the folder with the images',
    });
  }
  return source === 'parquet' ? parquetSource(path, rest) : folderSource(source, { ...rest, path });
}
