import { z } from 'zod';
import { type Fail, flag, section, width } from './fields.ts';
import { doublingsOfFour } from './four-pixels.ts';
import type { RecipeFields } from './recipe-fields.ts';

/** The discriminator that goes with an SNGAN: one verdict on image and class. */
export const projection = section({
  type: z.literal('projection'),
  baseWidth: width
    .default(64)
    .describe('Channels of the first block; later ones have up to eight times as many.'),
  spectralNorm: flag()
    .default(true)
    .describe(
      'Every weight is divided by its largest singular value, which keeps verdicts from growing steep.',
    ),
});

/** Reports images that cannot be halved to 4 pixels. */
export function checkProjection(_: unknown, { data }: RecipeFields, fail: Fail): void {
  if (doublingsOfFour(data.size) !== undefined) return;
  fail(['data', 'size'], `must be a power of two for a projection discriminator, got ${data.size}`);
}
