import { z } from 'zod';
import { choice, flag, number, section, whole } from './fields.ts';
import { norms, paddings } from './names.ts';
import { projection, type SnganConfig, sngan } from './sngan.ts';
import { resolveSpade, type SpadeConfig, spade, spadeArchitecture } from './spade.ts';

const baseWidth = whole({ min: 1, max: 1024 });
const norm = choice(norms).default('instance');
const dropout = number({ min: 0, below: 1 }).default(0);
const spectralNorm = flag().describe(
  'Inner convolutions divided by their largest singular value, which steadies training.',
);

const resnet = section({
  type: z.literal('resnet'),
  baseWidth: baseWidth.describe('Channels of the first layer ("ngf"); the trunk has four times as many.'),
  blocks: whole({ min: 1, max: 64 }).default(9).describe('Residual blocks.'),
  norm: norm.describe('Normalisation after the convolutions.'),
  padding: choice(paddings).default('reflect').describe('How images are continued beyond their edges.'),
  separable: flag()
    .default(false)
    .describe('Residual blocks of depthwise and 1×1 convolutions: fewer parameters and multiply-adds.'),
  dropout: dropout.describe('Fraction of activations dropped inside the residual blocks while training.'),
});

const unet = section({
  type: z.literal('unet'),
  baseWidth: baseWidth.describe(
    'Channels of the first layer ("ngf"); deeper levels have up to eight times as many.',
  ),
  levels: whole({ min: 2, max: 10 })
    .optional()
    .describe(
      'Halvings of the image on the way down; by default as often as its side can be halved, at most 8.',
    ),
  norm: norm.describe('Normalisation after the convolutions.'),
  dropout: dropout.describe(
    'Fraction of activations dropped in the innermost decoder levels while training.',
  ),
});

const patch = section({
  type: z.literal('patch').default('patch'),
  baseWidth: baseWidth.default(64).describe('Channels of the first layer ("ndf").'),
  layers: whole({ min: 1, max: 8 })
    .default(3)
    .describe('Convolutions of stride 2: more of them judge larger patches.'),
  norm: norm.describe('Normalisation after the inner convolutions.'),
  spectralNorm: spectralNorm.default(false),
});

const pixel = section({
  type: z.literal('pixel'),
  baseWidth: baseWidth.default(64).describe('Channels of the first layer ("ndf").'),
  norm: norm.describe('Normalisation after the inner convolution.'),
  spectralNorm: spectralNorm.default(false),
});

const multiscale = section({
  type: z.literal('multiscale'),
  scales: whole({ min: 1, max: 5 })
    .default(2)
    .describe('Patch discriminators, each on the image at half the size of the one before.'),
  baseWidth: baseWidth.default(64).describe('Channels of the first layer ("ndf").'),
  layers: whole({ min: 1, max: 8 })
    .default(3)
    .describe('Convolutions of stride 2 in each: more of them judge larger patches.'),
  norm: norm.describe('Normalisation after the inner convolutions.'),
  spectralNorm: spectralNorm.default(true),
});

/** A generator to be trained from scratch, as written in a recipe. */
export const generatorSchema = byType([resnet, unet, spade, sngan], '"resnet", "unet", "spade" or "sngan"');

/** The network that tells real images from made ones, looking at patches (of several scales), pixels, or all with the class. */
export const discriminatorSchema = byType(
  [patch, pixel, multiscale, projection],
  '"patch", "pixel", "multiscale" or "projection"',
);

/**
 * What a card says of a network the toolkit built. Other keys, as other versions may write them, are let through.
 */
export const architectureSchema = z.discriminatedUnion('type', [
  resnet.extend({ widths: z.array(baseWidth).min(1).optional() }).loose(),
  unet.extend({ levels: whole({ min: 2, max: 10 }) }).loose(),
  spadeArchitecture.extend({ widths: z.array(baseWidth).min(1).optional() }).loose(),
  sngan.extend({ widths: z.array(baseWidth).min(1).optional() }).loose(),
]);

export type ResnetConfig = z.output<typeof resnet>;
export type UnetConfig = Omit<z.output<typeof unet>, 'levels'> & { levels: number };
export type GeneratorConfig = ResnetConfig | UnetConfig | SpadeConfig | SnganConfig;
export type DiscriminatorConfig = z.output<typeof discriminatorSchema>;

/** Levels of a U-Net for images of this side when none are given: as often as it halves evenly, at most 8. */
export function defaultLevels(size: number): number {
  let levels = 0;
  while (levels < 8 && size % 2 ** (levels + 1) === 0) levels++;
  return levels;
}

/** The generator with what depends on the image's side filled in. */
export function resolveGenerator(generator: z.output<typeof generatorSchema>, size: number): GeneratorConfig {
  if (generator.type === 'spade') return resolveSpade(generator, size);
  if (generator.type !== 'unet') return generator;
  const { type, baseWidth, levels = defaultLevels(size), norm, dropout } = generator;
  return { type, baseWidth, levels, norm, dropout };
}

/** Side of the map of verdicts that a patch discriminator gives for images of this side; below 1 it cannot run. */
export function patchMapSide(size: number, layers: number): number {
  return Math.floor(size / 2 ** layers) - 2;
}

function byType<const T extends readonly [z.core.$ZodTypeDiscriminable, ...z.core.$ZodTypeDiscriminable[]]>(
  networks: T,
  types: string,
) {
  return z.discriminatedUnion('type', networks, {
    error: (issue) =>
      issue.code === 'invalid_union'
        ? `must be ${types}`
        : 'must be a section of its own ("key: value" lines)',
  });
}
