import { join } from 'node:path';
import { backends, providers, type Stage } from '../recipe/names.ts';
import { interruptible } from './interrupt.ts';
import { choice, largest, text, usageError, whole } from './options.ts';
import { defineVerb, type Verb } from './verb.ts';

export const recipePositionals = {
  recipe: { type: 'string', demandOption: true, describe: 'A recipe, for example recipes/quickstart.yaml' },
} as const;

/** Options that all kinds of recipes have. */
export const sharedOptions = {
  out: text('--out', 'Folder of the run; by default runs/<name of the recipe>'),
  set: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'Change a key of the recipe, as in --set distill.steps=10; once for each',
  },
  seed: whole('--seed', 'Change the seed of the recipe'),
  provider: choice('--provider', 'Where ONNX Runtime computes', providers),
  threads: whole(
    '--threads',
    'Threads for arithmetic; by default as many as there are cores',
    1,
    largest.threads,
  ),
  'dry-run': { type: 'boolean', default: false, describe: 'Say what would be done, and do nothing' },
} as const;

export const recipeOptions = {
  ...sharedOptions,
  backend: choice('--backend', 'What computes; by default the fastest on this machine', backends),
} as const;

export interface RecipeArguments {
  recipe: string;
  out: string | undefined;
  set: string[] | undefined;
  seed: number | undefined;
  provider: string | undefined;
  backend: string | undefined;
  threads: number | undefined;
  dryRun: boolean;
  debug: boolean;
  quiet: boolean;
}

/** Loads the recipe and runs it; with `stages` only those, and what they need. */
export async function runStages(args: RecipeArguments, stages?: readonly Stage[]): Promise<void> {
  const { loadRecipe, requireFiles } = await import('../recipe/load.ts');
  const { set, seed, provider, threads, dryRun, debug, quiet } = args;
  const backend = backendOf(args);
  if (args.recipe === '') throw usageError('<recipe> must be some text, got ""');
  const loaded = loadRecipe(args.recipe, { set, seed, provider, threads, backend });
  requireFiles(loaded);
  const out = args.out ?? join('runs', loaded.recipe.name);
  const { runRecipe } = await import('../pipeline/run.ts');
  const { stageRunners } = await import('./stage-runners.ts');
  await interruptible(() =>
    runRecipe(loaded, stageRunners, { out, dryRun, debug, quiet, ...(stages && { stages: [...stages] }) }),
  );
}

/** Who names a provider means ONNX Runtime. */
export function backendOf({
  backend,
  provider,
}: Pick<RecipeArguments, 'backend' | 'provider'>): string | undefined {
  return backend ?? (provider === undefined ? undefined : 'onnxruntime');
}

/** The verb that runs one stage. */
export function stageVerb(stage: Stage, describe: string): Verb {
  return defineVerb({
    command: `${stage} <recipe>`,
    describe,
    positionals: recipePositionals,
    options: recipeOptions,
    run: (args) => runStages(args, [stage]),
  });
}
