import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GanletError } from '../../util/errors.ts';
import { fileError } from '../../util/file-error.ts';
import { makeFolder } from '../../util/folder.ts';
import { formatBytes } from '../../util/format.ts';
import {
  type Access,
  connectionFault,
  Interrupted,
  type Patience,
  persist,
  send,
  watchdog,
} from './request.ts';

export interface Transfer {
  url: string;
  /** File that the content is appended to; what it already holds is not fetched again. */
  target: string;
  /** How messages call the file. */
  label: string;
  /** Bytes of the whole, where they are known: more or fewer are an error. */
  size?: number | undefined;
  /** More bytes than this are refused. */
  maxBytes: number;
  access?: Access | undefined;
  patience: Patience;
  signal?: AbortSignal | undefined;
  /** Called with the number of bytes that `target` holds, which falls when it has to be begun again. */
  onBytes?: ((held: number) => void) | undefined;
  /** Called with the bytes of the whole, when the server says. */
  onSize?: ((bytes: number) => void) | undefined;
  /** Turns an answer that is no file (401, 403, 404, …) into what the user can do about it. */
  refusal(status: number, header: (name: string) => string | null): GanletError;
}

/** Bytes below which a stall period counts as silence: a trickle is no better. */
const leastBytes = 1024;

/** Bytes a try must bring for the count of tries to start again. */
const goodTry = 2 ** 20;

/**
 * Brings a file from a server into `target`, going on after what is there already by HTTP Range and trying
 * again after interruptions. `resumed` says that the beginning of `target` is from an earlier call. The content
 * is not checked here: that is for the caller, before the file gets its name.
 * Throws DOWNLOAD_SIZE, DOWNLOAD_TOO_LARGE, what `refusal` makes, and as `persist` and `fileError`.
 */
export async function transfer(job: Transfer): Promise<{ resumed: boolean }> {
  makeFolder(dirname(job.target));
  let start = await heldBytes(job.target);
  let held = start;
  let resumed = start > 0;
  const hold = (bytes: number) => {
    held = bytes;
    job.onBytes?.(bytes);
  };
  const attempt = async () => {
    start = await heldBytes(job.target);
    hold(start);
    if (start > 0 && start === job.size) return;
    if ((await fetchFrom(job, start, hold)) === 0) resumed = false;
  };
  const hint = `try again later: what has arrived is kept in ${job.target}, and the rest is fetched`;
  await persist(job.label, job.patience, attempt, hint, {
    signal: job.signal,
    progressed: () => held - start >= goodTry,
  });
  return { resumed };
}

/** One try. Returns from which byte on the server sent: `start`, or 0 when it did not let us go on there. */
async function fetchFrom(job: Transfer, start: number, hold: (bytes: number) => void): Promise<number> {
  const dog = watchdog(job.patience.stall, job.signal);
  try {
    const { response, before } = await send(job.url, {
      // Compressed on the way, neither sizes nor ranges would mean the file's bytes.
      headers: { 'accept-encoding': 'identity', ...(start > 0 && { range: `bytes=${start}-` }) },
      signal: dog.signal,
      access: job.access,
    });
    try {
      const from = await beginning(
        job,
        start,
        response,
        (name) => response.headers.get(name) ?? before.get(name),
      );
      await receive(job, from, response, dog, hold);
      return from;
    } finally {
      if (!response.bodyUsed) await response.body?.cancel();
    }
  } catch (error) {
    if (dog.signal.aborted) throw dog.signal.reason;
    throw connectionFault(new URL(job.url), error);
  } finally {
    dog.stop();
  }
}

/** Checks an answer before its content is read. Returns from which byte on it goes. */
async function beginning(
  job: Transfer,
  start: number,
  { status, headers }: Response,
  header: (name: string) => string | null,
): Promise<number> {
  if (status === 416) {
    await rm(job.target, { force: true });
    throw new Interrupted(
      'DOWNLOAD_INTERRUPTED',
      `the server does not have the part after ${formatBytes(start)}`,
    );
  }
  if (status !== 200 && status !== 206) throw job.refusal(status, header);
  const whole = announced(status, headers);
  if (status === 206 && whole.start !== start) {
    throw new Interrupted(
      'DOWNLOAD_INTERRUPTED',
      'the server sent another part of the file than was asked for',
    );
  }
  if (whole.size !== undefined) {
    checkSize(job, whole.size);
    job.onSize?.(whole.size);
  }
  return status === 206 ? start : 0;
}

async function receive(
  job: Transfer,
  from: number,
  { status, headers, body }: Response,
  dog: { alive(): void },
  hold: (bytes: number) => void,
): Promise<void> {
  const file = await written(job.target, open(job.target, from > 0 ? 'a' : 'w'));
  let bytes = from;
  try {
    let counted = bytes;
    for await (const chunk of body ?? []) {
      bytes += chunk.length;
      checkSize(job, bytes, true);
      if (bytes - counted >= leastBytes) {
        counted = bytes;
        dog.alive();
      }
      await written(job.target, (file as FileHandle).appendFile(chunk));
      hold(bytes);
    }
    await written(job.target, file.sync());
  } finally {
    await file.close();
  }
  const expected = job.size ?? announced(status, headers).size;
  if (expected !== undefined && bytes < expected) {
    const part = `${formatBytes(bytes)} of ${formatBytes(expected)}`;
    throw new Interrupted('DOWNLOAD_INTERRUPTED', `the server sent ${part} and closed the connection`);
  }
}

/** Where the content begins and how large the whole file is, as far as the headers say. */
function announced(status: number, headers: Headers): { start?: number; size?: number } {
  if (status === 206) {
    const [, start, size] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    return { ...(start && { start: Number(start) }), ...(size && size !== '*' && { size: Number(size) }) };
  }
  const length = headers.get('content-encoding') === null ? headers.get('content-length') : null;
  return length === null ? {} : { size: Number(length) };
}

/** Throws when a file of `bytes` (or `more` than that) is not the one that was asked for, or too large. */
function checkSize({ label, size, maxBytes }: Transfer, bytes: number, more = false): void {
  if (size !== undefined && (more ? bytes > size : bytes !== size)) {
    throw new GanletError(
      'DOWNLOAD_SIZE',
      `${label} must be ${size} bytes, the server sends ${more ? 'more' : bytes}`,
      { hint: 'try again later, or name another address of the hub in HF_ENDPOINT' },
    );
  }
  if (bytes <= maxBytes) return;
  throw new GanletError(
    'DOWNLOAD_TOO_LARGE',
    `${label} must be at most ${formatBytes(maxBytes)}, it is ${more ? 'more' : formatBytes(bytes)}`,
    { hint: 'check that this is the file you want' },
  );
}

async function heldBytes(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw fileError('read', path, error);
  }
}

/** Tells trouble with the disk from trouble with the network. */
async function written<T>(path: string, work: Promise<T>): Promise<T> {
  return work.catch((error) => {
    throw fileError('write', path, error);
  });
}
