import { describe, expect, test } from 'vitest';
import { buildDiscriminator, buildGenerator } from '../../src/models/generator.ts';
import { spadeGenerator } from '../../src/models/spade.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { spadeWidthCount } from '../../src/recipe/spade.ts';
import { type Upsampling, upsamplings } from '../../src/recipe/upsampling.ts';
import { problemsOf, recipeFile, studentRecipe } from './recipe-file.ts';

const spade = studentRecipe
  .replace('type: resnet', 'type: spade')
  .replace('student:', 'discriminator: {type: multiscale}\nstudent:')
  .replace('size: 32', 'size: 64');

test('a SPADE and a multi-scale discriminator have GauGAN’s defaults, and networks come of them', () => {
  const { teacher, discriminator } = loadRecipe(recipeFile(spade)).recipe;
  if (!('generator' in teacher)) throw new Error('the teacher is to be trained');
  expect(teacher.generator).toEqual({
    type: 'spade',
    baseWidth: 8,
    upsampling: 'fewer',
    norm: 'batch',
    separable: false,
    spectralNorm: true,
    latent: 0,
  });
  expect(discriminator).toEqual({
    type: 'multiscale',
    scales: 2,
    baseWidth: 64,
    layers: 3,
    norm: 'instance',
    spectralNorm: true,
  });
  expect(buildGenerator(teacher.generator, 64, { inputChannels: 9 }).inputs[0]!.shape).toEqual([
    'batch',
    9,
    64,
    64,
  ]);
  const names = buildDiscriminator(discriminator, 64, 12).outputs.map(({ name }) => name);
  expect(names.filter((name) => name.startsWith('score'))).toEqual(['score/1', 'score/2']);
  expect(names.filter((name) => name.startsWith('feature/'))).toHaveLength(8);
});

test('images of 128 pixels and more start as published, unless the recipe says otherwise', () => {
  const upsampling = (set: string[]) => {
    const { teacher } = loadRecipe(recipeFile(spade), { set }).recipe;
    return 'generator' in teacher && teacher.generator.type === 'spade' && teacher.generator.upsampling;
  };
  expect(upsampling(['data.size=128'])).toBe('normal');
  expect(upsampling(['data.size=128', 'teacher.generator.upsampling=more'])).toBe('more');
});

describe('what does not fit is told before anything runs', () => {
  test.each([
    [
      ['data.size=40'],
      'data.size must be a multiple of 16: a spade generator with upsampling "fewer" doubles',
    ],
    [
      ['teacher.generator.upsampling=most'],
      'data.size must be a multiple of 128: a spade generator with upsampling',
    ],
    [
      ['discriminator.scales=5'],
      'data.size must be at least 128 for a multiscale discriminator of 5 scales and 3',
    ],
    [
      ['teacher.generator.upsampling=always'],
      'teacher.generator.upsampling must be "fewer", "normal", "more" or "most", got "always"',
    ],
  ])('%j', (set, said) => {
    expect(problemsOf(spade, set)).toContain(said);
  });

  test('widths that are not eight', () => {
    const yaml = spade.replace('{baseWidth: 4}', '{widths: [4, 4, 4]}');
    expect(problemsOf(yaml)).toContain('student.widths must be 8 numbers for a spade teacher, got 3');
  });
});

test.each(Object.keys(upsamplings) as Upsampling[])(
  'a vector for "%s" has as many numbers as the generator takes',
  (upsampling) => {
    const widths = new Array(spadeWidthCount(upsampling)).fill(1);
    expect(() => spadeGenerator({ baseWidth: 1, labels: 2, upsampling, widths })).not.toThrow();
  },
);
