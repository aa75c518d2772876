import { join } from 'node:path';
import { stageRunners } from '../../src/cli/stage-runners.ts';
import { runRecipe } from '../../src/pipeline/run.ts';
import { loadRecipe, requireFiles } from '../../src/recipe/load.ts';
import { GanletError } from '../../src/util/errors.ts';

export interface HereOptions {
  /** Folder of the run, in the folder. */
  out?: string;
  set?: string[];
  stages?: string[];
}

/**
 * Runs `tiny.yaml` in a folder as `ganlet run --quiet` does, in this process: a second cheaper where the process is not the point.
 * Gives the error as the command line writes it, or nothing.
 */
export async function runHere(
  folder: string,
  { out = 'runs/tiny', set = [], stages }: HereOptions = {},
): Promise<string> {
  try {
    const loaded = loadRecipe(join(folder, 'tiny.yaml'), { set });
    requireFiles(loaded);
    const options = { out: join(folder, out), dryRun: false, debug: false, quiet: true };
    await runRecipe(loaded, stageRunners, { ...options, ...(stages && { stages }) });
    return '';
  } catch (error) {
    if (!(error instanceof GanletError)) throw error;
    const { message, hint } = error;
    return `error: ${message.replaceAll('\n', '\n       ')}\n${hint === undefined ? '' : `  help: ${hint}\n`}`;
  }
}
