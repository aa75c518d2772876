import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError } from './file-error.ts';

/**
 * Writes a whole file or nothing: a temporary file in the same folder is written and synced to disk, renamed
 * over `path`, then the folder is synced, so a reader (or a crash) meets the old content or the new, never a
 * part. Missing parent folders are made. `data` may be a list of byte arrays, written one after the other.
 * Throws GanletError DISK_FULL, NOT_WRITABLE, NOT_A_FOLDER, IS_A_FOLDER, … naming the path; the temporary
 * file is gone by then and an older `path` is as it was.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array | readonly Uint8Array[],
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    const handle = await open(temporary, 'wx');
    try {
      for (const part of Array.isArray(data) ? data : [data]) await handle.appendFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw fileError('write', path, error);
  }
  await syncFolder(folder);
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
