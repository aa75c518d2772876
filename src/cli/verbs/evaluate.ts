import { statSync } from 'node:fs';
import { folderMetrics, resizeWords } from '../../metrics/metric-names.ts';
import { choice, choices, largest, text, usageError, whole } from '../options.ts';
import { recipeOptions, runStages } from '../recipe-verb.ts';
import { defineVerb } from '../verb.ts';

const help = 'ganlet evaluate --help lists its arguments';

/** Options that only two folders have, and those that only a recipe has. */
const forFolders = ['metrics', 'features', 'lpips', 'resize', 'stats', 'batch', 'splits', 'json'] as const;
const forRecipes = ['set', 'dryRun'] as const;

export const evaluate = defineVerb({
  command: 'evaluate <recipe> [made]',
  describe: 'Measure the networks of a run, or one folder of pictures against another',
  positionals: {
    recipe: { type: 'string', demandOption: true, describe: 'A recipe; or the folder of real pictures' },
    made: { type: 'string', describe: 'The folder of made pictures, instead of a recipe' },
  },
  options: {
    ...recipeOptions,
    out: text('--out', 'Folder of the run, by default runs/<name>; of two folders, a JSON file to write'),
    metrics: choices('--metrics', 'Folders: what to measure; by default fid', folderMetrics),
    features: text(
      '--features',
      'Folders: feature network: inception (default), vgg16, emoji (offline), or an .onnx file with a card',
    ),
    lpips: text('--lpips', 'Folders: network of LPIPS: alex (default), vgg, squeeze, or an .onnx file'),
    resize: choice(
      '--resize',
      'Folders: how pictures come to the network’s size: clean is pil-bicubic, legacy is tf1',
      resizeWords,
    ),
    stats: text(
      '--stats',
      'Folders: .npz with statistics of real pictures: read, or written if it is not there',
    ),
    batch: whole('--batch', 'Folders: pictures at once; by default 16', 1, largest.batch),
    splits: whole('--splits', 'Folders: splits of the Inception Score; by default 10', 1, 1000),
    json: { type: 'boolean', default: false, describe: 'Folders: print JSON' },
  },
  examples: [
    ['ganlet evaluate my.yaml', 'the networks of a run'],
    ['ganlet evaluate --metrics fid,kid real/ fake/', 'two folders of pictures'],
    ['ganlet evaluate --metrics fid --features emoji real/ fake/', 'without a download'],
  ],
  async run(args) {
    const { recipe, made, stats, metrics = ['fid'] } = args;
    const given = (names: readonly (keyof typeof args)[]) =>
      names.find((name) => args[name] !== undefined && args[name] !== false);
    if (made === undefined && !isFolder(recipe)) {
      const extra = given(forFolders);
      if (extra !== undefined) {
        const what = extra === 'metrics' || extra === 'features' ? `a recipe has evaluate.${extra}` : help;
        throw usageError(`--${extra} is for two folders of pictures, ${recipe} is neither`, what);
      }
      return runStages(args, ['evaluate']);
    }
    const extra = given(forRecipes);
    if (extra !== undefined) {
      throw usageError(`--${extra === 'dryRun' ? 'dry-run' : extra} is for recipes, not for folders`, help);
    }
    if (stats !== undefined && !metrics.includes('fid')) {
      throw usageError('--stats is for the metric fid, which is not among --metrics', help);
    }
    if (stats !== undefined && !/\.npz$/i.test(stats)) {
      throw usageError(`--stats must be an .npz file, got "${stats}"`, help);
    }
    for (const [name, path] of Object.entries({ '<recipe>': recipe, '[made]': made })) {
      if (path === '') throw usageError(`${name} must be some text, got ""`, help);
    }
    const { evaluateFolders } = await import('../evaluate-folders.ts');
    const { features, lpips, resize, batch, threads, provider, seed, splits, json, out, quiet } = args;
    const folders = made === undefined ? { real: null, made: recipe } : { real: recipe, made };
    await evaluateFolders({
      ...folders,
      ...{
        metrics,
        features,
        lpips,
        resize,
        stats,
        batch,
        threads,
        provider,
        seed,
        splits,
        json,
        out,
        quiet,
      },
    });
  },
});

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
