import { GanletError } from './errors.ts';

/** Operating system code → our code, what was found, and what to do about it. */
const causes: Record<string, readonly [code: string, found: string, hint: string]> = {
  ENOSPC: [
    'DISK_FULL',
    'no space is left on the disk',
    'free some space, or choose a folder on another disk',
  ],
  EDQUOT: ['DISK_FULL', 'the disk quota is used up', 'free some space, or choose a folder on another disk'],
  EFBIG: ['DISK_FULL', 'the file would be larger than is allowed', 'raise the file size limit (ulimit -f)'],
  EACCES: ['NOT_ALLOWED', 'permission was denied', 'check the permissions of the file and its folders'],
  EPERM: [
    'NOT_ALLOWED',
    'the operation is not permitted',
    'check the permissions of the file and its folders',
  ],
  EROFS: ['NOT_ALLOWED', 'the file system is read-only', 'choose a folder on a writable disk'],
  ENOTDIR: ['NOT_A_FOLDER', 'a part of the path is a file, not a folder', 'choose another path'],
  EEXIST: ['NOT_A_FOLDER', 'a part of the path is a file, not a folder', 'choose another path'],
  EISDIR: ['IS_A_FOLDER', 'there is a folder of that name', 'choose another path, or move the folder away'],
  ENOTEMPTY: [
    'IS_A_FOLDER',
    'there is a folder of that name',
    'choose another path, or move the folder away',
  ],
  ENOENT: ['FILE_MISSING', 'there is no such file', 'check the path'],
  ELOOP: ['LINK_LOOP', 'the link leads back to itself', 'remove the link, or make it name a file'],
  EIO: ['DISK_FAILED', 'the disk reports an error', 'check the disk'],
  EBUSY: ['NOT_ALLOWED', 'it is in use by the system', 'choose another path'],
  EMFILE: ['TOO_MANY_FILES', 'too many files are open', 'raise the limit of open files (ulimit -n)'],
  ENFILE: ['TOO_MANY_FILES', 'too many files are open on this machine', 'end programs that are not needed'],
  ENAMETOOLONG: ['NAME_TOO_LONG', 'the name is too long', 'choose a shorter path'],
};

/**
 * Turns an error of `node:fs` into one the user can act on. Codes: DISK_FULL, NOT_WRITABLE (or NOT_READABLE
 * when reading), NOT_A_FOLDER, IS_A_FOLDER, FILE_MISSING, NAME_TOO_LONG, LINK_LOOP, DISK_FAILED, TOO_MANY_FILES; anything
 * else becomes FILE_ERROR.
 * A GanletError comes back unchanged.
 */
export function fileError(action: 'read' | 'write' | 'list', path: string, error: unknown): GanletError {
  if (error instanceof GanletError) return error;
  const systemCode = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const known = causes[systemCode];
  if (!known) {
    const reason = error instanceof Error ? error.message : String(error);
    return new GanletError('FILE_ERROR', `cannot ${action} ${path}: ${reason}`, { cause: error });
  }
  const [code, found, hint] = known;
  const shown = code === 'NOT_ALLOWED' ? (action === 'write' ? 'NOT_WRITABLE' : 'NOT_READABLE') : code;
  const advice = systemCode === 'EISDIR' && action === 'read' ? 'name a file' : hint;
  return new GanletError(shown, `cannot ${action} ${path}: ${found}`, { hint: advice, cause: error });
}
