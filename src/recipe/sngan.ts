import { z } from 'zod';
import { choice, flag, section, whole } from './fields.ts';
import { norms } from './names.ts';

const baseWidth = whole({ min: 1, max: 1024 });

/** A generator of images of a class, from a latent vector, as written in a recipe. */
export const sngan = section({
  type: z.literal('sngan'),
  baseWidth: baseWidth.describe(
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

/** The discriminator that goes with it: one verdict on image and class. */
export const projection = section({
  type: z.literal('projection'),
  baseWidth: baseWidth
    .default(64)
    .describe('Channels of the first block; later ones have up to eight times as many.'),
  spectralNorm: flag()
    .default(true)
    .describe(
      'Every weight is divided by its largest singular value, which keeps verdicts from growing steep.',
    ),
});

export type SnganConfig = z.output<typeof sngan>;

/** Whether networks that double 4 pixels, or halve the image to 4, fit images of this side. */
export function doublesFour(size: number): boolean {
  return size >= 8 && Number.isInteger(Math.log2(size));
}

/** Numbers in a width vector of an SNGAN for images of this side: of the stem, and two for each block. */
export function snganWidthCount(size: number): number {
  return 1 + 2 * Math.log2(size / 4);
}

/**
 * A recipe's data in which the teacher, where it is an SNGAN, is not compared with pictures unless the recipe says so: what a
 * class and a latent vector should become is in no picture, so there `lambdaRecon` is 0 when it is left out.
 */
export function withoutTruth(data: unknown): unknown {
  const { teacher } = isSection(data) ? data : {};
  if (!isSection(teacher) || !isSection(teacher.generator) || !isSection(teacher.train)) return data;
  if (teacher.generator.type !== 'sngan' || teacher.train.lambdaRecon !== undefined) return data;
  return { ...(data as object), teacher: { ...teacher, train: { ...teacher.train, lambdaRecon: 0 } } };
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
