import { randomBytes } from 'node:crypto';
import { lstat, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GanletError } from './errors.ts';
import { fileError } from './file-error.ts';
import { makeFolder } from './folder.ts';

/**
 * Writes a whole file or nothing: a temporary file in the same folder is written and synced to disk, renamed
 * over `path`, then the folder is synced, so a reader (or a crash) meets the old content or the new, never a
 * part. Missing parent folders are made. A link stays, the file it names is written; a device or pipe (`/dev/stdout`) is
 * written to as it is. `data` may be a list of byte arrays, written one after the other.
 * Throws GanletError DISK_FULL, NOT_WRITABLE, NOT_A_FOLDER, IS_A_FOLDER, … naming the path; the temporary
 * file is gone by then and an older `path` is as it was.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array | readonly Uint8Array[],
): Promise<void> {
  const parts = Array.isArray(data) ? data : [data];
  const target = await targetOf(path);
  if (target === undefined) return writeThrough(path, parts);
  const folder = dirname(target);
  const unique = `${process.pid}-${randomBytes(4).toString('hex')}`;
  const temporary = join(folder, `.${basename(target)}.${unique}.tmp`);
  try {
    makeFolder(folder);
    const handle = await open(temporary, 'wx');
    try {
      for (const part of parts) await handle.appendFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw fileError('write', path, error instanceof GanletError ? error.cause : error);
  }
  await syncFolder(folder);
}

/** The file behind a link; undefined for what is neither file nor folder, where a rename would put a file in its place. */
async function targetOf(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile() && !found.isDirectory()) return undefined;
    return (await lstat(path)).isSymbolicLink() ? await realpath(path) : path;
  } catch {
    return path;
  }
}

async function writeThrough(path: string, parts: readonly (string | Uint8Array)[]): Promise<void> {
  try {
    const handle = await open(path, 'w');
    try {
      for (const part of parts) await handle.appendFile(part);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError('write', path, error);
  }
}

/** Writes `value` as indented JSON with a final newline, whole or not at all (see `writeFileAtomic`). */
export async function writeJsonAtomic(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Makes the rename itself durable. Some systems (Windows, network disks) refuse it; then nothing is lost but that. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    return;
  }
}

/**
 * Removes what writers that were killed left behind in a folder and below it. For a folder only this process writes into:
 * see `lockDirectory`.
 */
export async function removeUnfinished(folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  for (const file of files) {
    if (/^\..+\.\d+-[0-9a-f]{8}\.tmp$/.test(basename(file))) await rm(join(folder, file), { force: true });
  }
}
