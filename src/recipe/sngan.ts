import { z } from 'zod';
import { choice, type Fail, flag, section, whole, width } from './fields.ts';
import { doublingsOfFour } from './four-pixels.ts';
import { norms } from './names.ts';
import type { RecipeFields } from './recipe-fields.ts';

/** A generator of images of a class, from a latent vector, as written in a recipe. */
export const sngan = section({
  type: z.literal('sngan'),
  baseWidth: width.describe(
    'Channels of the last block; earlier ones, of smaller images, have up to eight times as many.',
  ),
  latent: whole({ min: 1, max: 4096 })
    .default(128)
    .describe('Numbers of the latent vector that an image is made from, besides its class.'),
  norm: choice(norms).default('batch').describe('Normalisation before the convolutions, scaled by class.'),
  separable: flag()
    .default(false)
    .describe('Blocks of depthwise and 1×1 convolutions: fewer parameters and multiply-adds.'),
});

export type SnganConfig = z.output<typeof sngan>;

/** Numbers in a width vector of an SNGAN of so many blocks: of the stem, and two for each block. */
export function snganWidthCount(blocks: number): number {
  return 1 + 2 * blocks;
}

/** Reports an SNGAN that does not fit the images, and what such a teacher cannot be asked. */
export function checkSngan(_: SnganConfig, recipe: RecipeFields, fail: Fail): void {
  const { teacher, data, student } = recipe;
  const blocks = doublingsOfFour(data.size);
  if (blocks === undefined)
    fail(['data', 'size'], `must be a power of two for an sngan generator, got ${data.size}`);
  const why = 'for an sngan teacher: no picture says what a class and a latent vector must become';
  for (const key of ['lambdaRecon', 'lambdaPerceptual'] as const)
    if ((teacher.train?.[key] ?? 0) > 0) fail(['teacher', 'train', key], `must be 0 ${why}`);
  for (const section of ['distill', 'supernet', 'finetune'] as const)
    if (recipe[section]?.reconTarget === 'truth')
      fail([section, 'reconTarget'], `must be "auto" or "teacher" ${why}`);
  const given = student?.widths?.length;
  if (blocks === undefined || given === undefined || given === snganWidthCount(blocks)) return;
  const count = snganWidthCount(blocks);
  fail(['student', 'widths'], `must be ${count} numbers for an sngan teacher of this size, got ${given}`);
}
