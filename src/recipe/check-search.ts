import type { Fail } from './fields.ts';
import type { RecipeFields } from './recipe-fields.ts';

/** What a search and what follows it need of the rest of a recipe. */
export function checkSearch(recipe: RecipeFields, fail: Fail): void {
  const { search, finetune, supernet, baselines, baselineSteps } = recipe;
  if (baselineSteps === 'finetune' && !finetune)
    fail(['baselineSteps'], 'must not be "finetune" where there is no finetune section');
  if (search && !supernet)
    fail(['supernet'], 'must be given where search is: the network that widths are chosen for');
  if (finetune && !search) fail(['search'], 'must be given where finetune is: what it trains on');
  if (baselines.includes('uniform') && !search)
    fail(['baselines'], 'must not hold "uniform" where there is no search to compare with');
  if (!search) return;
  const { quality, features, objectives, finalists, evolution, budget, widths } = search;
  if ((quality === 'teacher-l1' || quality === 'miou') && features !== undefined)
    fail(['search', 'features'], `must be left out for the quality ${quality}, which needs no network`);
  if (features !== undefined && quality === undefined)
    fail(['search', 'quality'], 'must be given where search.features is: frechet, kid or lpips');
  if (!objectives.includes('quality')) fail(['search', 'objectives'], 'must hold "quality"');
  if (search.searcher === 'random' && finalists > search.evaluations)
    fail(
      ['search', 'finalists'],
      `must be at most ${search.evaluations}, search.evaluations, got ${finalists}`,
    );
  if (evolution.population * evolution.parents < 1) {
    fail(
      ['search', 'evolution', 'parents'],
      `must leave at least one of ${evolution.population} vectors, got ${evolution.parents}`,
    );
  }
  if (!budget && !widths && objectives.length === 1)
    fail(['search', 'budget'], 'must be given where nothing but quality counts: the widest would win');
}
