import { datasetInfo, fileDownloadInfo, HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import { GanletError } from '../../util/errors.ts';
import { type HubFile, type HubRepo, repoLabel } from './address.ts';
import { isCommit } from './cache.ts';
import { type Access, connectionFault, type Patience, persist, send, watchdog } from './request.ts';
import type { HubSettings } from './settings.ts';
import { plainEtag } from './verify.ts';

/** What the hub says about one file at one revision. */
export interface RemoteFile {
  commit: string;
  /** Name of the content: its SHA-256, or Git's hash of a small file. */
  etag: string;
  size: number;
  /** Where to get it. */
  url: string;
}

/** One entry of a repository's listing. */
export interface ListedFile {
  file: string;
  size: number;
  sha256?: string;
}

export interface HubAccess {
  settings: HubSettings;
  patience: Patience;
  signal?: AbortSignal | undefined;
}

/** Answers of the hub's API are far smaller than this. */
const largestAnswer = 64 * 2 ** 20;

/** The token and who may see it; undefined without one. */
export function accessTo({ endpoint, token }: HubSettings): Access | undefined {
  return token === undefined ? undefined : { origin: new URL(endpoint).origin, token };
}

/**
 * Asks the hub for commit, hash, size and address of a file. Throws HUB_GATED, HUB_NOT_FOUND, HUB_TOKEN, and as
 * `persist`.
 */
export async function remoteFile(file: HubFile, access: HubAccess, label: string): Promise<RemoteFile> {
  const { repo, revision = 'main' } = file;
  const { answer, header } = await ask(file, access, label, (common) =>
    fileDownloadInfo({
      repo,
      path: file.file.split('/').map(encodeURIComponent).join('/'),
      revision,
      ...common,
    }),
  );
  if (answer === null) throw refused(file, access.settings, 404, () => 'EntryNotFound');
  const commit = header('x-repo-commit') ?? revision;
  if (!isCommit(commit)) throw noCommit(label, access);
  const { etag, size, url } = answer;
  return { commit, etag: plainEtag(header('x-linked-etag') ?? etag), size, url };
}

function noCommit(label: string, { settings }: HubAccess): GanletError {
  return new GanletError(
    'HUB_ANSWER',
    `${settings.endpoint} must say which commit ${label} is from, it did not`,
    {
      hint: 'check that HF_ENDPOINT is the address of a hub',
    },
  );
}

/** The commit a branch or tag is at. Throws as `remoteFile`. */
export async function remoteCommit(repo: HubRepo, revision: string, access: HubAccess): Promise<string> {
  const { answer } = await ask({ repo, file: '', revision }, access, repoLabel(repo), async (common) => {
    const wanted = { name: repo.name, revision, ...common };
    return repo.type === 'dataset'
      ? datasetInfo({ ...wanted, additionalFields: ['sha'] })
      : modelInfo({ ...wanted, additionalFields: ['sha'] });
  });
  if (isCommit(answer.sha)) return answer.sha;
  throw noCommit(repoLabel(repo), access);
}

/** All files of a repository, sorted by name. Throws as `remoteFile`. */
export async function remoteListing(
  repo: HubRepo,
  revision: string,
  access: HubAccess,
): Promise<ListedFile[]> {
  const { answer } = await ask({ repo, file: '', revision }, access, repoLabel(repo), async (common) => {
    const found: ListedFile[] = [];
    for await (const { type, path, size, lfs } of listFiles({ repo, revision, recursive: true, ...common })) {
      if (type === 'file') found.push({ file: path, size, ...(lfs && { sha256: lfs.oid }) });
    }
    return found;
  });
  return answer.sort((a, b) => (a.file < b.file ? -1 : 1));
}

/**
 * Runs one function of the hub's library over our own requests, which retry, time out and guard the token. What the
 * hub refuses is told as being about `file`, or its repository where the path is empty. `header` reads the last answer.
 */
export async function ask<T>(
  file: HubFile,
  { settings, patience, signal }: HubAccess,
  label: string,
  call: (common: { hubUrl: string; fetch: typeof fetch }) => Promise<T>,
): Promise<{ answer: T; header(name: string): string | null }> {
  let headers = new Headers();
  const own = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const dog = watchdog(patience.stall, signal);
    try {
      const answer = await send(String(input), {
        method: init.method ?? 'GET',
        headers: Object.fromEntries(new Headers(init.headers)),
        body: init.body ?? undefined,
        signal: dog.signal,
        access: accessTo(settings),
      });
      headers = merged(answer.before, answer.response.headers);
      return new Response(await content(answer.response, dog.alive), {
        status: answer.response.status,
        headers,
      });
    } catch (error) {
      throw dog.signal.aborted ? dog.signal.reason : connectionFault(new URL(String(input)), error);
    } finally {
      dog.stop();
    }
  };
  const hint = `check the connection, or the mirror in HF_ENDPOINT; or copy the repository's folder into ${settings.cache} from a machine that has it`;
  const answer = await persist(
    label,
    patience,
    () => call({ hubUrl: settings.endpoint, fetch: own as typeof fetch }),
    hint,
    { signal },
  ).catch((error) => {
    if (error instanceof HubApiError) {
      throw refused(file, settings, error.statusCode, (name) => headers.get(name));
    }
    if (error instanceof GanletError || signal?.aborted) throw error;
    throw new GanletError(
      'HUB_ANSWER',
      `${settings.endpoint} gave no sensible answer about ${label}: ${error.message}`,
      {
        hint: 'check that HF_ENDPOINT is the address of a hub',
        cause: error,
      },
    );
  });
  return { answer, header: (name) => headers.get(name) };
}

/** What the storage says, and what the hub said before it sent us there. */
function merged(before: Headers, last: Headers): Headers {
  const all = new Headers(last);
  // The body is passed on unpacked and maybe empty.
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) all.delete(name);
  for (const [name, value] of before) if (name.startsWith('x-') && !all.has(name)) all.set(name, value);
  return all;
}

/** The body of an answer of the API; nothing of a file, of which only the headers were wanted. */
async function content(response: Response, alive: () => void): Promise<Uint8Array<ArrayBuffer> | null> {
  const isFile = response.ok && response.headers.get('content-range') !== null;
  const parts: Uint8Array[] = [];
  let bytes = 0;
  if (!isFile) {
    for await (const chunk of response.body ?? []) {
      parts.push(chunk);
      bytes += chunk.length;
      alive();
      if (bytes > largestAnswer) break;
    }
  }
  if (!response.bodyUsed) await response.body?.cancel();
  if (bytes > largestAnswer) throw new Error('the answer has no end');
  return isFile || bytes === 0 ? null : new Uint8Array(Buffer.concat(parts));
}

/** What a refusal of the hub means for the user, by its status and its header X-Error-Code. */
export function refused(
  { repo, file, revision = 'main' }: HubFile,
  { endpoint, token }: HubSettings,
  status: number,
  header: (name: string) => string | null,
): GanletError {
  const name = repoLabel(repo);
  const what = file === '' ? name : `${file} of ${name}`;
  const page = `${endpoint}/${name}`;
  const kind = header('x-error-code');
  if (kind === 'GatedRepo') {
    return new GanletError('HUB_GATED', `${what} is for those who accepted its terms`, {
      hint: token
        ? `accept them at ${page} with the account that HF_TOKEN belongs to`
        : `accept them at ${page}, then set HF_TOKEN to a token of your account`,
    });
  }
  if (kind === 'RevisionNotFound') {
    return new GanletError(
      'HUB_NOT_FOUND',
      `${name} must have the revision ${revision}, it has none of that name`,
      {
        hint: `${page}/commits lists them`,
      },
    );
  }
  if (kind === 'EntryNotFound') {
    return new GanletError('HUB_NOT_FOUND', `${name} must have a file ${file} at ${revision}, it has none`, {
      hint: `ganlet pull ${name} --list shows its files`,
    });
  }
  if (status === 404 || (status === 401 && token === undefined)) {
    return new GanletError(
      'HUB_NOT_FOUND',
      `cannot find ${what}: ${endpoint} has no public repository of that name`,
      {
        hint: token
          ? 'check the name, and that HF_TOKEN may read it'
          : 'check the name (data sets are datasets/owner/name); for a private one set HF_TOKEN',
      },
    );
  }
  if (status === 401 || status === 403) {
    return new GanletError('HUB_TOKEN', `${endpoint} refuses ${what} (status ${status})`, {
      hint: token
        ? 'check that HF_TOKEN is valid and may do this'
        : 'set HF_TOKEN to a token that may do this',
    });
  }
  return new GanletError('HUB_ANSWER', `${endpoint} refuses ${what} (status ${status})`, {
    hint: 'try again later; check HF_ENDPOINT if it is set',
  });
}
