import { stages } from '../../recipe/names.ts';
import { choices } from '../options.ts';
import { recipeOptions, recipePositionals, runStages } from '../recipe-verb.ts';
import { defineVerb } from '../verb.ts';

export const run = defineVerb({
  command: 'run <recipe>',
  describe: 'Run all stages of a recipe; what is done already is skipped',
  positionals: recipePositionals,
  options: {
    ...recipeOptions,
    stages: choices('--stages', 'Only these stages, separated by commas', stages),
  },
  examples: [
    ['ganlet run recipes/quickstart.yaml', 'a first student'],
    ['ganlet run my.yaml --set distill.steps=50 --out runs/short', 'with another number of steps'],
    ['ganlet run my.yaml --stages evaluate,table', 'measure again'],
  ],
  run: (args) => runStages(args, args.stages),
});
