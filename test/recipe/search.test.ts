import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadRecipe, resolvedYaml } from '../../src/recipe/load.ts';
import { problemsOf, recipeFile, studentRecipe, teacherRecipe } from './recipe-file.ts';

const searchRecipe = `${teacherRecipe}student: {ratio: 1, separable: true}
supernet: {steps: 10, batch: 2}
search: {budget: 0.1x}
`;

const load = (yaml: string) => loadRecipe(recipeFile(yaml)).recipe;

describe('a search that fits nothing is refused', () => {
  test.each([
    [
      'without a supernet',
      `${studentRecipe}search: {budget: 0.1x}\n`,
      'supernet must be given where search is',
    ],
    [
      'fine-tuning without it',
      `${studentRecipe}finetune: {steps: 1, batch: 1}\n`,
      'search must be given where finetune is',
    ],
    [
      'a uniform baseline without it',
      `${studentRecipe}baselines: [uniform]\n`,
      'baselines must not hold "uniform" where there is no search',
    ],
    [
      'without a budget',
      searchRecipe.replace('budget: 0.1x', 'searcher: random'),
      'search.budget must be given where nothing but quality counts',
    ],
    [
      'features without a quality',
      searchRecipe.replace('0.1x', '0.1x, features: emoji'),
      'search.quality must be given where search.features is',
    ],
    [
      'features for a distance without',
      searchRecipe.replace('0.1x', '0.1x, quality: teacher-l1, features: emoji'),
      'search.features must be left out for the quality teacher-l1',
    ],
    [
      'objectives without quality',
      searchRecipe.replace('0.1x', '0.1x, objectives: [macs]'),
      'search.objectives must hold "quality"',
    ],
    [
      'more finalists than vectors',
      searchRecipe.replace('0.1x', '0.1x, searcher: random, evaluations: 3'),
      'search.finalists must be at most 3',
    ],
    [
      'widths drawn near a budget that is not there',
      `${teacherRecipe}student: {ratio: 1}\nsupernet: {steps: 1, batch: 1, sampling: budget}\n`,
      'supernet.sampling must not be "budget" without a search.budget',
    ],
    [
      'widths drawn near a latency',
      searchRecipe.replace('0.1x', '3ms').replace('supernet: {', 'supernet: {sampling: budget, '),
      'supernet.sampling must not be "budget" where search.budget is a latency',
    ],
    [
      'a budget of nothing known',
      searchRecipe.replace('0.1x', 'soon'),
      "search.budget must be a part of the teacher's multiply-adds (0.1x)",
    ],
    [
      'widths that are none',
      searchRecipe.replace('0.1x', '0.1x, widths: wide'),
      'search.widths must be a width vector, written 32_24_16_…, got "wide"',
    ],
    [
      'a key that is misspelt',
      searchRecipe.replace('0.1x', '0.1x, evolution: {populaton: 3}'),
      'search.evolution.populaton is not a known key, did you mean population?',
    ],
    [
      'kernel alignment of single pictures',
      `${searchRecipe}finetune: {steps: 1, batch: 1, distill: kernel-alignment}\n`,
      'finetune.batch must be at least 2',
    ],
  ])('%s', (_, yaml, said) => {
    expect(problemsOf(yaml)).toContain(said);
  });

  test('a feature network in a file is looked for from the folder of the recipe', () => {
    const file = recipeFile(searchRecipe.replace('0.1x', '0.1x, quality: frechet, features: own/net.onnx'));
    expect(loadRecipe(file).recipe.search!.features).toBe(join(dirname(file), 'own/net.onnx'));
  });

  test('a front, or a vector by hand, needs no budget', () => {
    load(searchRecipe.replace('budget: 0.1x', 'objectives: [quality, macs]'));
    load(searchRecipe.replace('budget: 0.1x', 'widths: 4_4_4_4_4_4_4_4'));
  });
});

describe('a preset', () => {
  const fast = `${teacherRecipe}preset: fast\nsearch: {budget: 0.1x}\n`;
  const full = fast.replace('preset: fast', 'preset: full');

  test('full: separable teacher, distilled student, supernet, every vector, fine-tuning', () => {
    expect(load(full)).toMatchObject({
      teacher: { generator: { separable: true, baseWidth: 8 } },
      student: { ratio: 0.75, separable: true, initFrom: 'teacher' },
      distill: { steps: 20_000, batch: 4 },
      supernet: { steps: 40_000, batch: 4, from: 'auto' },
      search: { searcher: 'exhaustive', budget: { ofTeacher: 0.1 } },
      finetune: { steps: 20_000, batch: 4 },
    });
  });

  test('fast: the teacher as it is, a supernet of its width from random weights, evolution', () => {
    const recipe = load(fast);
    expect(recipe).toMatchObject({
      teacher: { generator: { separable: false } },
      student: { ratio: 1, separable: true, initFrom: 'random' },
      supernet: { steps: 40_000, from: 'random' },
      search: { searcher: 'evolution' },
    });
    expect(recipe).not.toHaveProperty('finetune');
    expect(recipe).not.toHaveProperty('distill');
    expect(load(`${fast}finetune: {lr: 0.0001}\n`).finetune).toMatchObject({ lr: 1e-4, steps: 20_000 });
  });

  test('online: teacher and student together, a quarter as wide, nothing searched', () => {
    const recipe = load(`${teacherRecipe}preset: online\n`);
    expect(recipe).toMatchObject({
      teacher: { generator: { separable: true, baseWidth: 8 } },
      student: { ratio: 0.25, separable: true, initFrom: 'random' },
      online: {
        lambdaSsim: 10,
        lambdaStyle: 1e4,
        lambdaContent: 10,
        lambdaVariation: 1e-5,
        lambdaChannel: 50,
      },
    });
    for (const section of ['distill', 'supernet', 'search', 'finetune'])
      expect(recipe).not.toHaveProperty(section);
  });

  test('gives way to what is written, and lengths follow from it', () => {
    const recipe = load(
      `${full}student: {baseWidth: 4}\ndistill: {steps: 30, batch: 2, lr: 0.001}\nfinetune: {steps: 5}\n`,
    );
    expect(recipe.student).toMatchObject({ baseWidth: 4, separable: true });
    expect(recipe.student).not.toHaveProperty('ratio');
    expect(recipe.distill).toMatchObject({ steps: 30, batch: 2, lr: 1e-3 });
    expect(recipe.supernet).toMatchObject({ steps: 60, batch: 2 });
    expect(recipe.finetune).toMatchObject({ steps: 5, batch: 2 });
  });

  test('leaves a U-Net dense', () => {
    const recipe = load(full.replace('resnet', 'unet'));
    expect(recipe.student).toMatchObject({ separable: false });
    expect(recipe.search).toMatchObject({ searcher: 'auto' });
    expect(recipe.teacher).not.toHaveProperty('generator.separable');
  });

  test('with a teacher from elsewhere: what it has is separated, and not every vector tried', () => {
    const model = `name: m\ndata: {source: openmoji, size: 64}\nteacher: {model: t.onnx}\nsearch: {budget: 0.1x}\n`;
    expect(load(`${model}preset: full\n`)).toMatchObject({
      student: { ratio: 0.75, separable: 'auto' },
      search: { searcher: 'auto' },
    });
    expect(load(`${model}preset: fast\n`)).toMatchObject({
      student: { ratio: 1, separable: 'auto' },
      search: { searcher: 'evolution' },
    });
  });

  test('is written out in full and reads back the same', () => {
    for (const yaml of [full, fast, searchRecipe]) {
      const recipe = load(yaml);
      expect(load(resolvedYaml(recipe))).toEqual(recipe);
    }
  });

  test('must be a known one, and a budget is still needed', () => {
    expect(problemsOf(fast.replace('preset: fast', 'preset: quick'))).toMatch(
      /preset must be "full", "fast" or "online", got "quick"/,
    );
    expect(problemsOf(fast.replace('search: {budget: 0.1x}\n', ''))).toContain('search.budget must be given');
  });
});
