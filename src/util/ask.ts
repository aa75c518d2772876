import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { formatDuration } from './format.ts';

/** What a probe found: whether the thing asked for works, and what it is or why it does not, in one line. */
export interface Answer {
  ok: boolean;
  found: string;
}

/**
 * Runs `node <program> <what>` for something that may crash or hang. The program prints a line of JSON, an `Answer`; another end,
 * or none within `timeout` milliseconds, is an answer as well.
 */
export function askProgram(program: URL, what: string, timeout: number): Promise<Answer> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const given = [fileURLToPath(program), what];
    execFile(process.execPath, given, { timeout, killSignal: 'SIGKILL' }, (error, stdout) => {
      const late = performance.now() - begun >= timeout;
      const last = stdout.trim().split('\n').at(-1)!;
      if (last.startsWith('{')) resolve(JSON.parse(last));
      else if (late) resolve({ ok: false, found: `no answer within ${formatDuration(timeout)}` });
      else
        resolve({
          ok: false,
          found: `trying it ended the process with ${error?.signal ?? `status ${error?.code}`}`,
        });
    });
  });
}
