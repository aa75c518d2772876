import { copyFile, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { writeFileAtomic } from '../../util/atomic.ts';
import { fileError } from '../../util/file-error.ts';
import { makeFolder } from '../../util/folder.ts';
import type { HubFile, HubRepo } from './address.ts';

/** The cache of Hugging Face's own tools: <cache>/models--owner--name/{blobs,snapshots,refs}. */

/** A revision that is a commit names its content for good. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** The folder of a repository. */
export function repoFolder(cache: string, { type, name }: HubRepo): string {
  return join(cache, [`${type}s`, ...name.split('/')].join('--'));
}

/** Where the content with that name (see `plainEtag`) lies once it has been verified. */
export function blobFile(cache: string, repo: HubRepo, etag: string): string {
  return join(repoFolder(cache, repo), 'blobs', etag);
}

/** Where a file of a commit is to be found. */
export function snapshotFile(cache: string, { repo, file }: HubFile, commit: string): string {
  return join(repoFolder(cache, repo), 'snapshots', commit, file);
}

/** The commit a branch or tag was last seen at; undefined when it never was. */
export async function knownCommit(
  cache: string,
  repo: HubRepo,
  revision: string,
): Promise<string | undefined> {
  if (isCommit(revision)) return revision;
  const text = await readFile(join(repoFolder(cache, repo), 'refs', revision), 'utf8').catch(() => '');
  return isCommit(text.trim()) ? text.trim() : undefined;
}

export interface CachedFile {
  /** Path in the snapshot. */
  path: string;
  commit: string;
  /** Name of the content in `blobs`; the file's own name where there are no links. */
  blob: string;
}

/** The file as it lies in the cache, not checked; undefined when it is not there. Nothing is asked of the network. */
export async function findCached(cache: string, file: HubFile): Promise<CachedFile | undefined> {
  const commit = await knownCommit(cache, file.repo, file.revision ?? 'main');
  if (commit === undefined) return undefined;
  const path = snapshotFile(cache, file, commit);
  try {
    if (!(await stat(path)).isFile()) return undefined;
    return { path, commit, blob: basename(await realpath(path)) };
  } catch {
    return undefined;
  }
}

/** Gives a verified download its place among the blobs, unless an equal one is there. */
export async function keepBlob(incomplete: string, blob: string): Promise<void> {
  await rename(incomplete, blob).catch((error) => {
    throw fileError('write', blob, error);
  });
}

/** Makes a blob visible in the snapshot of a commit, by a relative link or, where links are not allowed, a copy. */
export async function linkSnapshot(
  cache: string,
  file: HubFile,
  commit: string,
  blob: string,
): Promise<string> {
  const path = snapshotFile(cache, file, commit);
  try {
    makeFolder(dirname(path));
    await rm(path, { force: true });
    await symlink(relative(dirname(path), blob), path).catch(async (error) => {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
      await copyFile(blob, path);
    });
  } catch (error) {
    throw fileError('write', path, error);
  }
  return path;
}

/** Remembers at which commit a branch or tag is. */
export async function writeRef(
  cache: string,
  repo: HubRepo,
  revision: string,
  commit: string,
): Promise<void> {
  if (isCommit(revision)) return;
  if ((await knownCommit(cache, repo, revision)) === commit) return;
  await writeFileAtomic(join(repoFolder(cache, repo), 'refs', revision), commit);
}

/** Takes a damaged file out of the cache: its place in the snapshot and the blob behind it. */
export async function dropCached({ path }: CachedFile): Promise<void> {
  const blob = await realpath(path).catch(() => path);
  await rm(path, { force: true });
  await rm(blob, { force: true });
}
