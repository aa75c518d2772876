import type { Fail } from './fields.ts';
import type { RecipeFields } from './recipe-fields.ts';

/** What online distillation needs of the rest of a recipe, and what it leaves no room for. */
export function checkOnline(recipe: RecipeFields, fail: Fail): void {
  if (!recipe.online) return;
  const { teacher, student } = recipe;
  if (teacher.model !== undefined)
    fail(['teacher', 'model'], 'must be left out where online is: the teacher is trained with the student');
  if (!student)
    fail(['student'], 'must be given where online is: the network that is trained with the teacher');
  if (student?.initFrom === 'teacher')
    fail(['student', 'initFrom'], 'must be "random" where online is: the teacher is not trained before');
  for (const key of ['distill', 'supernet', 'search', 'finetune'] as const)
    if (recipe[key]) fail([key], 'must be left out where online is: the student is trained with its teacher');
  for (const key of ['lambdaFeature', 'lambdaPerceptual'] as const)
    if ((teacher.train?.[key] ?? 0) > 0)
      fail(['teacher', 'train', key], 'must be 0 where online is: the teacher learns by gan and recon alone');
  if (recipe.baselines.length > 0)
    fail(['baselines'], 'must be left out where online is: they are trained in distill, or after a search');
}
