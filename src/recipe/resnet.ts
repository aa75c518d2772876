import { z } from 'zod';
import { choice, type Fail, flag, number, section, whole, width } from './fields.ts';
import { norms, paddings } from './names.ts';
import type { RecipeFields } from './recipe-fields.ts';

/** A ResNet generator as written in a recipe. */
export const resnet = section({
  type: z.literal('resnet'),
  baseWidth: width.describe('Channels of the first layer ("ngf"); the trunk has four times as many.'),
  blocks: whole({ min: 1, max: 64 }).default(9).describe('Residual blocks.'),
  norm: choice(norms).default('instance').describe('Normalisation after the convolutions.'),
  padding: choice(paddings).default('reflect').describe('How images are continued beyond their edges.'),
  separable: flag()
    .default(false)
    .describe('Residual blocks of depthwise and 1×1 convolutions: fewer parameters and multiply-adds.'),
  dropout: number({ min: 0, below: 1 })
    .default(0)
    .describe('Fraction of activations dropped inside the residual blocks while training.'),
});

export type ResnetConfig = z.output<typeof resnet>;

/** Reports widths that a ResNet does not have. */
export function checkResnet(_: ResnetConfig, { student }: RecipeFields, fail: Fail): void {
  const count = student?.widths?.length;
  if (count === undefined || count === 8 || count === 6 || Array.isArray(student?.separable)) return;
  fail(
    ['student', 'widths'],
    `must be 8 numbers (or 6, as in older papers) for a resnet teacher, got ${count}`,
  );
}
