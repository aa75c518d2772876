import type { Graph } from '../graph/graph.ts';
import type { DiscriminatorConfig, GeneratorConfig } from '../recipe/schema.ts';
import { GanletError } from '../util/errors.ts';
import { patchDiscriminator, pixelDiscriminator } from './discriminator.ts';
import { multiscaleDiscriminator } from './multiscale-discriminator.ts';
import { projectionDiscriminator } from './projection-discriminator.ts';
import { resnetGenerator } from './resnet.ts';
import { snganGenerator } from './sngan.ts';
import { spadeGenerator } from './spade.ts';
import { unetGenerator } from './unet.ts';

export interface ImageChannels {
  inputChannels?: number;
  outputChannels?: number;
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
  const images = { ...(size !== undefined && { size }), ...channels };
  if (config.type === 'resnet') {
    const { type: _, ...options } = config;
    return resnetGenerator({ ...options, ...images });
  }
  if (config.type === 'spade') {
    const { type: _, ...options } = config;
    const { inputChannels: labels = 1, ...rest } = images;
    return spadeGenerator({ ...options, ...rest, labels });
  }
  if (config.type === 'sngan') {
    const { type: _, ...options } = config;
    const { inputChannels: classes = 0, outputChannels = 3 } = channels;
    return snganGenerator({ ...options, size: needSize(size, config.type), classes, outputChannels });
  }
  const { type: _, widths: _w, ...options } = config;
  return unetGenerator({ ...options, ...images });
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
  if (config.type === 'projection') {
    const { type: _, ...options } = config;
    return projectionDiscriminator({ ...options, size: needSize(size, config.type), inputChannels, classes });
  }
  const { baseWidth, norm, spectralNorm } = config;
  const options = { baseWidth, norm, spectralNorm, inputChannels, ...(size !== undefined && { size }) };
  switch (config.type) {
    case 'patch':
      return patchDiscriminator({ ...options, layers: config.layers });
    case 'pixel':
      return pixelDiscriminator(options);
    case 'multiscale':
      return multiscaleDiscriminator({ ...options, layers: config.layers, scales: config.scales });
  }
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

/**
 * The values at which a student is compared with its teacher when the recipe names none, read off the names in the graph.
 * ResNet: the end of the down-sampling and of each third of the blocks (9 blocks: down2, block3, block6, block9; GAN
 * Compression). U-Net: levels 2 and 4 on the way down and their decoder inputs (8 levels: down2, down4, up4, up6; OMGD,
 * Ren et al. 2021). SPADE: head_0, G_middle_1 and up_1 (GAN Compression). SNGAN: the ends of its last
 * four blocks. Throws TAPS_UNKNOWN for another network.
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
  const modulated = ['head_0', 'G_middle_1', 'up_1'];
  if (modulated.every((name) => names.has(name))) return modulated;
  if (blocks > 0 && names.has('stem') && !names.has('down1'))
    return Array.from({ length: blocks }, (_, k) => `block${k + 1}`).slice(-4);
  const levels = count('down');
  if (levels > 1 && count('up') === levels - 1) {
    const taken = [...new Set([Math.min(2, levels - 1), Math.min(4, levels - 1)])];
    return [...taken.map((k) => `down${k}`), ...taken.map((k) => `up${levels - k}`).reverse()];
  }
  throw new GanletError(
    'TAPS_UNKNOWN',
    `network "${graph.name}" must have values named as in our generators to choose taps`,
    {
      hint: 'name the values to compare under distill.taps',
    },
  );
}
