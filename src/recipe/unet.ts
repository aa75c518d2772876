import { z } from 'zod';
import { choice, type Fail, number, section, whole, width } from './fields.ts';
import { norms } from './names.ts';
import type { RecipeFields } from './recipe-fields.ts';

/** A U-Net generator as written in a recipe. */
export const unet = section({
  type: z.literal('unet'),
  baseWidth: width.describe(
    'Channels of the first layer ("ngf"); deeper levels have up to eight times as many.',
  ),
  levels: whole({ min: 2, max: 10 })
    .optional()
    .describe(
      'Halvings of the image on the way down; by default as often as its side can be halved, at most 8.',
    ),
  norm: choice(norms).default('instance').describe('Normalisation after the convolutions.'),
  dropout: number({ min: 0, below: 1 })
    .default(0)
    .describe('Fraction of activations dropped in the innermost decoder levels while training.'),
});

/** What a card says of such a network. */
export const unetArchitecture = unet.extend({ levels: whole({ min: 2, max: 10 }) });

/** The same with what depends on the image's side filled in. */
export type UnetConfig = Omit<z.output<typeof unet>, 'levels'> & { levels: number };

/** Without `levels`, as many as the side halves evenly, from 2 to 8. */
export function resolveUnet(config: z.output<typeof unet>, size: number): UnetConfig {
  const { type, baseWidth, levels = Math.max(2, Math.min(8, halvings(size))), norm, dropout } = config;
  return { type, baseWidth, levels, norm, dropout };
}

/** Reports more levels than the images can be halved. */
export function checkUnet({ levels }: z.output<typeof unet>, { data }: RecipeFields, fail: Fail): void {
  if (levels === undefined || data.size % 2 ** levels === 0) return;
  const most = halvings(data.size);
  fail(
    ['teacher', 'generator', 'levels'],
    `must be at most ${most}: ${data.size} pixels can be halved ${most} times, got ${levels}`,
  );
}

const halvings = (size: number) => Math.log2(size & -size);
