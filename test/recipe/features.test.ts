import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { loadFeaturesRecipe } from '../../src/recipe/features.ts';
import { resolvedYaml } from '../../src/recipe/load.ts';
import { GanletError } from '../../src/util/errors.ts';
import { recipeFile } from './recipe-file.ts';

const short = 'name: tiny\ntrain: {steps: 10}\n';
const load = (yaml: string, set: string[] = []) => loadFeaturesRecipe(recipeFile(yaml), { set }).recipe;

function problems(yaml: string, set: string[] = []): { message: string; hint: string | undefined } {
  const file = recipeFile(yaml);
  try {
    loadFeaturesRecipe(file, { set });
  } catch (error) {
    if (!(error instanceof GanletError)) throw error;
    return { message: error.message.replaceAll(file, 'quick.yaml'), hint: error.hint };
  }
  throw new Error('the recipe was accepted');
}

test('a short recipe gets every default, and its YAML loads to the same', () => {
  const recipe = load(short);
  expect(recipe.data.styles).toEqual(['openmoji', 'noto', 'twemoji', 'fluent-flat']);
  expect(recipe.network).toEqual({ baseWidth: 16, blocks: 1, dimension: 64 });
  expect(recipe.train).toMatchObject({ steps: 10, batch: 32, schedule: 'cosine' });
  expect(load(resolvedYaml(recipe))).toEqual(recipe);
});

test("a folder of packages is relative to the recipe's", () => {
  const file = recipeFile(`${short}data: {path: packages}\n`);
  expect(loadFeaturesRecipe(file).recipe.data.path).toBe(join(dirname(file), 'packages'));
});

test('mistakes are named with their place, all at once, and with how to see the keys', () => {
  expect(
    problems('name: tiny\ndata:\n  styles: [noto]\n  sise: 64\nnetwork: {dimension: 0}\ntrain: {batch: 1}\n'),
  ).toMatchInlineSnapshot(`
    {
      "hint": "\`ganlet schema --for features\` prints every key with its rule and default",
      "message": "quick.yaml:3:11  data.styles must be a list of at least two drawing styles, got a list
    quick.yaml:4:3  data.sise is not a known key, did you mean size?
    quick.yaml:5:22  network.dimension must be a whole number from 1 to 2048, got 0
    quick.yaml:6:1  train.steps must be a whole number of at least 1, got nothing
    quick.yaml:6:16  train.batch must be a whole number from 2 to 4096, got 1",
    }
  `);
});

test('a style is one of those that are known, and once', () => {
  expect(problems(short, ['data.styles=[noto, apple]']).message).toMatchInlineSnapshot(
    `"--set data.styles=[noto, apple]  data.styles.1 must be "openmoji", "noto", "twemoji" or "fluent-flat", got "apple""`,
  );
  expect(problems(short, ['data.styles=[noto, noto]']).message).toMatchInlineSnapshot(
    `"--set data.styles=[noto, noto]  data.styles must not name anything twice"`,
  );
});

test('a recipe of another kind is refused by its keys', () => {
  const { message } = problems('name: tiny\nteacher: {model: a.onnx}\n');
  expect(message).toContain('teacher is not a known key');
});
