import { norms, paddings } from '../../recipe/names.ts';
import type { DiscriminatorType, GeneratorType } from '../../recipe/networks.ts';
import { type Upsampling, upsamplings } from '../../recipe/upsampling.ts';
import { kebabCase } from '../arguments.ts';
import { choice, largest, text, usageError, whole, widths } from '../options.ts';
import { defineVerb } from '../verb.ts';

/** Options that only some networks have. */
type Own =
  | 'blocks'
  | 'norm'
  | 'padding'
  | 'separable'
  | 'widths'
  | 'levels'
  | 'upsampling'
  | 'latent'
  | 'layers'
  | 'scales'
  | 'spectralNorm'
  | 'labels'
  | 'edges'
  | 'classes'
  | 'conditionChannels';

/** Which of them a network has; `labels` must be given. */
interface NetworkOptions {
  takes: readonly Own[];
  /** By default 3. */
  conditionChannels?: number;
}

const generators: Readonly<Record<GeneratorType, NetworkOptions>> = {
  resnet: { takes: ['blocks', 'norm', 'padding', 'separable', 'widths', 'conditionChannels'] },
  unet: { takes: ['levels', 'norm', 'conditionChannels'] },
  spade: { takes: ['upsampling', 'latent', 'norm', 'separable', 'widths', 'labels', 'edges'] },
  sngan: { takes: ['latent', 'norm', 'separable', 'widths', 'classes'] },
};
const discriminators: Readonly<Record<DiscriminatorType, NetworkOptions>> = {
  patch: { takes: ['layers', 'norm', 'spectralNorm', 'conditionChannels'] },
  pixel: { takes: ['norm', 'spectralNorm', 'conditionChannels'] },
  multiscale: { takes: ['scales', 'layers', 'norm', 'spectralNorm', 'conditionChannels'] },
  projection: { takes: ['spectralNorm', 'classes', 'conditionChannels'], conditionChannels: 0 },
};

const networks: Readonly<Record<string, NetworkOptions>> = { ...generators, ...discriminators };
const names = Object.keys(networks);
/** Options that say what images there are; the others are keys of the recipe's `generator` or `discriminator`. */
const ofData: readonly string[] = ['widths', 'labels', 'edges', 'classes', 'conditionChannels'];

const help = 'ganlet model --help lists its arguments';

export const model = defineVerb({
  command: 'model <network>',
  describe: 'Write an untrained generator or discriminator as an ONNX file',
  positionals: {
    network: { type: 'string', demandOption: true, describe: names.join(', ') },
  },
  options: {
    out: text('--out', 'File to write; by default <network>.onnx'),
    'base-width': whole(
      '--base-width',
      'Channels of the first layer, in spade, sngan of the last block; by default 64',
    ),
    widths: widths(
      '--widths',
      'A resnet, spade or sngan by its width vector instead of one base width, as in 32_24_16_32_32_32_16_16',
    ),
    blocks: whole('--blocks', 'Residual blocks of a resnet; by default 9'),
    levels: whole(
      '--levels',
      'Halvings of the image in a unet; by default as many as its size allows, at most 8',
    ),
    upsampling: choice(
      '--upsampling',
      'How often the size doubles in a spade; by default fewer below 128 pixels, else normal',
      Object.keys(upsamplings) as [Upsampling, ...Upsampling[]],
    ),
    latent: whole('--latent', 'Numbers of the latent vector; by default none in a spade, 128 in an sngan'),
    layers: whole('--layers', 'Convolutions of stride 2 of a patch or multiscale; by default 3'),
    scales: whole('--scales', 'Patch discriminators of a multiscale; by default 2'),
    norm: choice('--norm', 'Normalisation; by default batch in spade, sngan, else instance', norms),
    padding: choice(
      '--padding',
      'How a resnet continues images beyond their edges; by default reflect',
      paddings,
    ),
    separable: {
      type: 'boolean',
      describe: 'Depthwise and 1×1 convolutions in a resnet’s or sngan’s blocks, or a spade’s modulations',
    },
    'spectral-norm': {
      type: 'boolean',
      describe: 'Spectral norms in a discriminator; multiscale, projection have them (--spectral-norm=false)',
    },
    size: whole('--size', 'Side of the image in pixels; left out, any size can be fed', 4, largest.size),
    'condition-channels': whole(
      '--condition-channels',
      'Channels of the image that is given; by default 3, for a projection none',
      0,
      largest.channels,
    ),
    labels: whole('--labels', 'Labels of the maps that a spade is given', 1, largest.channels),
    edges: { type: 'boolean', describe: 'A spade is also given the edges between objects' },
    classes: whole(
      '--classes',
      'Classes of images that an sngan or projection is told; by default none',
      1,
      largest.channels,
    ),
    'image-channels': whole(
      '--image-channels',
      'Channels of the image that is made; by default 3',
      1,
      largest.channels,
    ),
    seed: whole('--seed', 'Of the random weights; by default 0'),
  },
  examples: [
    ['ganlet model resnet --base-width 16 --separable --out small.onnx', 'then: ganlet profile small.onnx'],
    [
      'ganlet model spade --labels 35 --edges --upsampling more --size 512',
      'a GauGAN for label maps such as those of Cityscapes',
    ],
  ],
  async run(args) {
    const { network, out, baseWidth = 64, size, imageChannels: image = 3, seed = 0 } = args;
    if (!Object.hasOwn(networks, network))
      throw usageError(`<network> must be one of ${names.join(', ')}, got "${network}"`, help);
    const { takes, conditionChannels: usual = 3 } = networks[network]!;
    const own = new Set(Object.values(networks).flatMap((options) => options.takes));
    const given = [...own].filter((key) => args[key] !== undefined);
    for (const key of given) {
      if (takes.includes(key)) continue;
      const takers = names.filter((name) => networks[name]!.takes.includes(key));
      throw usageError(`--${kebabCase(key)} is for ${takers.join(', ')}, not for ${network}`, help);
    }
    const makes = Object.hasOwn(generators, network);
    const { labels, edges = false, classes, conditionChannels = usual } = args;
    if (takes.includes('labels') && labels === undefined)
      throw usageError(`--labels must be given for ${network}: how many labels its maps have`, help);
    if (makes && conditionChannels === 0)
      throw usageError(`--condition-channels must be at least 1 for ${network}, got 0`, help);

    const { namingFlags, readDiscriminator, readGenerator } = await import('./model-network.ts');
    const described = given.filter((key) => !ofData.includes(key)).map((key) => [key, args[key]]);
    const section = { type: network, baseWidth, ...Object.fromEntries(described) };
    const { writeModel } = await import('../../models/write.ts');
    const options = {
      network: makes ? readGenerator(section, size) : readDiscriminator(section),
      out: out ?? `${network}.onnx`,
      channels: { condition: labels === undefined ? conditionChannels : labels + Number(edges), image },
      seed,
      ...(args.widths && { widths: args.widths }),
      ...(classes !== undefined && { classes }),
      ...(size !== undefined && { size }),
    };
    await namingFlags(() => writeModel(options, args.quiet ? { write: () => true } : process.stdout));
  },
});
