import { GanletError } from '../util/errors.ts';

/** What stopped a run, in our words: most often memory, or an attribute that no check has seen. */
export function failed(engine: string, what: string, cause: unknown): GanletError {
  const reason = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
  const memory = /bad.?alloc|allocate memory|out of memory|OOM|allocation failed/i.test(reason);
  return new GanletError(
    memory ? 'MEMORY_SHORT' : 'RUN_FAILED',
    `${engine} must run ${what}, it did not: ${reason}`,
    {
      hint: memory
        ? 'use smaller images, batches or networks'
        : `check the node that is named; a network that ${engine} runs by itself is worth a bug report`,
      cause,
    },
  );
}
