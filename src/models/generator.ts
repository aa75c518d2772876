import type { Graph } from '../graph/graph.ts';
import { type DiscriminatorType, type GeneratorType, isGeneratorType } from '../recipe/networks.ts';
import type { DiscriminatorConfig, GeneratorConfig } from '../recipe/schema.ts';
import { upsamplings } from '../recipe/upsampling.ts';
import { GanletError } from '../util/errors.ts';
import { patchDiscriminator, pixelDiscriminator } from './discriminator.ts';
import { multiscaleDiscriminator } from './multiscale-discriminator.ts';
import { projectionDiscriminator } from './projection-discriminator.ts';
import { resnetGenerator, resnetTaps } from './resnet.ts';
import { snganGenerator, snganTaps } from './sngan.ts';
import { spadeGenerator, spadeTaps } from './spade.ts';
import { unetGenerator, unetTaps } from './unet.ts';
import { type ValueNames, valueNames } from './value-names.ts';

export interface ImageChannels {
  inputChannels?: number;
  /** How many of the last input channels are planes of a class that comes with a picture. */
  classes?: number | undefined;
  outputChannels?: number;
}

/** A generator that the toolkit builds. */
interface BuiltGenerator<C> {
  /** For images of `size` pixels (undefined: of any size); `inputChannels` are classes where that is what it takes. */
  build(
    config: Omit<C, 'type'> & { widths?: readonly number[] },
    size: number | undefined,
    channels: ImageChannels,
  ): Graph;
  /** The values at which a student is compared with it; undefined where the names are not those of such a network. */
  taps(names: ValueNames): string[] | undefined;
  takes: 'images' | 'classes';
  /** The least side of its images in pixels. */
  leastSize(config: C): number;
}

const generators: {
  readonly [T in GeneratorType]: BuiltGenerator<Extract<GeneratorConfig, { type: T }>>;
} = {
  resnet: {
    build: (options, size, channels) => resnetGenerator({ ...options, ...imagesOf(size, channels) }),
    taps: resnetTaps,
    takes: 'images',
    leastSize: () => 8,
  },
  unet: {
    build: ({ widths: _, ...options }, size, { classes: _planes, ...channels }) =>
      unetGenerator({ ...options, ...imagesOf(size, channels) }),
    taps: unetTaps,
    takes: 'images',
    leastSize: ({ levels }) => 2 ** levels,
  },
  spade: {
    build(options, size, { classes: _planes, ...channels }) {
      const { inputChannels: labels = 1, ...images } = imagesOf(size, channels);
      return spadeGenerator({ ...options, ...images, labels });
    },
    taps: spadeTaps,
    takes: 'images',
    leastSize: ({ upsampling }) => 2 ** upsamplings[upsampling],
  },
  sngan: {
    build(options, size, { inputChannels: classes = 0, outputChannels = 3 }) {
      return snganGenerator({ ...options, size: needSize(size, 'sngan'), classes, outputChannels });
    },
    taps: snganTaps,
    takes: 'classes',
    leastSize: () => 8,
  },
};

/** Builds a discriminator of so many channels and classes for images of `size` pixels (undefined: of any size). */
type BuildDiscriminator<C> = (
  config: Omit<C, 'type'>,
  size: number | undefined,
  inputChannels: number,
  classes: number,
) => Graph;

const discriminators: {
  readonly [T in DiscriminatorType]: BuildDiscriminator<Extract<DiscriminatorConfig, { type: T }>>;
} = {
  patch: (options, size, inputChannels) =>
    patchDiscriminator({ ...options, ...imagesOf(size, { inputChannels }) }),
  pixel: (options, size, inputChannels) =>
    pixelDiscriminator({ ...options, ...imagesOf(size, { inputChannels }) }),
  multiscale: (options, size, inputChannels) =>
    multiscaleDiscriminator({ ...options, ...imagesOf(size, { inputChannels }) }),
  projection: (options, size, inputChannels, classes) =>
    projectionDiscriminator({ ...options, size: needSize(size, 'projection'), inputChannels, classes }),
};

/** What is known of a generator by its type. */
function known({ type }: { type: GeneratorType }): BuiltGenerator<GeneratorConfig> {
  return generators[type] as BuiltGenerator<GeneratorConfig>;
}

/**
 * The generator a recipe describes, for square images of `size` pixels (undefined: of any size), its weights zero (see
 * `initialise`). Throws as `resnetGenerator`, `unetGenerator` and the others do.
 */
export function buildGenerator(
  config: GeneratorConfig & { widths?: readonly number[] },
  size: number | undefined,
  channels: ImageChannels = {},
): Graph {
  const { type: _, ...options } = config;
  return known(config).build(options, size, channels);
}

/**
 * The discriminator a recipe describes; `inputChannels` are those of the condition and the image together. `classes` are seen by
 * the projection discriminator alone. Throws as the builders do.
 */
export function buildDiscriminator(
  config: DiscriminatorConfig,
  size: number | undefined,
  inputChannels = 6,
  classes = 0,
): Graph {
  const { type, ...options } = config;
  const build = discriminators[type] as BuildDiscriminator<DiscriminatorConfig>;
  return build(options as DiscriminatorConfig, size, inputChannels, classes);
}

export function isGenerator(network: GeneratorConfig | DiscriminatorConfig): network is GeneratorConfig {
  return isGeneratorType(network.type);
}

/** Whether a generator is given images (or label maps) of so many channels, or one of so many classes. */
export function takes(generator: GeneratorConfig): 'images' | 'classes' {
  return known(generator).takes;
}

/** The least side in pixels of the images that a generator makes. */
export function leastSize(generator: GeneratorConfig): number {
  return known(generator).leastSize(generator);
}

/**
 * The values at which a student is compared with its teacher when the recipe names none, of a generator of this `type`; where the
 * type is not known, read off the names in the graph. Throws TAPS_UNKNOWN for another network.
 */
export function distillTaps(graph: Graph, type?: GeneratorType): string[] {
  const names = valueNames(graph);
  for (const { taps } of type ? [generators[type]] : Object.values(generators)) {
    const found = taps(names);
    if (found) return found;
  }
  throw new GanletError(
    'TAPS_UNKNOWN',
    `network "${graph.name}" must have values named as in our generators to choose taps`,
    {
      hint: 'name the values to compare under distill.taps',
    },
  );
}

function imagesOf(size: number | undefined, channels: ImageChannels) {
  return { ...(size !== undefined && { size }), ...channels };
}

function needSize(size: number | undefined, type: string): number {
  if (size !== undefined) return size;
  throw new GanletError(
    'SIZE_INVALID',
    `a network of type ${type} must be made for one image size, got none`,
    {
      hint: 'give the side of the images in pixels',
    },
  );
}
