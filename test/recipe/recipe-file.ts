import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadRecipe } from '../../src/recipe/load.ts';
import { GanletError } from '../../src/util/errors.ts';

/** The smallest recipe that trains a teacher. */
export const teacherRecipe = `name: tiny
data: {source: openmoji, size: 32}
teacher:
  generator: {type: resnet, baseWidth: 8}
  train: {steps: 10, batch: 2}
`;

/** The smallest recipe that distils a student. */
export const studentRecipe = `${teacherRecipe}student: {baseWidth: 4}
distill: {steps: 10, batch: 2}
`;

/** Writes `yaml` as quick.yaml into a folder of its own, gone when the test ends. */
export function recipeFile(yaml: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ganlet-recipe-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'quick.yaml');
  writeFileSync(file, yaml);
  return file;
}

/** Loads `yaml`, which must fail, and gives the message with the folder's name taken out. */
export function problemsOf(yaml: string, set: string[] = []): string {
  const file = recipeFile(yaml);
  try {
    loadRecipe(file, { set });
  } catch (error) {
    if (!(error instanceof GanletError)) throw error;
    return error.message.replaceAll(file, 'quick.yaml');
  }
  throw new Error('the recipe was accepted');
}
