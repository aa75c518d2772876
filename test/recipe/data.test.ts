import { describe, expect, test } from 'vitest';
import { recipeJsonSchemaText } from '../../src/recipe/json-schema.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { sources } from '../../src/recipe/sources.ts';
import { problemsOf, recipeFile, teacherRecipe } from './recipe-file.ts';

const withData = (data: string) => teacherRecipe.replace('{source: openmoji, size: 32}', data);

describe('source: hub:owner/name', () => {
  test('is short for hub and its repo', () => {
    const { data } = loadRecipe(recipeFile(withData('{source: "hub:uoft-cs/cifar10", size: 32}'))).recipe;
    expect(data).toMatchObject({ source: 'hub', repo: 'uoft-cs/cifar10' });
    const file = recipeFile(teacherRecipe);
    expect(loadRecipe(file, { set: ['data.source=hub:a/b'] }).recipe.data.repo).toBe('a/b');
  });

  test('has no repo besides', () => {
    expect(problemsOf(withData('{source: "hub:a/b", repo: c/d, size: 32}'))).toBe(
      'quick.yaml:2:33  data.repo must be left out where data.source is hub:a/b',
    );
  });

  test('is refused in another form, with the words there are', () => {
    const problem = problemsOf(withData('{source: "hub:a", size: 32}'));
    expect(problem).toMatch(
      /^quick\.yaml:2:16 {2}data\.source must be "openmoji", .* or "hub:owner\/name", got "hub:a"$/,
    );
  });
});

test.each([
  [
    'keys of other sources',
    'openmoji',
    ['data.labels=3', 'data.edges=true', 'data.styles=[noto]', 'data.aligned=true', 'data.from=noto'],
    [
      '--set data.labels=3  data.labels must be left out for the source openmoji: it is for emoji-labels and labelmap',
      '--set data.edges=true  data.edges must be left out for the source openmoji: it is for labelmap',
      '--set data.from=noto  data.from must be left out for the source openmoji: it is for emoji-pairs and emoji-labels',
      '--set data.aligned=true  data.aligned must be left out for the source openmoji: it is for emoji-pairs',
      '--set data.styles=[noto]  data.styles must be left out for the source openmoji: it is for emoji-classes',
    ],
  ],
  [
    'keys of files, for emoji',
    'emoji-labels',
    ['data.direction=BtoA', 'data.onBadImage=skip', 'data.greyscale=expand', 'data.channels.condition=1'],
    [
      '--set data.direction=BtoA  data.direction must be left out for the source emoji-labels: it is for aligned, folders, unpaired, parquet and hub',
      '--set data.onBadImage=skip  data.onBadImage must be left out for the source emoji-labels: it is for aligned, folders, unpaired, labelmap, folder, parquet and hub',
      '--set data.greyscale=expand  data.greyscale must be left out for the source emoji-labels: it is for aligned, folders, unpaired, labelmap, folder, parquet and hub',
      '--set data.channels.condition=1  data.channels.condition must be left out for the source emoji-labels, whose conditions are no pictures',
    ],
  ],
  [
    'keys of pictures, for label maps',
    'labelmap',
    ['data.path=x', 'data.labels=3', 'data.direction=BtoA', 'data.channels.condition=1'],
    [
      '--set data.direction=BtoA  data.direction must be left out for the source labelmap: it is for aligned, folders, unpaired, parquet and hub',
      '--set data.channels.condition=1  data.channels.condition must be left out for the source labelmap, whose conditions are no pictures',
    ],
  ],
  [
    'keys of pairs, for columns of classes',
    'parquet',
    ['data.path=x', 'data.columns.image=img', 'data.direction=BtoA', 'data.channels.condition=1'],
    [
      '--set data.direction=BtoA  data.direction must be left out for the source parquet, whose conditions are no pictures',
      '--set data.channels.condition=1  data.channels.condition must be left out for the source parquet, whose conditions are no pictures',
    ],
  ],
  [
    'label maps that are not counted',
    'labelmap',
    ['data.path=x'],
    [
      'quick.yaml:2:1  data.labels must be given for the source labelmap: how many labels there are, or their names',
    ],
  ],
  [
    'a label that is said to be none',
    'labelmap',
    ['data.path=x', 'data.labels=20', 'data.dontCare=19'],
    ['--set data.dontCare=19  data.dontCare must be at least 20, as smaller values are labels, got 19'],
  ],
  [
    'labels of one name',
    'labelmap',
    ['data.path=x', 'data.labels=[a, b, a]'],
    ['--set data.labels=[a, b, a]  data.labels must not name anything twice'],
  ],
  [
    'names for colours',
    'emoji-labels',
    ['data.labels=[red, blue]'],
    [
      '--set data.labels=[red, blue]  data.labels must be a number for the source emoji-labels: its labels are colours',
    ],
  ],
  [
    'pairs of the same',
    'emoji-pairs',
    ['data.from=noto'],
    ['quick.yaml:2:1  data.to must not be data.from, noto: nothing would be left to learn'],
  ],
  [
    'columns of pairs and of single pictures',
    'parquet',
    ['data.path=x', 'data.columns.a=x', 'data.columns.image=y', 'data.columns.label=z'],
    [
      '--set data.columns.image=y  data.columns.image must be left out where a or b is given: those are of pairs',
    ],
  ],
])('%s are refused', (_what, source, set, said) => {
  expect(problemsOf(withData(`{source: ${source}, size: 32}`), set).split('\n')).toEqual(said);
});

test('keys that a source has no use for may be written out as they usually are', () => {
  const data = {
    labelmap: 'path: x, labels: 3, direction: AtoB, greyscale: expand, onBadImage: skip',
    'emoji-pairs': 'onBadImage: error, channels: {condition: 1}',
    'emoji-classes': 'greyscale: reject, channels: {condition: 3, image: 1}',
    parquet: 'path: x, direction: BtoA, channels: {condition: 1}',
  };
  for (const [source, keys] of Object.entries(data)) {
    const file = recipeFile(withData(`{source: ${source}, size: 32, ${keys}}`));
    expect(loadRecipe(file).recipe.data.source).toBe(source);
  }
});

test('every source says its own, and the schema all of it', () => {
  for (const [name, { says }] of Object.entries(sources))
    expect(recipeJsonSchemaText()).toContain(`${name}: ${says}`);
});
