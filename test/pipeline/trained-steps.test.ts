import { describe, expect, test } from 'vitest';
import { trainedSteps } from '../../src/pipeline/trained-steps.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { problemsOf, recipeFile, studentRecipe, teacherRecipe } from '../recipe/recipe-file.ts';

const searched = `${teacherRecipe}student: {baseWidth: 8}
supernet: {steps: 30, batch: 2}
search: {budget: 0.5x}
finetune: {steps: 50, batch: 2}
baselines: [naive, uniform]
`;
const steps = (yaml: string, role: 'student' | 'naive' | 'uniform') =>
  trainedSteps(loadRecipe(recipeFile(yaml)).recipe, role);

describe('the steps that went into a network', () => {
  test('of a searched student are those of supernet and fine-tuning, and its baselines have as many', () => {
    expect(steps(searched, 'student')).toEqual({ supernet: 30, finetune: 50 });
    expect(steps(searched, 'naive')).toEqual({ naive: 80 });
    expect(steps(searched, 'uniform')).toEqual({ uniform: 80 });
  });

  test('of baselines are those of fine-tuning alone where the recipe says so', () => {
    const alone = `${searched}baselineSteps: finetune\n`;
    expect(steps(alone, 'student')).toEqual({ supernet: 30, finetune: 50 });
    expect(steps(alone, 'naive')).toEqual({ naive: 50 });
    expect(steps(alone, 'uniform')).toEqual({ uniform: 50 });
  });

  test('count a distilled start for everything that began with it', () => {
    const distilled = `${searched}distill: {steps: 7, batch: 2}\n`;
    expect(steps(distilled, 'student')).toEqual({ distill: 7, supernet: 30, finetune: 50 });
    expect(steps(distilled, 'naive')).toEqual({ naive: 87 });
    expect(steps(distilled, 'uniform')).toEqual({ distill: 7, uniform: 80 });
  });

  test('without a search are those of distillation', () => {
    const plain = `${studentRecipe}baselines: [naive]\n`;
    expect(steps(plain, 'student')).toEqual({ distill: 10 });
    expect(steps(plain, 'naive')).toEqual({ naive: 10 });
  });

  test('as many as fine-tuning needs a fine-tuning', () => {
    const without = searched.replace(/finetune: .*\n/, 'baselineSteps: finetune\n');
    expect(problemsOf(without)).toContain(
      'baselineSteps must not be "finetune" where there is no finetune section',
    );
  });
});
