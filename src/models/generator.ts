import type { Graph } from '../graph/graph.ts';
import type { DiscriminatorConfig, GeneratorConfig } from '../recipe/schema.ts';
import { GanletError } from '../util/errors.ts';
import { patchDiscriminator, pixelDiscriminator } from './discriminator.ts';
import { resnetGenerator } from './resnet.ts';
import { unetGenerator } from './unet.ts';

export interface ImageChannels {
  inputChannels?: number;
  outputChannels?: number;
}

/**
 * The generator a recipe describes, for square images of `size` pixels (undefined: of any size), its weights zero (see
 * `initialise`). Throws as `resnetGenerator` and `unetGenerator` do.
 */
export function buildGenerator(
  config: GeneratorConfig & { widths?: readonly number[] },
  size: number | undefined,
  channels: ImageChannels = {},
): Graph {
  const images = { ...(size !== undefined && { size }), ...channels };
  if (config.type === 'resnet') {
    const { type: _, ...options } = config;
    return resnetGenerator({ ...options, ...images });
  }
  const { type: _, widths: _w, ...options } = config;
  return unetGenerator({ ...options, ...images });
}

/** The discriminator a recipe describes; `inputChannels` are those of the condition and the image together. */
export function buildDiscriminator(
  config: DiscriminatorConfig,
  size: number | undefined,
  inputChannels = 6,
): Graph {
  const { baseWidth, norm } = config;
  const options = { baseWidth, norm, inputChannels, ...(size !== undefined && { size }) };
  return config.type === 'patch'
    ? patchDiscriminator({ ...options, layers: config.layers })
    : pixelDiscriminator(options);
}

/**
 * The values at which a student is compared with its teacher when the recipe names none, read off the names in the graph.
 * ResNet: the end of the down-sampling and of each third of the blocks (9 blocks: down2, block3, block6, block9; GAN
 * Compression). U-Net: levels 2 and 4 on the way down and their decoder inputs (8 levels: down2, down4, up4, up6; OMGD,
 * Ren et al. 2021). Throws TAPS_UNKNOWN for another network.
 */
export function distillTaps(graph: Graph): string[] {
  const names = new Set(graph.nodes.flatMap((node) => node.outputs.map((y) => y.name)));
  const count = (stem: string) => {
    let n = 0;
    while (names.has(`${stem}${n + 1}`)) n++;
    return n;
  };
  const blocks = count('block');
  if (blocks > 0 && names.has('down2')) {
    return ['down2', ...new Set([1, 2, 3].map((third) => `block${Math.ceil((third * blocks) / 3)}`))];
  }
  const levels = count('down');
  if (levels > 1 && count('up') === levels - 1) {
    const taken = [...new Set([Math.min(2, levels - 1), Math.min(4, levels - 1)])];
    return [...taken.map((k) => `down${k}`), ...taken.map((k) => `up${levels - k}`).reverse()];
  }
  throw new GanletError(
    'TAPS_UNKNOWN',
    `network "${graph.name}" must have values named as in our ResNet or U-Net to choose taps`,
    {
      hint: 'name the values to compare under distill.taps',
    },
  );
}
