import { createRepo, HubApiError, uploadFiles } from '@huggingface/hub';
import { GanletError } from '../../util/errors.ts';
import { type HubRepo, isSafePath, repoLabel } from './address.ts';
import { ask } from './remote.ts';
import { type Patience, patience as usual } from './request.ts';
import { type HubSettings, hubSettings } from './settings.ts';

/** A file as it will be in the repository. */
export interface Upload {
  /** Path there. */
  path: string;
  content: Uint8Array | string;
}

export interface PushOptions {
  /** First line of the commit. */
  title: string;
  /** Whether a repository that is made for this is private. One that exists stays as it is. */
  private: boolean;
  /** Default: the environment, see `hubSettings`. */
  settings?: HubSettings;
  patience?: Patience;
  signal?: AbortSignal;
}

/** An answer to an upload comes after the upload: silence is allowed for as long as that may take. */
const uploadTime = 30 * 60_000;

/**
 * Puts files into a repository of the hub in one commit, making the repository when there is none. Returns its
 * address and the commit. Throws HUB_TOKEN without a token that may do this, HUB_OFFLINE, HUB_NOT_FOUND, and as
 * `persist`. Either all files arrive or none.
 */
export async function pushFiles(
  repo: HubRepo,
  files: readonly Upload[],
  options: PushOptions,
): Promise<{ url: string; commit: string }> {
  const settings = options.settings ?? hubSettings();
  const { endpoint, token } = settings;
  const label = repoLabel(repo);
  checkAllowed(label, settings);
  for (const { path } of files) if (!isSafePath(path)) throw new RangeError(`not a path: ${path}`);
  const access = {
    settings,
    patience: { stall: uploadTime, ...pick(options.patience ?? usual) },
    signal: options.signal,
  };
  const { answer } = await ask({ repo, file: '' }, access, label, async (common) => {
    const shared = { repo, accessToken: token!, ...common };
    await createRepo({ ...shared, visibility: options.private ? 'private' : 'public' }).catch((error) => {
      // 409: there is one already.
      if (!(error instanceof HubApiError) || error.statusCode !== 409) throw error;
    });
    return uploadFiles({
      ...shared,
      commitTitle: options.title,
      // The plain protocol, which every hub and mirror speaks.
      useXet: false,
      files: files.map(({ path, content }) => ({
        path,
        content: new Blob([content as Uint8Array<ArrayBuffer>]),
      })),
    });
  });
  return { url: `${endpoint}/${label}`, commit: answer?.commit.oid ?? '' };
}

function pick({ attempts, delay }: Patience): Omit<Patience, 'stall'> {
  return { attempts, delay };
}

function checkAllowed(label: string, { offline, token }: HubSettings): void {
  if (offline) {
    throw new GanletError('HUB_OFFLINE', `cannot upload to ${label} offline`, {
      hint: 'unset HF_HUB_OFFLINE',
    });
  }
  if (token !== undefined) return;
  throw new GanletError('HUB_TOKEN', `HF_TOKEN must be set to upload to ${label}`, {
    hint: 'make a token that may write in the settings of your account, and set HF_TOKEN to it',
  });
}
