import type { RecipeFields } from './recipe-fields.ts';
import { doublesFour, snganWidthCount } from './sngan.ts';

type Fail = (path: readonly string[], message: string) => void;

/** Reports an SNGAN generator or a projection discriminator that does not fit the images, and what such a teacher cannot be asked. */
export function checkSngan(recipe: RecipeFields, fail: Fail): void {
  const { teacher, discriminator, data, student } = recipe;
  const { generator, train } = teacher;
  const network =
    generator?.type === 'sngan'
      ? 'an sngan generator'
      : discriminator.type === 'projection'
        ? 'a projection discriminator'
        : undefined;
  if (network && !doublesFour(data.size))
    fail(['data', 'size'], `must be a power of two for ${network}, got ${data.size}`);
  if (generator?.type !== 'sngan') return;
  const why = 'for an sngan teacher: no picture says what a class and a latent vector must become';
  for (const key of ['lambdaRecon', 'lambdaPerceptual'] as const)
    if ((train?.[key] ?? 0) > 0) fail(['teacher', 'train', key], `must be 0 ${why}`);
  for (const section of ['distill', 'supernet', 'finetune'] as const)
    if (recipe[section]?.reconTarget === 'truth')
      fail([section, 'reconTarget'], `must be "auto" or "teacher" ${why}`);
  const given = student?.widths?.length;
  const count = snganWidthCount(data.size);
  if (given !== undefined && doublesFour(data.size) && given !== count)
    fail(['student', 'widths'], `must be ${count} numbers for an sngan teacher of this size, got ${given}`);
}
