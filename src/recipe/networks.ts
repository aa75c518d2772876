import { z } from 'zod';
import { oneOf, width } from './fields.ts';
import { multiscale } from './multiscale.ts';
import { patch, pixel } from './patch.ts';
import { projection } from './projection.ts';
import { resnet } from './resnet.ts';
import { sngan } from './sngan.ts';
import { resolveSpade, spade, spadeArchitecture } from './spade.ts';
import { resolveUnet, unet, unetArchitecture } from './unet.ts';

/** What there is to know of a type of generator without building it. */
interface GeneratorRules {
  /** As written in a recipe. */
  section: z.ZodObject;
  /** As a card describes it, with nothing left open. */
  architecture: z.ZodObject;
  /** The section with what depends on the image's side filled in. */
  resolve(section: never, size: number): object;
  /** Whether it has convolutions that `separable` makes depthwise and 1×1. */
  separable: boolean;
  /** Whether it is built from a vector of widths; another is narrowed group by group. */
  hasWidths: boolean;
  /** Whether the data's pictures are what it must make; not of one that makes its own of a class and a latent vector. */
  hasTruth: boolean;
}

const widths = { widths: z.array(width).min(1).optional() };

/** The generators that a recipe may ask for, by type. */
export const generators = {
  resnet: {
    section: resnet,
    architecture: resnet.extend(widths),
    resolve: (section: z.output<typeof resnet>) => section,
    separable: true,
    hasWidths: true,
    hasTruth: true,
  },
  unet: {
    section: unet,
    architecture: unetArchitecture,
    resolve: resolveUnet,
    separable: false,
    hasWidths: false,
    hasTruth: true,
  },
  spade: {
    section: spade,
    architecture: spadeArchitecture.extend(widths),
    resolve: resolveSpade,
    separable: true,
    hasWidths: true,
    hasTruth: true,
  },
  sngan: {
    section: sngan,
    architecture: sngan.extend(widths),
    resolve: (section: z.output<typeof sngan>) => section,
    separable: true,
    hasWidths: true,
    hasTruth: false,
  },
} satisfies Record<string, GeneratorRules>;

/** The discriminators, likewise, as written in a recipe. */
export const discriminators = { patch, pixel, multiscale, projection } satisfies Record<string, z.ZodObject>;

export type GeneratorType = keyof typeof generators;
export type DiscriminatorType = keyof typeof discriminators;

/** A generator to be trained from scratch, as written in a recipe. */
export const generatorSchema = byType(
  Object.values(generators).map(({ section }) => section),
  Object.keys(generators),
);

/** The network that tells real images from made ones, looking at patches (of several scales), pixels, or all with the class. */
export const discriminatorSchema = byType(Object.values(discriminators), Object.keys(discriminators));

/**
 * What a card says of a network the toolkit built. Other keys, as other versions may write them, are let through.
 */
export const architectureSchema = byType(
  Object.values(generators).map(({ architecture }) => (architecture as z.ZodObject).loose()),
  Object.keys(generators),
);

export type GeneratorSection = z.output<typeof generatorSchema>;
export type GeneratorConfig = ReturnType<(typeof generators)[GeneratorType]['resolve']>;
export type DiscriminatorConfig = z.output<typeof discriminatorSchema>;

export function isGeneratorType(type: unknown): type is GeneratorType {
  return typeof type === 'string' && Object.hasOwn(generators, type);
}

/** The generator with what depends on the image's side filled in. */
export function resolveGenerator(generator: GeneratorSection, size: number): GeneratorConfig {
  const { resolve } = generators[generator.type];
  return (resolve as (section: GeneratorSection, size: number) => GeneratorConfig)(generator, size);
}

/** The generator as its file is written once it is trained, and as students are cut: without spectral norms and encoder. */
export function asWritten<C extends GeneratorConfig>(generator: C): C {
  return {
    ...generator,
    ...('spectralNorm' in generator && { spectralNorm: false }),
    ...('encoder' in generator && { encoder: undefined }),
  };
}

function byType<S extends z.core.$ZodTypeDiscriminable>(sections: readonly S[], types: readonly string[]) {
  const known = oneOf(types.map((type) => JSON.stringify(type)));
  return z.discriminatedUnion('type', sections as readonly [S, ...S[]], {
    error: (issue) =>
      issue.code === 'invalid_union'
        ? `must be ${known}`
        : 'must be a section of its own ("key: value" lines)',
  });
}
