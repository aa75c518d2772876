import { GanletError } from '../util/errors.ts';
import { type FolderOptions, folderSource } from './aligned.ts';
import { openmojiSource } from './openmoji.ts';
import type { PairedSource } from './source.ts';

/** A recipe's `data:` section can be passed as it is (see docs/data.md); the rest is for the caller. */
export interface DataOptions extends Omit<FolderOptions, 'path'> {
  source: 'openmoji' | 'aligned' | 'folders';
  /** The data folder; for `openmoji` the folder of the npm package, where Node does not find it. */
  path?: string | undefined;
  /** `openmoji`: where rendered pictures are kept. Default: see `cacheDir`. */
  cache?: string;
}

/**
 * Opens the pairs a recipe asks for. `direction`, `greyscale` and `onBadImage` concern folders only.
 * Throws DATA_PATH_MISSING, and what `openmojiSource` and `folderSource` throw.
 */
export async function openSource(options: DataOptions): Promise<PairedSource> {
  const { source, path, ...rest } = options;
  if (source === 'openmoji') return openmojiSource({ ...rest, path });
  if (path === undefined) {
    throw new GanletError('DATA_PATH_MISSING', `data.source ${source} must come with data.path, got none`, {
      hint: 'set data.path to the folder with the images',
    });
  }
  return folderSource(source, { ...rest, path });
}
