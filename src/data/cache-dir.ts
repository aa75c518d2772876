import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { GanletError } from '../util/errors.ts';
import { makeFolder } from '../util/folder.ts';

/**
 * Where derived data is kept: `GANLET_CACHE`, else `$XDG_CACHE_HOME/ganlet`, else `~/.cache/ganlet`; for a user without a home
 * in the folder for temporary files.
 */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env.GANLET_CACHE) return resolve(env.GANLET_CACHE);
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'ganlet');
  const home = homeOf();
  return home
    ? join(home, '.cache', 'ganlet')
    : join(tmpdir(), `ganlet-cache-${process.getuid?.() ?? 'own'}`);
}

/** Makes the cache folder, or a folder in it. Throws as `makeFolder`, saying how to choose another place. */
export function makeCacheFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (error) {
    if (!(error instanceof GanletError)) throw error;
    const hint = 'set GANLET_CACHE to a folder that can be written to';
    throw new GanletError(error.code, error.message, { hint, cause: error.cause });
  }
}

/** Containers run under users that no list of users has; asking for their home throws. */
function homeOf(): string | undefined {
  try {
    return homedir() || undefined;
  } catch {
    return undefined;
  }
}
