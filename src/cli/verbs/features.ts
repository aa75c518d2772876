import { join } from 'node:path';
import { interruptible } from '../interrupt.ts';
import { usageError } from '../options.ts';
import { backendOf, recipeOptions } from '../recipe-verb.ts';
import { defineVerb } from '../verb.ts';

export const features = defineVerb({
  command: 'features <recipe>',
  describe: 'Train a network whose features tell pictures apart, for distances between sets of them',
  positionals: {
    recipe: {
      type: 'string',
      demandOption: true,
      describe: 'A recipe of this kind, for example recipes/features/emoji.yaml',
    },
  },
  options: recipeOptions,
  examples: [['ganlet features recipes/features/emoji.yaml', 'the network of FD-emoji-64']],
  async run(args) {
    const { loadFeaturesRecipe } = await import('../../recipe/features.ts');
    const { set, seed, provider, threads, dryRun, debug, quiet } = args;
    if (args.recipe === '') throw usageError('<recipe> must be some text, got ""');
    const backend = backendOf(args);
    const loaded = loadFeaturesRecipe(args.recipe, { set, seed, provider, threads, backend });
    const out = args.out ?? join('runs', loaded.recipe.name);
    const { trainFeatures } = await import('../../pipeline/features.ts');
    await interruptible(() => trainFeatures(loaded, { out, dryRun, debug, quiet }));
  },
});
