import { describe, expect, test } from 'vitest';
import { loadRecipe } from '../../src/recipe/load.ts';
import { problemsOf, recipeFile, studentRecipe } from './recipe-file.ts';

const classes = studentRecipe.replace('{type: resnet, baseWidth: 8}', '{type: sngan, baseWidth: 8}');
const projected = `${classes}discriminator: {type: projection}\n`;
const why = 'no picture says what a class and a latent vector must become';

describe('an sngan teacher', () => {
  test('is not compared with pictures, its student with the teacher', () => {
    const { recipe } = loadRecipe(recipeFile(projected));
    expect(recipe.teacher).toMatchObject({
      generator: { type: 'sngan', baseWidth: 8, latent: 128, norm: 'batch', separable: false },
      train: { lambdaRecon: 0 },
    });
    expect(recipe.discriminator).toEqual({ type: 'projection', baseWidth: 64, spectralNorm: true });
    expect(recipe.distill).toMatchObject({ lambdaRecon: 100, reconTarget: 'auto' });
    const other = loadRecipe(recipeFile(studentRecipe)).recipe;
    expect(other.teacher).toMatchObject({ train: { lambdaRecon: 100 } });
  });

  test.each([
    [
      ['teacher.train.lambdaRecon=1'],
      `--set teacher.train.lambdaRecon=1  teacher.train.lambdaRecon must be 0 for an sngan teacher: ${why}`,
    ],
    [
      ['distill.reconTarget=truth'],
      `--set distill.reconTarget=truth  distill.reconTarget must be "auto" or "teacher" for an sngan teacher: ${why}`,
    ],
    [['data.size=48'], '--set data.size=48  data.size must be a power of two for an sngan generator, got 48'],
    [
      ['student={widths: [4, 4]}'],
      '--set student={widths: [4, 4]}  student.widths must be 7 numbers for an sngan teacher of this size, got 2',
    ],
    [
      ['teacher.generator.latent=0'],
      '--set teacher.generator.latent=0  teacher.generator.latent must be a whole number from 1 to 4096, got 0',
    ],
  ])('%s', (set, said) => {
    expect(problemsOf(projected, set)).toBe(said);
  });
});

test('a projection discriminator wants sides that can be halved to 4', () => {
  const yaml = `${studentRecipe}discriminator: {type: projection}\n`;
  expect(problemsOf(yaml, ['data.size=40'])).toBe(
    '--set data.size=40  data.size must be a power of two for a projection discriminator, got 40',
  );
});
