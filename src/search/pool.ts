import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import { GanletError } from '../util/errors.ts';
import { type Reply, type Request, revived } from './worker.ts';

export interface PoolOptions<Task> {
  /** The module that calls `serve`; see `entryBeside`. */
  entry: URL;
  /** Given to each worker when it starts. */
  setup: unknown;
  /** Processes at most; they start when they are needed. */
  workers: number;
  /** The task in the user's words, for errors. */
  describe(task: Task): string;
  /** Told when a worker died and its task is given to another. */
  onRetry?(what: string): void;
}

export interface Pool<Task, Result> {
  /**
   * Does a task in one of the processes. What the task throws is thrown here. A process that dies is replaced and its task
   * tried once more; throws WORKER_DIED when that one dies too.
   */
  run(task: Task): Promise<Result>;
  close(): Promise<void>;
}

/** Processes that do tasks, each one at a time. */
export function workerPool<Task, Result>(options: PoolOptions<Task>): Pool<Task, Result> {
  const { workers, describe, onRetry } = options;
  const limit = pLimit(workers);
  const all = new Set<Worker>();
  const idle: Worker[] = [];
  let next = 0;

  const attempt = async (task: Task): Promise<Result> => {
    let worker = idle.pop();
    while (worker && !worker.isAlive()) worker = idle.pop();
    worker ??= await startWorker(options);
    all.add(worker);
    try {
      const result = await worker.ask({ id: next++, task });
      idle.push(worker);
      return result as Result;
    } catch (error) {
      if (error instanceof Died) all.delete(worker);
      else idle.push(worker);
      throw error;
    }
  };
  return {
    run: (task) =>
      limit(async () => {
        try {
          return await attempt(task);
        } catch (error) {
          if (!(error instanceof Died)) throw error;
          onRetry?.(`${describe(task)}: its process ended (${error.message}), tried again`);
        }
        try {
          return await attempt(task);
        } catch (error) {
          if (!(error instanceof Died)) throw error;
          throw new GanletError(
            'WORKER_DIED',
            `${describe(task)} must be evaluated, its process ended twice (${error.message})`,
            { hint: 'most often memory is short: set search.workers to 1', cause: error },
          );
        }
      }),
    async close() {
      limit.clearQueue();
      await Promise.all([...all].map((worker) => worker.stop()));
    },
  };
}

class Died extends Error {}

interface Worker {
  isAlive(): boolean;
  ask(request: Request): Promise<unknown>;
  stop(): Promise<void>;
}

/** A process that has been given the setup. Throws what its preparation throws. */
async function startWorker({ entry, setup }: Pick<PoolOptions<never>, 'entry' | 'setup'>): Promise<Worker> {
  const child = fork(fileURLToPath(entry), {
    execArgv: entry.pathname.endsWith('.ts') ? process.execArgv : [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  const worker: Worker = {
    isAlive,
    ask: (request) => ask(child, request),
    async stop() {
      if (!isAlive()) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
  try {
    await worker.ask({ setup });
  } catch (error) {
    await worker.stop();
    throw error;
  }
  return worker;
}

function ask(child: ChildProcess, request: Request): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
    };
    const onMessage = (reply: Reply) => {
      settle();
      if ('error' in reply) reject(revived(reply.error));
      else resolve('result' in reply ? reply.result : undefined);
    };
    const onExit = (code: number | null, signal: string | null) => {
      settle();
      reject(new Died(signal ?? `exit status ${code}`));
    };
    const onError = (error: Error) => {
      settle();
      reject(new Died(error.message));
    };
    child.on('message', onMessage).on('exit', onExit).on('error', onError);
    if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
    else child.send(request, (error) => error && onError(error));
  });
}

/**
 * The module `name` beside that of `url`, in a form that Node can run by itself: sources as they were built into `dist`,
 * unless this process runs sources as well (tsx).
 */
export function entryBeside(url: string, name: string): URL {
  if (!url.endsWith('.ts')) return new URL(`./${name}.js`, url);
  if (process.execArgv.some((argument) => argument.includes('tsx'))) return new URL(`./${name}.ts`, url);
  return new URL(`./${name}.js`, url.replace(/\/src\/(?!.*\/src\/)/, '/dist/'));
}
