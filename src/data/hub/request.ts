import { setTimeout as sleep } from 'node:timers/promises';
import { GanletError } from '../../util/errors.ts';
import { formatDuration } from '../../util/format.ts';

/** How long a server is borne with. */
export interface Patience {
  /** Tries of one request before giving up; a try that brought a mebibyte starts the count again. */
  attempts: number;
  /** Milliseconds before the second try; doubled for each further one, up to 16 times as long. */
  delay: number;
  /** Milliseconds without an answer, or with less than a kibibyte of content, after which a try is ended. */
  stall: number;
}

export const patience: Patience = { attempts: 5, delay: 500, stall: 30_000 };

/** A secret and the only origin it is for. */
export interface Access {
  origin: string;
  token: string;
}

/** A request that failed in a way that may pass. `reason` ends the sentence "the download of … failed: …". */
export class Interrupted extends Error {
  readonly code: 'DOWNLOAD_NO_NETWORK' | 'DOWNLOAD_SERVER' | 'DOWNLOAD_INTERRUPTED';
  /** Milliseconds that the server asked us to wait. */
  readonly wait: number | undefined;

  constructor(code: Interrupted['code'], reason: string, options: { wait?: number; cause?: unknown } = {}) {
    super(reason, { cause: options.cause });
    this.code = code;
    this.wait = options.wait;
  }
}

/** True for what `persist` throws when the server could not be had: an older copy may do then. */
export function isAway(error: unknown): boolean {
  return error instanceof GanletError && /^DOWNLOAD_(NO_NETWORK|SERVER|INTERRUPTED)$/.test(error.code);
}

/** Milliseconds that a server may make us wait at most. */
const longestWait = 60_000;

const redirects = new Set([301, 302, 303, 307, 308]);
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);
const unreachable = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
]);

export interface Request {
  method?: string;
  headers?: Record<string, string>;
  body?: RequestInit['body'];
  signal?: AbortSignal;
  access?: Access | undefined;
}

export interface Answer {
  response: Response;
  /** Headers of the redirects before it, the first word on each: the hub says there what its storage does not. */
  before: Headers;
}

/**
 * One HTTP request. Redirects are followed here, ten at most, so that the token is seen on every hop by
 * `access.origin` only and never goes from https to http. Any status but a passing one is an answer.
 * Throws Interrupted, or DOWNLOAD_REDIRECT.
 */
export async function send(address: string, request: Request): Promise<Answer> {
  const before = new Headers();
  let url = new URL(address);
  let { method = 'GET', body } = request;
  for (let hop = 0; hop <= 10; hop++) {
    const headers = new Headers(request.headers);
    headers.delete('authorization');
    if (request.access && url.origin === request.access.origin) {
      headers.set('authorization', `Bearer ${request.access.token}`);
    }
    const response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      ...(body !== undefined && { body }),
      ...(request.signal && { signal: request.signal }),
    }).catch((error) => {
      throw request.signal?.aborted ? request.signal.reason : connectionFault(url, error);
    });
    if (!redirects.has(response.status)) {
      if (passing.has(response.status)) {
        await response.body?.cancel();
        throw busy(url, response);
      }
      return { response, before };
    }
    for (const [name, value] of response.headers) if (!before.has(name)) before.set(name, value);
    await response.body?.cancel();
    url = nextHop(url, response.headers.get('location'));
    if (response.status === 303 || (response.status <= 302 && method === 'POST'))
      [method, body] = ['GET', undefined];
  }
  throw new GanletError(
    'DOWNLOAD_REDIRECT',
    `${address} must lead to a file, it led to 10 further addresses`,
    {
      hint: 'check the address; a proxy or a sign-in page may be in the way',
    },
  );
}

/** Where a redirect leads. Throws DOWNLOAD_REDIRECT for nowhere, and for a step from https to plain http. */
export function nextHop(from: URL, location: string | null): URL {
  const to = location !== null && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to && (to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:'))) return to;
  throw new GanletError(
    'DOWNLOAD_REDIRECT',
    `${from.origin} must lead on to an https address, it named ${location === null ? 'none' : JSON.stringify(location)}`,
    { hint: 'check the address; a proxy or a sign-in page may be in the way' },
  );
}

/**
 * Tries `work` until it succeeds or has been interrupted `attempts` times since it last got on. `progressed`
 * says whether it did. Throws what the last interruption says, the file named: DOWNLOAD_NO_NETWORK,
 * DOWNLOAD_SERVER, DOWNLOAD_INTERRUPTED; anything else that `work` throws goes through at once.
 */
export async function persist<T>(
  label: string,
  { attempts, delay }: Patience,
  work: () => Promise<T>,
  hint: string,
  { signal, progressed = () => false }: { signal?: AbortSignal | undefined; progressed?: () => boolean } = {},
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Interrupted)) throw error;
      if (progressed()) tried = 1;
      if (tried >= attempts) {
        throw new GanletError(error.code, `cannot download ${label}: ${error.message}`, {
          hint,
          cause: error,
        });
      }
      const wait = error.wait ?? delay * 2 ** Math.min(tried - 1, 4);
      await sleep(Math.min(wait, longestWait), undefined, signal && { signal });
    }
  }
}

/** A signal that ends a try when `alive` has not been called for `stall` milliseconds, or when `outer` ends. */
export function watchdog(
  stall: number,
  outer?: AbortSignal,
): { signal: AbortSignal; alive(): void; stop(): void } {
  const controller = new AbortController();
  const end = () =>
    controller.abort(
      new Interrupted('DOWNLOAD_INTERRUPTED', `the server went quiet for ${formatDuration(stall)}`),
    );
  let timer = setTimeout(end, stall);
  const forward = () => controller.abort(outer?.reason);
  if (outer?.aborted) forward();
  outer?.addEventListener('abort', forward, { once: true });
  return {
    signal: controller.signal,
    alive() {
      clearTimeout(timer);
      timer = setTimeout(end, stall);
    },
    stop() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', forward);
    },
  };
}

/** What a failed `fetch` or a broken body means. */
export function connectionFault(url: URL, error: unknown): Error {
  if (error instanceof Interrupted || error instanceof GanletError) return error;
  const cause = (error as Error & { cause?: Error & { code?: string } }).cause;
  const code = cause?.code ?? '';
  const detail = cause?.message || (error as Error).message;
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(code)) {
    return new GanletError(
      'DOWNLOAD_CERTIFICATE',
      `the certificate of ${url.host} is not trusted: ${detail}`,
      {
        hint: 'check the clock of this machine; behind a proxy, name its certificate in NODE_EXTRA_CA_CERTS',
        cause: error,
      },
    );
  }
  const reason =
    unreachable.has(code) || code === 'UND_ERR_CONNECT_TIMEOUT' ? 'cannot be reached' : 'broke off';
  return new Interrupted(
    reason === 'broke off' ? 'DOWNLOAD_INTERRUPTED' : 'DOWNLOAD_NO_NETWORK',
    reason === 'broke off'
      ? `the connection to ${url.host} broke off (${detail})`
      : `${url.host} cannot be reached (${code})`,
    { cause: error },
  );
}

function busy(url: URL, { status, headers }: Response): Interrupted {
  const asked = headers.get('retry-after');
  const seconds = asked === null ? Number.NaN : Number(asked);
  const reason = status === 429 ? 'asks for fewer requests' : 'has a problem';
  return new Interrupted('DOWNLOAD_SERVER', `${url.host} ${reason} (status ${status})`, {
    ...(seconds >= 0 && { wait: seconds * 1000 }),
  });
}
