import { z } from 'zod';
import { checkCombinations } from './checks.ts';
import { type GeneratorConfig, resolveGenerator } from './networks.ts';
import { withPreset } from './preset.ts';
import { type RecipeFields, recipeFields } from './recipe-fields.ts';
import type { TeacherTrainConfig } from './teacher-train.ts';
import { withoutTruth } from './without-truth.ts';

/** A trained network in a file, or an architecture and how to train it. */
export type TeacherConfig = { model: string } | { generator: GeneratorConfig; train: TeacherTrainConfig };

/** A checked recipe with every default filled in. */
export type Recipe = Omit<RecipeFields, 'teacher'> & { teacher: TeacherConfig };

export type { DataConfig } from './data.ts';
export type { DiscriminatorConfig, GeneratorConfig } from './networks.ts';
export type { OnlineConfig } from './online.ts';
export type { EvaluateConfig, StudentConfig } from './recipe-fields.ts';
export type { ResnetConfig } from './resnet.ts';
export type { SearchConfig } from './search.ts';
export type { SupernetConfig } from './supernet.ts';
export type { DistillConfig, TrainConfig } from './training.ts';
export type { UnetConfig } from './unet.ts';

/** Parses a recipe's data into a `Recipe`: its preset is filled in, and what a teacher without truth leaves out; unknown keys, broken rules and impossible combinations are issues. */
export const recipeSchema = z
  .preprocess((data) => withoutTruth(withPreset(data)), recipeFields)
  .superRefine(checkCombinations)
  .transform(resolve);

function resolve(fields: RecipeFields): Recipe {
  const { model, generator, train } = fields.teacher;
  if (!generator || !train) return { ...fields, teacher: { model: model! } };
  return { ...fields, teacher: { generator: resolveGenerator(generator, fields.data.size), train } };
}
