import type { Baseline } from '../recipe/names.ts';
import type { Recipe } from '../recipe/schema.ts';
import { baselineConfig } from './distill/baselines.ts';
import { supernetOrigin } from './supernet/start.ts';

/**
 * The steps of every training that went into a network of a run, in their order: `{ supernet: 3600, finetune: 5100 }`. Empty for a
 * student that is trained together with its teacher.
 */
export function trainedSteps(recipe: Recipe, role: 'student' | Baseline): Record<string, number> {
  const { distill, supernet, search, finetune } = recipe;
  if (!search || !supernet) return distill ? { [role === 'student' ? 'distill' : role]: distill.steps } : {};
  const fromDistilled = supernetOrigin({ recipe }) === 'distill';
  if (role === 'naive') return { naive: baselineConfig(recipe, false).steps };
  const before = fromDistilled && distill ? { distill: distill.steps } : {};
  if (role === 'uniform') return { ...before, uniform: baselineConfig(recipe, fromDistilled).steps };
  return { ...before, supernet: supernet.steps, ...(finetune && { finetune: finetune.steps }) };
}
