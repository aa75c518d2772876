import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { GanletError } from '../../util/errors.ts';
import { checkSafe, fileLabel, type HubFile, repoLabel } from './address.ts';
import {
  blobFile,
  type CachedFile,
  dropCached,
  findCached,
  keepBlob,
  linkSnapshot,
  repoFolder,
  writeRef,
} from './cache.ts';
import { accessTo, type HubAccess, type RemoteFile, refused, remoteFile } from './remote.ts';
import { isAway, type Patience, patience as usual } from './request.ts';
import { type HubSettings, hubSettings } from './settings.ts';
import { transfer } from './transfer.ts';
import { inTurn } from './turn.ts';
import {
  type Digests,
  digestFile,
  type Expected,
  expectedFromEtag,
  isExpected,
  wrongHash,
} from './verify.ts';

export interface DownloadOptions {
  /** Default: the environment, see `hubSettings`. */
  settings?: HubSettings;
  patience?: Patience;
  /** Ends the download; what has arrived is kept for the next time. */
  signal?: AbortSignal;
  /** Bytes of this file that are here, and of how many. Not called for a file that was in the cache. */
  onProgress?: (held: number, size: number) => void;
  /** Called when the hub cannot be reached and an older copy is used. */
  onWarning?: (message: string) => void;
  /** Larger files are refused. Default 64 GiB. */
  maxBytes?: number;
}

/** A file in the cache, its hash verified just now. */
export interface Downloaded {
  /** Absolute path in the snapshot. */
  path: string;
  file: HubFile;
  commit: string;
  sha256: string;
  size: number;
  /** It came over the network just now. */
  fresh: boolean;
}

const largest = 64 * 2 ** 30;

/**
 * A file of the hub as a path in the cache. It is fetched unless the cache has it at that commit, or with the
 * pinned SHA-256; a branch or tag is looked up each time. Whatever the source, the content is held against the
 * pin and against the hub's own hash first: a bad file never gets into the cache, one found in it is taken out.
 *
 * Throws HUB_OFFLINE (not in the cache, and nothing may be fetched), HUB_GATED, HUB_NOT_FOUND, HUB_TOKEN,
 * HUB_UNVERIFIABLE, DOWNLOAD_HASH and what `transfer` throws, each naming the file.
 */
export async function downloadFile(file: HubFile, options: DownloadOptions = {}): Promise<Downloaded> {
  checkSafe(file);
  const settings = options.settings ?? hubSettings();
  const cached = await findVerified(settings.cache, file);
  const settled = cached && (file.sha256 !== undefined || file.revision === cached.commit);
  if (settled || (cached && settings.offline)) return cached;
  if (settings.offline) throw offline(file, settings);

  const access: HubAccess = { settings, patience: options.patience ?? usual, signal: options.signal };
  let remote: RemoteFile;
  try {
    remote = await remoteFile(file, access, fileLabel(file));
  } catch (error) {
    if (!cached || !isAway(error)) throw error;
    options.onWarning?.(
      `${(error as Error).message}; the copy in the cache is used (commit ${cached.commit.slice(0, 12)})`,
    );
    return cached;
  }
  if (cached && remote.commit === cached.commit) return cached;
  return fetchFile(file, remote, access, options);
}

/** Brings the file into the cache, whole and verified. */
async function fetchFile(
  file: HubFile,
  remote: RemoteFile,
  { settings, patience, signal }: HubAccess,
  options: DownloadOptions,
): Promise<Downloaded> {
  const { cache } = settings;
  const { repo } = file;
  const label = fileLabel(file);
  const expected = expectation(file, remote, label);
  // An ETag that is no hash is a server's free text, and no name for a file.
  const name = expected.gitOid ?? expected.sha256!;
  const blob = blobFile(cache, repo, name);
  const incomplete = `${blob}.ganlet.incomplete`;
  const finish = async (found: Digests, fresh: boolean): Promise<Downloaded> => {
    const path = await linkSnapshot(cache, file, remote.commit, blob);
    await writeRef(cache, repo, file.revision ?? 'main', remote.commit);
    return { path, file, commit: remote.commit, sha256: found.sha256, size: found.size, fresh };
  };
  const locks = join(cache, '.locks', repoFolder('', repo), `${name}.ganlet`);
  return inTurn(locks, incomplete, 4 * patience.stall, signal, async () => {
    // Another revision, or another process just now, may have brought the same content.
    const present = await stat(blob).then(
      () => digestFile(blob),
      () => undefined,
    );
    if (present && isExpected(present, expected)) return finish(present, false);
    const found = await fetchVerified(
      {
        url: remote.url,
        target: incomplete,
        label,
        size: remote.size,
        maxBytes: options.maxBytes ?? largest,
        access: accessTo(settings),
        patience,
        signal,
        onBytes: (held) => options.onProgress?.(held, remote.size),
        refusal: (status, header) => refused(file, settings, status, header),
      },
      expected,
    );
    await keepBlob(incomplete, blob);
    return finish(found, true);
  });
}

/**
 * Transfers and verifies. A wrong hash after a resumed transfer may be the fault of the older part, so that is
 * fetched again once. Throws DOWNLOAD_HASH with nothing left behind.
 */
export async function fetchVerified(
  job: Parameters<typeof transfer>[0],
  expected: Expected,
): Promise<Digests> {
  for (;;) {
    const { resumed } = await transfer(job);
    const found = await digestFile(job.target);
    if (isExpected(found, expected)) return found;
    await rm(job.target, { force: true });
    if (!resumed) throw wrongHash(job.label, found, expected);
  }
}

/** What the content must be. Throws HUB_UNVERIFIABLE when neither pin nor hub says, DOWNLOAD_HASH when they differ. */
function expectation(file: HubFile, { etag }: RemoteFile, label: string): Expected {
  const stated = expectedFromEtag(etag);
  const pinned = file.sha256?.toLowerCase();
  if (pinned === undefined && stated.sha256 === undefined && stated.gitOid === undefined) {
    throw new GanletError(
      'HUB_UNVERIFIABLE',
      `the hub must state the hash of ${label}, it names it ${etag}`,
      {
        hint: 'give the SHA-256 it must have: --sha256',
      },
    );
  }
  if (pinned !== undefined && stated.sha256 !== undefined && pinned !== stated.sha256) {
    throw new GanletError(
      'DOWNLOAD_HASH',
      `${label} must have the SHA-256 ${pinned}, at ${file.revision ?? 'main'} the hub has ${stated.sha256}`,
      { hint: 'pin the revision that had it, or, if you trust the new content, the new hash' },
    );
  }
  return { ...stated, ...(pinned !== undefined && { sha256: pinned }) };
}

/** The cached file, its content checked; one that is damaged or not the pinned one does not count. */
async function findVerified(cache: string, file: HubFile): Promise<Downloaded | undefined> {
  const cached: CachedFile | undefined = await findCached(cache, file);
  if (!cached) return undefined;
  const found = await digestFile(cached.path);
  const named = expectedFromEtag(cached.blob);
  const isNamed = named.sha256 !== undefined || named.gitOid !== undefined;
  // Where the system has no links the snapshot holds a copy, and its blob lies beside.
  const isGood = isNamed ? isExpected(found, named) : await hasBlob(cache, file, found);
  if (!isGood) {
    await dropCached(cached);
    return undefined;
  }
  if (file.sha256 !== undefined && found.sha256 !== file.sha256.toLowerCase()) return undefined;
  return {
    path: cached.path,
    file,
    commit: cached.commit,
    sha256: found.sha256,
    size: found.size,
    fresh: false,
  };
}

async function hasBlob(cache: string, { repo }: HubFile, { sha256, gitOid }: Digests): Promise<boolean> {
  const names = [sha256, gitOid].map((name) => blobFile(cache, repo, name));
  const present = await Promise.all(
    names.map((path) =>
      stat(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return present.some(Boolean);
}

function offline(file: HubFile, { cache }: HubSettings): GanletError {
  const pinned = file.sha256 === undefined ? '' : ' with the pinned hash';
  return new GanletError(
    'HUB_OFFLINE',
    `${fileLabel(file)}${pinned} is not in ${cache} at ${file.revision ?? 'main'}, and offline nothing is fetched`,
    {
      hint: `run ganlet pull ${repoLabel(file.repo)}/${file.file} with a connection, or leave out --offline and HF_HUB_OFFLINE`,
    },
  );
}

export interface ManyOptions extends Omit<DownloadOptions, 'onProgress'> {
  /** Downloads that run at the same time. Default 4. */
  atOnce?: number;
  /** Bytes of all files that are here, and of how many: of those that have been begun. */
  onProgress?: (held: number, size: number) => void;
}

/** Downloads several files. The first failure stops the others and is thrown; what they have fetched is kept. */
export async function downloadFiles(
  files: readonly HubFile[],
  options: ManyOptions = {},
): Promise<Downloaded[]> {
  const { atOnce = 4, onProgress, ...rest } = options;
  const limit = pLimit(atOnce);
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const states = files.map(() => ({ held: 0, size: 0 }));
  const total = (key: 'held' | 'size') => states.reduce((sum, state) => sum + state[key], 0);
  let failure: { error: unknown } | undefined;
  const results = await Promise.all(
    files.map((file, i) =>
      limit(async () => {
        if (failure) return undefined;
        try {
          const tell = (held: number, size: number) => {
            states[i] = { held, size };
            onProgress?.(total('held'), total('size'));
          };
          const got = await downloadFile(file, { ...rest, signal, onProgress: tell });
          tell(got.size, got.size);
          return got;
        } catch (error) {
          failure ??= { error };
          stop.abort(error);
          return undefined;
        }
      }),
    ),
  );
  if (failure) throw failure.error;
  return results.filter((result) => result !== undefined);
}
