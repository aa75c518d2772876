import type { Source } from '../../data/source.ts';
import type { LoadedRecipe } from '../../recipe/load.ts';
import { GanletError } from '../../util/errors.ts';
import { trainings } from '../teach/trainings.ts';

/**
 * Throws RECIPE_INVALID, with a line for every problem, where a recipe asks of its data what that cannot give: a training that is
 * not for it, such as cycles of paired pictures, or the truth of unpaired ones.
 */
export function checkPairing({ recipe, locate }: LoadedRecipe, source: Source): void {
  const problems: string[] = [];
  const fail = (path: readonly string[], message: string) =>
    problems.push(`${locate(path)}  ${path.join('.')} ${message}`);
  const { teacher, distill, supernet, finetune } = recipe;
  const train = 'train' in teacher ? teacher.train : undefined;
  for (const { check } of trainings) check?.(recipe, source, fail);
  if (source.unpaired) {
    const why = 'on unpaired data: there is no picture it could be compared with';
    for (const key of ['lambdaFeature', 'lambdaPerceptual'] as const)
      if (train?.[key]) fail(['teacher', 'train', key], `must be 0 ${why}`);
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
