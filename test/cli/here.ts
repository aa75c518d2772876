import { runProgram } from '../../src/cli/program.ts';
import { folderWith, type Outcome, program } from './ganlet.ts';

export interface HereOptions {
  /** Folder of the run, in the folder. */
  out?: string;
  set?: string[];
  stages?: string[];
}

/** Ends with the command line that runs here now. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs the command line in `cwd` as `ganlet` does, but in this process: many times cheaper where the process is not the point. The
 * working folder and the streams are the process's, so they run one after the other.
 */
export function ganletHere(
  args: readonly string[],
  cwd: string = folderWith(),
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const outcome = last.then(() => perform(args, cwd, env));
  last = outcome.catch(() => {});
  return outcome;
}

async function perform(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const before = { cwd: process.cwd(), argv: process.argv, env: process.env };
  const written = { stdout: '', stderr: '' };
  const streams = (['stdout', 'stderr'] as const).map((name) => {
    const own = process[name].write;
    process[name].write = ((chunk: string | Uint8Array) => {
      written[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      return true;
    }) as typeof own;
    return () => {
      process[name].write = own;
    };
  });
  // Help is printed by yargs, and vitest has a console of its own.
  const { log } = console;
  console.log = (text) => process.stdout.write(`${text}\n`);
  process.chdir(cwd);
  process.argv = [process.execPath, program, ...args];
  process.env = { ...before.env, NO_COLOR: '1', ...env };
  try {
    const status = await runProgram([...args]);
    return { status, ...written };
  } finally {
    console.log = log;
    for (const restore of streams) restore();
    process.chdir(before.cwd);
    process.argv = before.argv;
    process.env = before.env;
  }
}

/**
 * Runs `tiny.yaml` in a folder as `ganlet run --quiet` does, in this process. Gives the error as the command line writes it, or
 * nothing where there is none, whatever warnings there were.
 */
export async function runHere(
  folder: string,
  { out = 'runs/tiny', set = [], stages }: HereOptions = {},
): Promise<string> {
  const options = ['--out', out, ...set.flatMap((each) => ['--set', each])];
  if (stages) options.push('--stages', stages.join());
  const { status, stderr } = await ganletHere(['run', 'tiny.yaml', '--quiet', ...options], folder);
  return status === 0 ? '' : stderr;
}
