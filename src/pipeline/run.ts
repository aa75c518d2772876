import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Source } from '../data/source.ts';
import type { LoadedRecipe } from '../recipe/load.ts';
import { resolvedYaml } from '../recipe/load.ts';
import type { Stage } from '../recipe/names.ts';
import { stages as allStages } from '../recipe/names.ts';
import { removeUnfinished, writeFileAtomic } from '../util/atomic.ts';
import { exists } from '../util/exists.ts';
import { lockDirectory } from '../util/lock.ts';
import { createLog } from '../util/log.ts';
import { progress } from '../util/progress.ts';
import { checkPairing } from './check/pairing.ts';
import { checkTask } from './check/task.ts';
import type { RunContext } from './context.ts';
import { runBackend } from './engine.ts';
import { measureNetworks } from './measure/networks.ts';
import { openRecipeData } from './open-data.ts';
import { describePlan } from './plan.ts';
import { makeDirectory } from './run-directory.ts';
import { checkSearch } from './search/check.ts';
import { needSearchMetric } from './search/metric.ts';
import { needPerceptual } from './train/perceptual.ts';

export interface RunOptions {
  /** Folder of the run. */
  out: string;
  /** Only these stages; all by default. */
  stages?: string[];
  dryRun: boolean;
  debug: boolean;
  quiet: boolean;
}

export type StageRunners = Readonly<Record<Stage, (context: RunContext) => Promise<void>>>;

/**
 * Runs a recipe's stages in order in one folder. A stage whose inputs and settings are those of its last run is skipped, one
 * that was interrupted goes on from its last state. With `dryRun` it prints what would be done and writes nothing.
 * Throws RUN_LOCKED when another process works in the folder.
 */
export async function runRecipe(
  loaded: LoadedRecipe,
  runners: StageRunners,
  options: RunOptions,
): Promise<void> {
  const { recipe } = loaded;
  const { out } = options;
  const log = createLog(options.quiet ? 'warn' : options.debug ? 'debug' : 'info');
  const wanted = allStages.filter((stage) => !options.stages || options.stages.includes(stage));
  const context = createContext(loaded, options, await runBackend(recipe, log, options.debug), log);
  if (wanted.some((stage) => ['supernet', 'search', 'finetune'].includes(stage))) await checkSearch(context);
  if (options.dryRun) {
    process.stdout.write(await describePlan(context, wanted));
    return;
  }
  makeDirectory(out);
  const lock = lockDirectory(out);
  try {
    await removeUnfinished(out);
    const file = join(out, 'recipe.yaml');
    // An earlier run's recipe stays beside its results until this one has gone through.
    if (!exists(file)) await writeFileAtomic(file, resolvedYaml(recipe));
    // What cannot be asked of the teacher needs no network; one that cannot be had is told before hours of training, not after.
    await checkTask(context, wanted);
    if (wanted.includes('evaluate')) await measureNetworks(context);
    await needSearchMetric(context, wanted);
    await needPerceptual(context, wanted);
    for (const stage of wanted) await runners[stage](context);
    await writeFileAtomic(file, resolvedYaml(recipe));
  } finally {
    lock.release();
  }
}

function createContext(
  loaded: LoadedRecipe,
  { out, quiet }: RunOptions,
  backend: RunContext['backend'],
  log: RunContext['log'],
): RunContext {
  const { recipe } = loaded;
  const silent = { write: () => true };
  const cores = availableParallelism();
  if (recipe.threads !== undefined && recipe.threads > cores)
    log.warn(
      `threads is ${recipe.threads}, this machine has ${cores} ${cores === 1 ? 'core' : 'cores'}: ${cores} are used`,
    );
  let source: Promise<Source> | undefined;
  const context: RunContext = {
    out,
    recipe,
    loaded,
    log,
    backend,
    progress: (total, label) => progress({ total, label, ...(quiet && { stream: silent }) }),
    source() {
      source ??= open();
      return source;
    },
  };
  const open = async () => {
    const opened = await openRecipeData(recipe.data, quiet);
    if (opened.skipped.length > 0) log.warn(skippedText(opened.skipped));
    if (opened.doubt !== undefined) log.warn(opened.doubt);
    checkPairing(loaded, opened);
    return opened;
  };
  return context;
}

/** Skipped pictures that are listed by name. */
const listed = 20;

function skippedText(skipped: Source['skipped']): string {
  const lines = skipped.slice(0, listed).map(({ name, reason }) => `\n  ${name} ${reason}`);
  const more = skipped.length > listed ? `\n  and ${skipped.length - listed} more` : '';
  return `${skipped.length} ${skipped.length === 1 ? 'picture is' : 'pictures are'} left out:${lines.join('')}${more}`;
}
