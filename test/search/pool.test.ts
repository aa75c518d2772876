import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { entryBeside, workerPool } from '../../src/search/pool.ts';

interface Task {
  kind?: 'die' | 'die once' | 'throw';
  value: number;
}
interface Result {
  value: number;
  pid: number;
  started: number;
  ended: number;
}

function pool(workers: number, { broken = false, slow = false, onRetry = (_: string) => {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'ganlet-pool-'));
  const made = workerPool<Task, Result>({
    entry: pathToFileURL(join(import.meta.dirname, 'pool-worker.js')),
    setup: { base: 100, folder, broken, slow },
    workers,
    describe: ({ value }) => `task ${value}`,
    onRetry,
  });
  onTestFinished(async () => {
    await made.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { ...made, folder };
}

test('tasks are done by as many processes as there may be, each one at a time', async () => {
  const { run } = pool(2);
  const results = await Promise.all([1, 2, 3, 4, 5].map((value) => run({ value })));
  expect(results.map(({ value }) => value)).toEqual([101, 102, 103, 104, 105]);
  const pids = new Set(results.map(({ pid }) => pid));
  expect(pids.size).toBe(2);
  expect(pids).not.toContain(process.pid);
  for (const pid of pids) {
    const own = results.filter((result) => result.pid === pid).sort((a, b) => a.started - b.started);
    for (const [i, { started }] of own.slice(1).entries())
      expect(started).toBeGreaterThanOrEqual(own[i]!.ended);
  }
});

test('a process that dies is replaced, and its task tried again once', async () => {
  const told: string[] = [];
  const { run } = pool(1, { onRetry: (what) => told.push(what) });
  const first = await run({ value: 1 });
  const second = await run({ kind: 'die once', value: 2 });
  expect(second.value).toBe(102);
  expect(second.pid).not.toBe(first.pid);
  expect(told).toEqual(['task 2: its process ended (SIGKILL), tried again']);
  await expect(run({ kind: 'die', value: 3 })).rejects.toMatchObject({
    code: 'WORKER_DIED',
    message: 'task 3 must be evaluated, its process ended twice (SIGKILL)',
  });
  expect((await run({ value: 4 })).value).toBe(104);
});

test('an idle process that was killed costs no task its second try', async () => {
  const { run } = pool(1, { onRetry: () => expect.unreachable() });
  const { pid } = await run({ value: 1 });
  process.kill(pid, 'SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await run({ value: 2 })).value).toBe(102);
});

test('what a task or the setup throws is thrown as it was', async () => {
  await expect(pool(1).run({ kind: 'throw', value: 1 })).rejects.toMatchObject({
    name: 'GanletError',
    code: 'TASK_BAD',
    message: 'a task must be good, this is not',
  });
  await expect(pool(1, { broken: true }).run({ value: 1 })).rejects.toMatchObject({
    code: 'SETUP_BROKEN',
    hint: 'mend it',
  });
});

test('processes are gone when the pool is closed', async () => {
  const { run, close } = pool(2);
  const results = await Promise.all([run({ value: 1 }), run({ value: 2 })]);
  await close();
  for (const { pid } of results) expect(() => process.kill(pid, 0)).toThrow();
});

test('a process that is still preparing when a task throws is gone as well, and no other starts', async () => {
  const { run, close, folder } = pool(2, { slow: true });
  const pids = () =>
    readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  const both = [run({ kind: 'throw', value: 1 }), run({ kind: 'throw', value: 2 })];
  const ends = Promise.allSettled(both);
  await expect(Promise.race(both)).rejects.toMatchObject({ code: 'TASK_BAD' });
  expect(pids()).toHaveLength(2);
  await close();
  for (const pid of pids()) expect(() => process.kill(pid, 0)).toThrow();
  const codes = (await ends).map((end) => end.status === 'rejected' && end.reason.code);
  expect(codes.sort()).toEqual(['POOL_CLOSED', 'TASK_BAD']);
  await expect(run({ value: 3 })).rejects.toMatchObject({ code: 'POOL_CLOSED' });
  expect(pids()).toHaveLength(2);
});

test('a worker is found beside its pool, as it was built where this process cannot run sources', () => {
  const built = entryBeside('file:///a/src/x/src/search/pool.ts', 'worker');
  expect(built.href).toBe('file:///a/src/x/dist/search/worker.js');
  expect(entryBeside('file:///a/dist/search/pool.js', 'worker').href).toBe('file:///a/dist/search/worker.js');
});
