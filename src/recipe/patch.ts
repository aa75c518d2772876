import { z } from 'zod';
import { choice, type Fail, flag, section, whole, width } from './fields.ts';
import { norms } from './names.ts';
import type { RecipeFields } from './recipe-fields.ts';

export const spectralNorm = flag().describe(
  'Inner convolutions divided by their largest singular value, which steadies training.',
);

/** The discriminator that judges patches of an image. */
export const patch = section({
  type: z.literal('patch').default('patch'),
  baseWidth: width.default(64).describe('Channels of the first layer ("ndf").'),
  layers: whole({ min: 1, max: 8 })
    .default(3)
    .describe('Convolutions of stride 2: more of them judge larger patches.'),
  norm: choice(norms).default('instance').describe('Normalisation after the inner convolutions.'),
  spectralNorm: spectralNorm.default(false),
});

/** The discriminator that judges each pixel by itself. */
export const pixel = section({
  type: z.literal('pixel'),
  baseWidth: width.default(64).describe('Channels of the first layer ("ndf").'),
  norm: choice(norms).default('instance').describe('Normalisation after the inner convolution.'),
  spectralNorm: spectralNorm.default(false),
});

/** Side of the map of verdicts that a patch discriminator gives for images of this side; below 1 it cannot run. */
export function patchMapSide(size: number, layers: number): number {
  return Math.floor(size / 2 ** layers) - 2;
}

/** Reports images that not one patch fits. */
export function checkPatch(
  { layers }: Pick<z.output<typeof patch>, 'layers'>,
  { data }: RecipeFields,
  fail: Fail,
): void {
  if (patchMapSide(data.size, layers) >= 1) return;
  const needed = `at least ${3 * 2 ** layers} for a patch discriminator of ${layers} layers`;
  fail(['data', 'size'], `must be ${needed} (discriminator.layers), got ${data.size}`);
}
