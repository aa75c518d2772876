import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockDirectory } from '../../src/util/lock.ts';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-lock-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

const lockFile = () => join(folder, 'lock');
const leave = (holder: object) => writeFileSync(lockFile(), JSON.stringify(holder));
const now = () => new Date().toISOString();

async function livingProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  children.push(child);
  await once(child, 'spawn');
  return child.pid!;
}

async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid!;
}

it('lets one in at a time, and the next one after release', () => {
  const first = lockDirectory(folder);
  expect(JSON.parse(readFileSync(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
  expect(() => lockDirectory(folder)).toThrow(expect.objectContaining({ code: 'RUN_LOCKED' }));
  first.release();
  expect(existsSync(lockFile())).toBe(false);
  lockDirectory(folder).release();
  expect(readdirSync(folder)).toEqual([]);
});

it('makes a missing folder', () => {
  const { release } = lockDirectory(join(folder, 'runs/new'));
  expect(existsSync(join(folder, 'runs/new/lock'))).toBe(true);
  release();
});

it('names the living process that holds the lock and since when', async () => {
  const holder = { pid: await livingProcess(), host: hostname(), since: now() };
  leave(holder);
  expect(() => lockDirectory(folder)).toThrow(
    `${folder} is in use by process ${holder.pid} on ${hostname()} since ${holder.since}`,
  );
});

it('takes over from a dead process', async () => {
  leave({ pid: await deadProcess(), host: hostname(), since: now() });
  const { release } = lockDirectory(folder);
  expect(JSON.parse(readFileSync(lockFile(), 'utf8')).pid).toBe(process.pid);
  expect(readdirSync(folder)).toEqual(['lock']);
  release();
});

it('takes over from an earlier owner of its own pid, as after a container restart', () => {
  leave({ pid: process.pid, host: hostname(), since: now() });
  lockDirectory(folder).release();
});

it('takes over a lock from before the last boot even if the pid lives', async () => {
  leave({ pid: await livingProcess(), host: hostname(), since: '2001-01-01T00:00:00.000Z' });
  lockDirectory(folder).release();
});

it('respects a lock from another host', async () => {
  leave({ pid: await deadProcess(), host: 'elsewhere', since: now() });
  expect(() => lockDirectory(folder)).toThrow(/on elsewhere since/);
});

it('respects an empty lock while it may be being written, not for ever', () => {
  writeFileSync(lockFile(), '');
  expect(() => lockDirectory(folder)).toThrow(expect.objectContaining({ code: 'RUN_LOCKED' }));
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(lockFile(), longAgo, longAgo);
  lockDirectory(folder).release();
});

it('does not remove a lock that has become someone else’s', () => {
  const { release } = lockDirectory(folder);
  const other = { pid: 1, host: 'elsewhere', since: now() };
  leave({ ...other, since: '2001-01-01T00:00:00.000Z' });
  release();
  expect(JSON.parse(readFileSync(lockFile(), 'utf8')).host).toBe('elsewhere');
});
