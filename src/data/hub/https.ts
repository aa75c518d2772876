import { createHash } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { GanletError } from '../../util/errors.ts';
import { cacheDir } from '../cache-dir.ts';
import { keepBlob } from './cache.ts';
import { fetchVerified } from './download.ts';
import { type Patience, patience as usual } from './request.ts';
import { hubSettings } from './settings.ts';
import { inTurn } from './turn.ts';
import { digestFile, isExpected } from './verify.ts';

/** A file at a plain address. */
export interface PlainFile {
  /** https, or http on this machine. */
  url: string;
  /**
   * SHA-256 of the content, needed because nothing else says what is right. At least the first 8 digits, as
   * file names of PyTorch carry them; so few guard against damage, not against malice.
   */
  sha256: string;
  /** Name in the cache. Default: the last part of the address. */
  name?: string;
}

export interface PlainOptions {
  /** Default: see `cacheDir`. */
  cache?: string;
  /** Default: `HF_HUB_OFFLINE`. */
  offline?: boolean;
  patience?: Patience;
  signal?: AbortSignal;
  /** Bytes that are here, and of how many where the server says (else 0). */
  onProgress?: (held: number, size: number) => void;
  /** Larger files are refused. Default 64 GiB. */
  maxBytes?: number;
}

/**
 * A file from a plain address as a path in the cache, `downloads/<sha256>/<name>`, fetched the first time. Its
 * hash is checked each time; a bad one never gets there. No token is sent anywhere.
 * Throws DOWNLOAD_ADDRESS, DOWNLOAD_PIN, DOWNLOAD_OFFLINE, DOWNLOAD_NOT_FOUND, DOWNLOAD_REFUSED, DOWNLOAD_HASH
 * and what `transfer` throws, each naming the address.
 */
export async function downloadUrl(
  file: PlainFile,
  options: PlainOptions = {},
): Promise<{ path: string; sha256: string; size: number; fresh: boolean }> {
  const { url } = file;
  const name = checkAddress(file);
  const sha256 = file.sha256.toLowerCase();
  if (!/^[0-9a-f]{8,64}$/.test(sha256)) {
    throw new GanletError(
      'DOWNLOAD_PIN',
      `${url} must come with its SHA-256, got ${JSON.stringify(file.sha256)}`,
      {
        hint: 'give all 64 digits, or at least the first 8 where its publisher gives no more',
      },
    );
  }
  const patience = options.patience ?? usual;
  const folder = join(options.cache ?? cacheDir(), 'downloads');
  const path = join(folder, sha256, name);
  const incomplete = `${path}.incomplete`;
  const kept = async () => {
    const found = await stat(path).then(
      () => digestFile(path),
      () => undefined,
    );
    if (found && isExpected(found, { sha256 }))
      return { path, sha256: found.sha256, size: found.size, fresh: false };
    if (found) await rm(path, { force: true });
    return undefined;
  };
  const cached = await kept();
  if (cached) return cached;
  if (options.offline ?? hubSettings().offline) {
    throw new GanletError('DOWNLOAD_OFFLINE', `${url} is not in ${folder}, and offline nothing is fetched`, {
      hint: `put the file at ${path}, or leave out --offline and HF_HUB_OFFLINE`,
    });
  }
  const lock = join(folder, '.locks', createHash('sha256').update(path).digest('hex').slice(0, 32));
  return inTurn(lock, incomplete, 4 * patience.stall, options.signal, async () => {
    const present = await kept();
    if (present) return present;
    let size = 0;
    const found = await fetchVerified(
      {
        url,
        target: incomplete,
        label: url,
        maxBytes: options.maxBytes ?? 64 * 2 ** 30,
        patience,
        signal: options.signal,
        onSize(bytes) {
          size = bytes;
        },
        onBytes: (held) => options.onProgress?.(held, size),
        refusal: (status) => refusal(url, status, path),
      },
      { sha256 },
    );
    await keepBlob(incomplete, path);
    return { path, sha256: found.sha256, size: found.size, fresh: true };
  });
}

/** The name in the cache. Throws DOWNLOAD_ADDRESS. */
function checkAddress({ url, name }: PlainFile): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const local = parsed && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(parsed.hostname);
  const last = name ?? (parsed && basename(parsed.pathname));
  const isAddress = parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && local);
  if (isAddress && last && /^\w[\w.+%-]*$/.test(last)) return last;
  throw new GanletError(
    'DOWNLOAD_ADDRESS',
    `an address must be https://… and end with the name of a file, got ${JSON.stringify(url)}`,
    { hint: 'plain http is only for this machine itself' },
  );
}

function refusal(url: string, status: number, path: string): GanletError {
  if (status === 404 || status === 410) {
    return new GanletError('DOWNLOAD_NOT_FOUND', `there is no file at ${url} (status ${status})`, {
      hint: `check the address; if you have the file from elsewhere, put it at ${path}`,
    });
  }
  return new GanletError('DOWNLOAD_REFUSED', `the server refuses ${url} (status ${status})`, {
    hint: `if you can get the file in another way, put it at ${path}`,
  });
}
