import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** The command line as it is installed: `npm run build` writes it. */
export const program = join(import.meta.dirname, '../../dist/cli/main.js');
if (!existsSync(program)) throw new Error(`${program} is missing: run npm run build first`);

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** A folder of its own for one test, with the given files; it is gone when the test ends. */
export function folderWith(files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'ganlet-cli-'));
  // A bundle that was unpacked takes a while to delete.
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }), 60_000);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** Runs the command line as a user does, in `cwd`, to its end. */
export function ganlet(args: readonly string[], cwd = folderWith(), env: NodeJS.ProcessEnv = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** A module of the built package, typed by its source. */
export function built(path: string): string {
  return new URL(path, `file://${dirname(dirname(program))}/`).href;
}
