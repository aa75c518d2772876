import type { Source } from '../../data/source.ts';
import type { LoadedRecipe } from '../../recipe/load.ts';
import { GanletError } from '../../util/errors.ts';

/**
 * Throws RECIPE_INVALID, with a line for every problem, where a recipe asks of its data what that cannot give: cycles of paired
 * pictures, or the truth of unpaired ones.
 */
export function checkPairing({ recipe, locate }: LoadedRecipe, source: Source): void {
  const problems: string[] = [];
  const fail = (path: readonly string[], message: string) =>
    problems.push(`${locate(path)}  ${path.join('.')} ${message}`);
  const { teacher, distill, supernet, finetune } = recipe;
  const train = 'train' in teacher ? teacher.train : undefined;
  const path = ['teacher', 'train', 'cycle'];
  if (!source.unpaired) {
    if (train?.cycle)
      fail(path, `must be left out for the data source ${source.name}, whose pictures are pairs`);
  } else {
    const { condition, image } = source.channels;
    const generator = 'generator' in teacher ? teacher.generator : undefined;
    if (generator?.type === 'spade' && generator.latent > 0)
      fail(['teacher', 'generator', 'latent'], 'must be 0 on unpaired data: a cycle gives no vector back');
    if ((train?.cycle?.lambdaIdentity ?? 0) > 0 && condition !== image)
      fail(
        [...path, 'lambdaIdentity'],
        `must be 0 where the domains differ in channels, which are ${condition} and ${image}`,
      );
    const why = 'on unpaired data: there is no picture it could be compared with';
    for (const key of ['lambdaFeature', 'lambdaPerceptual'] as const)
      if (train?.[key]) fail(['teacher', 'train', key], `must be 0 ${why}`);
    if (recipe.online) fail(['online'], 'must be left out on unpaired data: it learns from true pictures');
    for (const [name, config] of Object.entries({ distill, supernet, finetune })) {
      if (config?.reconTarget === 'truth')
        fail(
          [name, 'reconTarget'],
          'must be "auto" or "teacher" on unpaired data: it has no true pictures to learn from',
        );
      if (config?.lambdaFeature) fail([name, 'lambdaFeature'], `must be 0 ${why}`);
    }
  }
  if (problems.length === 0) return;
  throw new GanletError('RECIPE_INVALID', problems.join('\n'), {
    hint: 'say with data.source whether the pictures are pairs',
  });
}
