import type { Source } from '../../data/source.ts';
import { featureNetwork, perceptualNetwork } from '../../metrics/networks/find.ts';
import type { Recipe } from '../../recipe/schema.ts';
import { rng } from '../../util/rng.ts';
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
export async function searchMetric({ search }: Recipe, pictures: number): Promise<SearchMetric> {
  const { quality, features } = search!;
  if (quality === undefined) {
    if (pictures < fewest) return { kind: 'teacher-l1' };
    try {
      const { sha256 } = await featureNetwork('emoji');
      return { kind: 'frechet', features: 'emoji', network: sha256 };
    } catch {
      return { kind: 'teacher-l1' };
    }
  }
  if (quality === 'teacher-l1' || quality === 'miou') return { kind: quality };
  const name = features ?? (quality === 'lpips' ? 'alex' : 'emoji');
  const { sha256 } = quality === 'lpips' ? await perceptualNetwork(name) : await featureNetwork(name);
  return { kind: quality, features: name, network: sha256 };
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
