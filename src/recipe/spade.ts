import { z } from 'zod';
import { choice, flag, section, whole, width } from './fields.ts';
import { norms } from './names.ts';
import { defaultUpsampling, type Upsampling, upsamplings } from './upsampling.ts';

const names = Object.keys(upsamplings) as [Upsampling, ...Upsampling[]];

/** A SPADE generator (GauGAN) as written in a recipe. */
export const spade = section({
  type: z.literal('spade'),
  baseWidth: width.describe('Channels of the last block ("ngf"); the first ones have sixteen times as many.'),
  upsampling: choice(names)
    .optional()
    .describe(
      'How often the size doubles on the way to the image: fewer 4 times, normal 5, more 6, most 7; by default fewer for images of less than 128 pixels, else normal.',
    ),
  norm: choice(norms)
    .default('batch')
    .describe('The norm without parameters that the label map then scales and shifts.'),
  separable: flag()
    .default(false)
    .describe('Scales and shifts by depthwise and 1×1 convolutions: fewer parameters and multiply-adds.'),
  spectralNorm: flag()
    .default(true)
    .describe('Spectral norms on the convolutions of the residual blocks while training; the file has none.'),
  latent: whole({ min: 0, max: 1024 })
    .default(0)
    .describe('Numbers of a latent vector to start from, in the place of the shrunk label map; 0 for none.'),
  // Without a default: trainings that were begun before this key existed go on.
  encoder: flag()
    .optional()
    .describe(
      'While training, an encoder tells of each true picture which vectors it is made from; the file has none. A latent vector needs it wherever the teacher is compared with true pictures.',
    ),
});

/** Weight of the distance of encoded vectors from standard normal ones, that of GauGAN. */
export const defaultLambdaKl = 0.05;

/** The same with what depends on the image's side filled in. */
export type SpadeConfig = Omit<z.output<typeof spade>, 'upsampling'> & { upsampling: Upsampling };

export function resolveSpade(config: z.output<typeof spade>, size: number): SpadeConfig {
  return { ...config, upsampling: config.upsampling ?? defaultUpsampling(size) };
}

/** Numbers in a width vector of a SPADE generator: of the trunk, and of each block. */
export function spadeWidthCount(upsampling: Upsampling): number {
  return upsampling === 'most' ? 9 : 8;
}

/** What a card says of such a network. */
export const spadeArchitecture = spade.extend({ upsampling: choice(names) });
