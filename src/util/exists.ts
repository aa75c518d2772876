import { statSync } from 'node:fs';
import { fileError } from './file-error.ts';

/**
 * Whether there is a file or folder of that name. Throws NOT_READABLE where that cannot be told, which must not pass for
 * "there is none", and LINK_LOOP for a link to itself.
 */
export function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return false;
    throw fileError('read', path, error);
  }
}
