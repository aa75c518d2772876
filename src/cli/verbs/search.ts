import { text } from '../options.ts';
import { recipeOptions, recipePositionals, runStages } from '../recipe-verb.ts';
import { defineVerb } from '../verb.ts';

export const search = defineVerb({
  command: 'search <recipe>',
  describe: 'Choose the widths of the student within a budget',
  positionals: recipePositionals,
  options: {
    ...recipeOptions,
    widths: text('--widths', 'A vector given by hand, as in 32_24_16: no search'),
  },
  examples: [
    ['ganlet search my.yaml --set search.budget=0.1x', 'a tenth of the multiply-adds of the teacher'],
    ['ganlet search my.yaml --widths 16_16_24_16_32_32_16_16', 'cut out and score these widths'],
  ],
  run: ({ widths, ...args }) =>
    runStages(
      { ...args, set: [...(args.set ?? []), ...(widths === undefined ? [] : [`search.widths="${widths}"`])] },
      ['search'],
    ),
});
