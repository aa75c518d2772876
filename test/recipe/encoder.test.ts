import { expect, test } from 'vitest';
import { loadRecipe } from '../../src/recipe/load.ts';
import { problemsOf, recipeFile, studentRecipe } from './recipe-file.ts';

const latent = studentRecipe.replace(
  '{type: resnet, baseWidth: 8}',
  '{type: spade, baseWidth: 8, latent: 16}',
);
const encoded = latent.replace('latent: 16', 'latent: 16, encoder: true');
const ignored =
  'it would learn to take no notice of vectors that are drawn at random; or set those weights to 0';
const known = 'for a teacher with a latent vector: what a vector gives is known of the teacher alone';

test('a latent vector comes with an encoder, or is not compared with true pictures', () => {
  expect(problemsOf(latent, ['teacher.train.lambdaFeature=10'])).toBe(
    `quick.yaml:4:3  teacher.generator.encoder must be true where a teacher with a latent vector is compared with true pictures (lambdaRecon 100, lambdaFeature 10): ${ignored}`,
  );
  expect(problemsOf(latent, ['teacher.train.lambdaRecon=0', 'teacher.train.lambdaPerceptual=1'])).toContain(
    `(lambdaPerceptual 1): ${ignored}`,
  );
  const set = ['teacher.train.lambdaRecon=0'];
  expect(loadRecipe(recipeFile(latent), { set }).recipe.teacher).toMatchObject({ generator: { latent: 16 } });
  const more = ['teacher.train.lambdaKl=0.1'];
  expect(loadRecipe(recipeFile(encoded), { set: more }).recipe.teacher).toMatchObject({
    generator: { latent: 16, encoder: true },
    train: { lambdaKl: 0.1, lambdaRecon: 100 },
  });
});

test.each([
  [
    ['teacher.generator.latent=0'],
    'teacher.generator.encoder must be left out where teacher.generator.latent is 0: there is no vector for a picture; or give latent, as 256 in GauGAN',
  ],
  [
    ['teacher.generator.encoder=false', 'teacher.train.lambdaKl=1', 'teacher.train.lambdaRecon=0'],
    'teacher.train.lambdaKl must be left out where teacher.generator.encoder is not true',
  ],
  [['teacher.train.lambdaKl=0'], 'teacher.train.lambdaKl must be a number above 0'],
  [['distill.reconTarget=truth'], `distill.reconTarget must be "auto" or "teacher" ${known}`],
])('%j is refused', (set, said) => {
  expect(problemsOf(encoded, set)).toContain(said);
});

test('a student that learns along has no use for it', () => {
  const yaml = encoded
    .replace(/distill:.*/, 'online: {}')
    .replace('{baseWidth: 4}', '{baseWidth: 4, initFrom: random}');
  expect(problemsOf(yaml)).toBe(
    'quick.yaml:4:63  teacher.generator.encoder must be left out where online is: a student that learns along has no use for it',
  );
});

test('other networks have no encoder', () => {
  expect(problemsOf(studentRecipe, ['teacher.generator.encoder=true'])).toContain('encoder');
  expect(problemsOf(studentRecipe, ['teacher.train.lambdaKl=1'])).toContain(
    'teacher.train.lambdaKl must be left out where teacher.generator.encoder is not true',
  );
});
