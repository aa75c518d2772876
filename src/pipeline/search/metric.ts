import type { Source } from '../../data/source.ts';
import { featureNetwork, perceptualNetwork } from '../../metrics/networks/find.ts';
import type { Stage } from '../../recipe/names.ts';
import type { Recipe } from '../../recipe/schema.ts';
import { GanletError } from '../../util/errors.ts';
import { rng } from '../../util/rng.ts';
import type { RunContext } from '../context.ts';
import { fetching } from '../fetching.ts';
import type { ScoreKind } from '../measure/score-pictures.ts';
import { searchIndices } from './split.ts';

/** What vectors are scored by. */
export interface SearchMetric {
  kind: ScoreKind;
  features?: string;
  /** SHA-256 of the network; absent where there is none. */
  network?: string;
}

/** Fewer pictures than this say little about the distribution they are from. */
const fewest = 32;

/**
 * The quality a recipe names, its network fetched where it is not here yet. Where none is named: the Fréchet distance of the
 * network that comes with the package, or the distance from the teacher for fewer than 32 pictures or where that network is
 * missing. Throws what `featureNetwork` and `perceptualNetwork` throw.
 */
export async function searchMetric(
  { recipe, progress }: Pick<RunContext, 'recipe' | 'progress'>,
  pictures: number,
): Promise<SearchMetric> {
  const { quality, features } = recipe.search!;
  if (quality === undefined) return pictures < fewest ? { kind: 'teacher-l1' } : usualMetric();
  if (quality === 'teacher-l1' || quality === 'miou') return { kind: quality };
  const name = features ?? (quality === 'lpips' ? 'alex' : 'emoji');
  const { sha256 } = await fetching<{ sha256: string }>(progress, (options) =>
    quality === 'lpips' ? perceptualNetwork(name, options) : featureNetwork(name, options),
  );
  return { kind: quality, features: name, network: sha256 };
}

/** A shipped network that is damaged is an error: another metric in its place would go unnoticed. */
async function usualMetric(): Promise<SearchMetric> {
  try {
    const { sha256 } = await featureNetwork('emoji');
    return { kind: 'frechet', features: 'emoji', network: sha256 };
  } catch (error) {
    if (error instanceof GanletError && error.code === 'FEATURES_MISSING') return { kind: 'teacher-l1' };
    throw error;
  }
}

/**
 * Asked before a run trains anything, so that a metric of its search, or of what follows it, that cannot be had is known then.
 * Throws as `searchMetric`.
 */
export async function needSearchMetric(context: RunContext, stages: readonly Stage[]): Promise<void> {
  const { recipe } = context;
  const asked = stages.includes('search') || (stages.includes('finetune') && recipe.finetune !== undefined);
  if (!recipe.search || !asked) return;
  await searchMetric(context, searchPictures(recipe, await context.source()).search.length);
}

/** The held-out training pictures that vectors, and then the finalists, are scored on: at most `search.pictures` of each. */
export function searchPictures(
  recipe: Recipe,
  { counts }: Pick<Source, 'counts'>,
): { search: number[]; finalists: number[] } {
  const split = searchIndices(recipe, counts);
  const some = (part: 'search' | 'finalists') =>
    rng(recipe.seed, `pictures of ${part}`)
      .shuffle([...split[part]])
      .slice(0, recipe.search!.pictures)
      .sort((a, b) => a - b);
  return { search: some('search'), finalists: some('finalists') };
}
