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
   * tried once more; throws WORKER_DIED when that one dies too, and POOL_CLOSED where the pool is closed before it is done.
   */
  run(task: Task): Promise<Result>;
  /** Ends all processes, those that are still preparing too, and starts no more. */
  close(): Promise<void>;
}

/** Processes that do tasks, each one at a time. */
export function workerPool<Task, Result>(options: PoolOptions<Task>): Pool<Task, Result> {
  const { workers, describe, onRetry } = options;
  const limit = pLimit(workers);
  const all = new Set<Worker>();
  const idle: Worker[] = [];
  let next = 0;
  let closed = false;

  const start = async (): Promise<Worker> => {
    const worker = forkWorker(options.entry);
    // From now on, so that one that is preparing when the pool is closed ends too.
    all.add(worker);
    try {
      await worker.ask({ setup: options.setup });
      return worker;
    } catch (error) {
      all.delete(worker);
      await worker.stop();
      throw error;
    }
  };
  const attempt = async (task: Task): Promise<Result> => {
    if (closed) throw new Died('the pool is closed');
    let worker = idle.pop();
    while (worker && !worker.isAlive()) worker = idle.pop();
    worker ??= await start();
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
          if (closed) throw stopped(describe(task), error);
          onRetry?.(`${describe(task)}: its process ended (${error.message}), tried again`);
        }
        try {
          return await attempt(task);
        } catch (error) {
          if (!(error instanceof Died)) throw error;
          if (closed) throw stopped(describe(task), error);
          throw new GanletError(
            'WORKER_DIED',
            `${describe(task)} must be evaluated, its process ended twice (${error.message})`,
            { hint: 'most often memory is short: set search.workers to 1', cause: error },
          );
        }
      }),
    async close() {
      closed = true;
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

function stopped(what: string, cause: Error): GanletError {
  return new GanletError('POOL_CLOSED', `${what} must be done before the pool is closed, it was not`, {
    cause,
  });
}

/** A process that waits for its setup. */
function forkWorker(entry: URL): Worker {
  const child = fork(fileURLToPath(entry), {
    execArgv: entry.pathname.endsWith('.ts') ? process.execArgv : [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  return {
    isAlive,
    ask: (request) => ask(child, request),
    async stop() {
      if (!isAlive()) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
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
