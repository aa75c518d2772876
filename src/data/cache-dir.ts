import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where derived data is kept: `GANLET_CACHE`, else `$XDG_CACHE_HOME/ganlet`, else `~/.cache/ganlet`. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env.GANLET_CACHE) return resolve(env.GANLET_CACHE);
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ganlet');
}
