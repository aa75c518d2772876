import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { hostname, uptime } from 'node:os';
import { join, resolve } from 'node:path';
import { GanletError } from './errors.ts';
import { fileError } from './file-error.ts';
import { makeFolder } from './folder.ts';

interface Holder {
  pid: number;
  host: string;
  /** When the lock was taken, ISO 8601. */
  since: string;
}

/** Locks of this process. A lock file with our pid that is not here was left by an earlier owner of the pid. */
const held = new Set<string>();

/** A lock file this young (ms) without content is one that is just being written. */
const writingTime = 5000;

/**
 * Takes the folder for this process: a file `lock` inside it that only one process can create. The folder is
 * made when missing. A lock is taken over when its process no longer lives on this host or is from before the
 * last boot. Throws RUN_LOCKED naming the process and since when; a lock from another host cannot be checked
 * and is respected. The lock goes with `release()`, or when the process exits.
 */
export function lockDirectory(folder: string): { release(): void } {
  const path = resolve(folder, 'lock');
  makeFolder(folder);
  const mine: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  if (!create(path, mine)) {
    takeAway(folder, path);
    // Someone may have been quicker; then the lock is theirs.
    if (!create(path, mine)) throw locked(folder, path, readHolder(path));
  }
  held.add(path);
  const release = () => {
    process.off('exit', release);
    if (held.delete(path) && readHolder(path)?.since === mine.since) rmSync(path, { force: true });
  };
  process.on('exit', release);
  return { release };
}

/** False when the file exists already. */
function create(path: string, holder: Holder): boolean {
  try {
    const file = openSync(path, 'wx');
    try {
      writeSync(file, `${JSON.stringify(holder)}\n`);
    } catch (error) {
      // A lock without a holder would turn others away.
      rmSync(path, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw fileError('write', path, error);
  }
}

/** Removes a lock that nobody holds any more, or throws RUN_LOCKED. */
function takeAway(folder: string, path: string): void {
  const holder = readHolder(path);
  if (holder ? isAlive(path, holder) : isYoung(path)) throw locked(folder, path, holder);
  const aside = join(folder, `lock.${process.pid}.stale`);
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  // Between reading and renaming another process may have replaced the dead lock by its own: give that back.
  const moved = readHolder(aside);
  if (moved && moved.since !== holder?.since) {
    renameSync(aside, path);
    throw locked(folder, path, moved);
  }
  rmSync(aside, { force: true });
}

/** Undefined when the file is gone or does not name a process. */
function readHolder(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder>;
    return typeof holder.pid === 'number' && typeof holder.host === 'string' ? (holder as Holder) : undefined;
  } catch {
    return undefined;
  }
}

function isYoung(path: string): boolean {
  const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return made !== undefined && Date.now() - made < writingTime;
}

function isAlive(path: string, { pid, host, since }: Holder): boolean {
  if (host !== hostname()) return true;
  if (pid === process.pid) return held.has(path);
  // A minute of slack for clocks that were set.
  if (Date.parse(since) + 60_000 < Date.now() - uptime() * 1000) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to someone else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function locked(folder: string, path: string, holder: Holder | undefined): GanletError {
  const who = holder ? `process ${holder.pid} on ${holder.host} since ${holder.since}` : 'another process';
  return new GanletError('RUN_LOCKED', `${folder} is in use by ${who}`, {
    hint: `wait for it to end; if it is no longer running, delete ${path}`,
  });
}
