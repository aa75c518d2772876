import { z } from 'zod';
import { choice, type Fail, section, whole, width } from './fields.ts';
import { norms } from './names.ts';
import { spectralNorm } from './patch.ts';
import type { RecipeFields } from './recipe-fields.ts';

/** The discriminator that judges patches at several scales. */
export const multiscale = section({
  type: z.literal('multiscale'),
  scales: whole({ min: 1, max: 5 })
    .default(2)
    .describe('Patch discriminators, each on the image at half the size of the one before.'),
  baseWidth: width.default(64).describe('Channels of the first layer ("ndf").'),
  layers: whole({ min: 1, max: 8 })
    .default(3)
    .describe('Convolutions of stride 2 in each: more of them judge larger patches.'),
  norm: choice(norms).default('instance').describe('Normalisation after the inner convolutions.'),
  spectralNorm: spectralNorm.default(true),
});

/** The least side of an image for a multi-scale discriminator. */
export function multiscaleSide(scales: number, layers: number): number {
  return 2 ** (scales - 1 + layers);
}

/** Reports images too small for the coarsest scale. */
export function checkMultiscale(
  { scales, layers }: z.output<typeof multiscale>,
  { data }: RecipeFields,
  fail: Fail,
): void {
  const least = multiscaleSide(scales, layers);
  if (data.size >= least) return;
  const needed = `at least ${least} for a multiscale discriminator of ${scales} scales and ${layers} layers`;
  fail(['data', 'size'], `must be ${needed} (discriminator.scales, discriminator.layers), got ${data.size}`);
}
