import { GanletError } from '../util/errors.ts';
import { cacheDir } from './cache-dir.ts';
import { type HubRepo, parseRepo, repoLabel } from './hub/address.ts';
import { knownCommit, writeRef } from './hub/cache.ts';
import { downloadFiles } from './hub/download.ts';
import { remoteCommit, remoteListing } from './hub/remote.ts';
import { isAway, type Patience, patience as usual } from './hub/request.ts';
import { type HubSettings, hubSettings } from './hub/settings.ts';
import type { Shard } from './hub/unpack.ts';
import { isFolder, type ParquetOptions, unpackedFolder, unpackedSource } from './parquet-source.ts';
import type { Source } from './source.ts';

export interface HubSourceOptions extends ParquetOptions {
  /** owner/name of a data set. */
  repo: string;
  /** Branch, tag or commit. Default main. */
  revision?: string | undefined;
  /** Default: the environment, see `hubSettings`. */
  settings?: HubSettings;
  patience?: Patience;
  /** Bytes that are here, and of how many. */
  onDownload?: (held: number, size: number) => void;
}

/**
 * Pairs from all Parquet files of a data set on the hub, downloaded and verified once, then read like
 * `parquetSource`. What is unpacked already needs no network, given a commit as the revision or no connection.
 * Throws HUB_ADDRESS, HUB_NO_PARQUET, HUB_OFFLINE, and what `downloadFiles` and `parquetSource` throw.
 */
export async function hubSource(options: HubSourceOptions): Promise<Source> {
  const {
    repo: address,
    revision = 'main',
    settings = hubSettings(),
    patience = usual,
    onDownload,
    ...rest
  } = options;
  const repo = parseRepo(address, 'dataset');
  const commit = await currentCommit(repo, revision, settings, patience, rest);
  const fetchShards = async (): Promise<Shard[]> => {
    if (settings.offline) throw notHere(repo, revision);
    const listed = await remoteListing(repo, commit, { settings, patience });
    const shards = listed.filter(({ file }) => file.endsWith('.parquet'));
    if (shards.length === 0) throw noParquet(repo, revision);
    const files = shards.map(({ file }) => ({ repo, file, revision: commit }));
    const got = await downloadFiles(files, {
      settings,
      patience,
      ...(onDownload && { onProgress: onDownload }),
    });
    return got.map(({ path, file }) => ({ path, name: file.file }));
  };
  const source = await unpackedSource(`hub:${repo.name}`, identityOf(repo, commit), fetchShards, rest);
  if (!settings.offline) await writeRef(settings.cache, repo, revision, commit);
  return {
    ...source,
    attribution: `Pictures of the data set ${repo.name} (https://huggingface.co/datasets/${repo.name}), under its licence`,
  };
}

/** The commit to use: the hub's word, or what was unpacked last time when it cannot be asked. */
async function currentCommit(
  repo: HubRepo,
  revision: string,
  settings: HubSettings,
  patience: Patience,
  { columns, cache = cacheDir() }: ParquetOptions,
): Promise<string> {
  const known = await knownCommit(settings.cache, repo, revision);
  if (known === revision) return known;
  const isHere =
    known !== undefined && (await isFolder(unpackedFolder(identityOf(repo, known), columns, cache)));
  if (settings.offline) {
    if (isHere) return known;
    throw notHere(repo, revision);
  }
  try {
    return await remoteCommit(repo, revision, { settings, patience });
  } catch (error) {
    if (isHere && isAway(error)) return known;
    throw error;
  }
}

const identityOf = (repo: HubRepo, commit: string) => [repoLabel(repo), commit];

function notHere(repo: HubRepo, revision: string): GanletError {
  return new GanletError(
    'HUB_OFFLINE',
    `the pictures of ${repoLabel(repo)} at ${revision} are not here, and offline nothing is fetched`,
    { hint: 'run once with a connection and without HF_HUB_OFFLINE' },
  );
}

function noParquet(repo: HubRepo, revision: string): GanletError {
  return new GanletError(
    'HUB_NO_PARQUET',
    `${repoLabel(repo)} must have .parquet files at ${revision}, it has none`,
    {
      hint: 'try data.revision: refs/convert/parquet, where the hub keeps converted data sets',
    },
  );
}
