import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { GanletError } from '../../util/errors.ts';
import { lockDirectory } from '../../util/lock.ts';

/**
 * Runs `work` while no other download, in this process or another, writes `incomplete`: `folder` is locked for
 * it. Waits for the other as long as its file grows; one that has not for `quiet` milliseconds is an error,
 * RUN_LOCKED.
 */
export async function inTurn<T>(
  folder: string,
  incomplete: string,
  quiet: number,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const begun = Date.now();
  for (;;) {
    signal?.throwIfAborted();
    let lock: { release(): void };
    try {
      lock = lockDirectory(folder);
    } catch (error) {
      if (!(error instanceof GanletError) || error.code !== 'RUN_LOCKED') throw error;
      const grown = await stat(incomplete).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      );
      if (Date.now() - Math.max(grown, begun) > quiet) throw error;
      await sleep(100, undefined, signal && { signal });
      continue;
    }
    try {
      return await work();
    } finally {
      lock.release();
    }
  }
}
