import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recipeFiles } from '../../src/cli/bundle/recipe-files.ts';
import { openSource } from '../../src/data/index.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { emojiPackages } from '../support/emoji-packages.ts';
import { folderWith } from './ganlet.ts';

const recipe = (data: string) => `name: tiny
data: {${data}, size: 16}
teacher:
  generator: {type: resnet, baseWidth: 2, blocks: 1}
  train: {steps: 1, batch: 1}
discriminator: {type: patch, baseWidth: 2, layers: 1}
student: {ratio: 0.5}
distill: {steps: 1, batch: 1}
evaluate: {metrics: [l1]}
`;

/** Collects the files of a recipe and lays them out as a bundle is unpacked. Returns the folder, and the files' places. */
async function laidOut(data: string): Promise<{ folder: string; paths: string[]; packages: string[] }> {
  const folder = folderWith({ 'my.yaml': recipe(data) });
  emojiPackages(folder, 12);
  const [scratch, unpacked] = [join(folder, 'scratch'), join(folder, 'unpacked')];
  mkdirSync(scratch);
  const { files, packages, recipe: moved } = await recipeFiles(join(folder, 'my.yaml'), scratch);
  for (const { path, from } of files) {
    mkdirSync(join(unpacked, path, '..'), { recursive: true });
    writeFileSync(join(unpacked, path), readFileSync(from));
  }
  writeFileSync(join(unpacked, 'recipe.yaml'), moved);
  return { folder: unpacked, paths: files.map(({ path }) => path), packages };
}

test.each([
  [
    'source: emoji-pairs, from: twemoji, path: .',
    ['openmoji', '@iconify-json/noto', '@iconify-json/twemoji'],
  ],
  [
    'source: emoji-pairs, from: fluent-flat, to: openmoji, path: .',
    ['openmoji', '@iconify-json/fluent-emoji-flat'],
  ],
  ['source: openmoji, path: node_modules/openmoji', []],
])('a bundle for {%s} has the packages it draws from, and what is drawn', async (data, expected) => {
  const { folder, paths, packages } = await laidOut(data);
  // They lie in the recipe's own folder, so ganlet's need not be packed.
  expect(packages).toEqual([]);
  const manifests = paths.filter((path) => /^data\/node_modules\/.*package\.json$/.test(path));
  expect(manifests.toSorted()).toEqual(
    expected.map((name) => `data/node_modules/${name}/package.json`).toSorted(),
  );
  expect(paths.filter((path) => path.startsWith('cache/')).length).toBeGreaterThan(1);

  // Nothing is drawn over there: the cache has it.
  const { recipe: there } = loadRecipe(join(folder, 'recipe.yaml'));
  const drawn = async (cache: string) => {
    let count = 0;
    await openSource({ ...there.data, cache: join(folder, cache), onProgress: () => count++ } as never);
    return count;
  };
  expect(await drawn('cache')).toBe(0);
  expect(await drawn('elsewhere')).toBeGreaterThan(0);
});
