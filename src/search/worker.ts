import { GanletError } from '../util/errors.ts';

/** What a pool sends its workers, and what they answer. */
export type Request = { setup: unknown } | { id: number; task: unknown };
export type Reply = { ready: true } | { id: number; result: unknown } | { id?: number; error: PlainError };

interface PlainError {
  message: string;
  code?: string;
  hint?: string;
  stack?: string;
}

/**
 * Makes this process a worker of a pool: `prepare` is given the pool's setup, once, and returns what does the tasks, one at a
 * time. The process ends with the one that started it.
 */
export function serve<Setup, Task, Result>(
  prepare: (setup: Setup) => Promise<(task: Task) => Promise<Result>>,
): void {
  let perform: ((task: Task) => Promise<Result>) | undefined;
  const reply = (message: Reply) => process.send?.(message);
  process.on('disconnect', () => process.exit());
  process.on('message', async (request: Request) => {
    try {
      if ('setup' in request) {
        perform = await prepare(request.setup as Setup);
        reply({ ready: true });
      } else {
        reply({ id: request.id, result: await perform!(request.task as Task) });
      }
    } catch (error) {
      reply({ ...('id' in request && { id: request.id }), error: plain(error as Error) });
    }
  });
}

function plain(error: Error): PlainError {
  const { message, stack } = error;
  const { code, hint } = error instanceof GanletError ? error : {};
  return { message, ...(code && { code }), ...(hint && { hint }), ...(stack && { stack }) };
}

/** The error a worker told of, as if it had been thrown here. */
export function revived({ message, code, hint, stack }: PlainError): Error {
  const error =
    code === undefined ? new Error(message) : new GanletError(code, message, hint ? { hint } : {});
  if (stack) error.stack = stack;
  return error;
}
