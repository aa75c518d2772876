import { splits } from '../../data/source.ts';
import { interruptible } from '../interrupt.ts';
import { choice, text, usageError, whole } from '../options.ts';
import { recipePositionals, sharedOptions } from '../recipe-verb.ts';
import { defineVerb } from '../verb.ts';

export const data = defineVerb({
  command: 'data <recipe>',
  describe: 'Show what training will see: a sheet of pictures, and numbers',
  positionals: recipePositionals,
  options: {
    out: text('--out', 'The picture to write; by default <name of the recipe>-data.png'),
    count: whole('--count', 'Rows of the sheet; by default 8', 1, 64),
    split: choice('--split', 'Which part of the data; by default train, with its augmentation', splits),
    set: sharedOptions.set,
    seed: sharedOptions.seed,
    json: { type: 'boolean', default: false, describe: 'Print JSON' },
  },
  examples: [
    ['ganlet data my.yaml', 'before spending an hour on training'],
    ['ganlet data my.yaml --set data.jitter=0.117 --count 16', 'what a larger jitter does'],
  ],
  async run({ recipe: file, out, count = 8, split = 'train', set, seed, json, quiet }) {
    const { loadRecipe, requireFiles } = await import('../../recipe/load.ts');
    if (file === '') throw usageError('<recipe> must be some text, got ""');
    if (out !== undefined && !/\.png$/i.test(out))
      throw usageError(`--out must be the name of a .png file, got ${JSON.stringify(out)}`);
    const loaded = loadRecipe(file, { set, seed });
    const { recipe } = loaded;
    // The data alone is looked at: a teacher may still have to be made.
    requireFiles({ ...loaded, recipe: { ...recipe, teacher: { model: file } } });
    const { openRecipeData } = await import('../../pipeline/open-data.ts');
    const { drawPreview } = await import('../../pipeline/preview.ts');
    const { summarise } = await import('../../data/summary.ts');
    const { printSummary } = await import('../data-summary.ts');
    await interruptible(async () => {
      const source = await openRecipeData(recipe.data, quiet);
      const summary = await summarise(source);
      const sheet = out ?? `${recipe.name}-data.png`;
      const rows = await drawPreview(source, recipe, { file: sheet, split, count });
      const printed = { ...summary, sheet: { file: sheet, split, rows } };
      process.stdout.write(
        json ? `${JSON.stringify(printed, null, 2)}\n` : printSummary(summary, printed.sheet),
      );
    });
  },
});
