import { norms, paddings } from '../../recipe/names.ts';
import { choice, largest, text, usageError, whole, widths } from '../options.ts';
import { defineVerb } from '../verb.ts';

/** The networks, and which options concern only some of them. */
const networks = {
  resnet: ['blocks', 'widths', 'padding', 'separable'],
  unet: ['levels'],
  patch: ['layers'],
  pixel: [],
} as const;
type Network = keyof typeof networks;

const help = 'ganlet model --help lists its arguments';

const special = [...new Set(Object.values(networks).flat())];

export const model = defineVerb({
  command: 'model <network>',
  describe: 'Write an untrained generator or discriminator as an ONNX file',
  positionals: {
    network: { type: 'string', demandOption: true, describe: Object.keys(networks).join(', ') },
  },
  options: {
    out: text('--out', 'File to write; by default <network>.onnx'),
    'base-width': whole('--base-width', 'Channels of the first layer; by default 64', 1, largest.channels),
    blocks: whole('--blocks', 'Residual blocks of a resnet; by default 9', 1, 64),
    widths: widths(
      '--widths',
      'Eight widths of a resnet instead of one base width, as in 32_24_16_32_32_32_16_16',
    ),
    levels: whole(
      '--levels',
      'Halvings of the image in a unet; by default as many as its size allows, at most 8',
      2,
      10,
    ),
    layers: whole('--layers', 'Convolutions of stride 2 of a patch discriminator; by default 3', 1, 8),
    norm: choice('--norm', 'Normalisation; by default instance', norms),
    padding: choice(
      '--padding',
      'How a resnet continues images beyond their edges; by default reflect',
      paddings,
    ),
    separable: {
      type: 'boolean',
      default: false,
      describe: 'Depthwise and 1×1 convolutions in a resnet’s blocks',
    },
    size: whole('--size', 'Side of the image in pixels; left out, any size can be fed', 4, largest.size),
    'condition-channels': whole(
      '--condition-channels',
      'Channels of the image that is given; by default 3',
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
  ],
  async run(args) {
    const { network, out, baseWidth, norm, size, conditionChannels, imageChannels, seed } = args;
    if (!isNetwork(network)) {
      throw usageError(
        `<network> must be one of ${Object.keys(networks).join(', ')}, got "${network}"`,
        help,
      );
    }
    const own = Object.fromEntries(special.map((key) => [key, args[key]]).filter(([, value]) => value));
    for (const key of Object.keys(own)) {
      if ((networks[network] as readonly string[]).includes(key)) continue;
      const takers = Object.entries(networks).filter(([, keys]) => (keys as readonly string[]).includes(key));
      throw usageError(`--${key} is for ${takers.map(([name]) => name).join()}, not for ${network}`, help);
    }
    const { writeModel } = await import('../../models/write.ts');
    const options = {
      type: network,
      out: out ?? `${network}.onnx`,
      baseWidth: baseWidth ?? 64,
      norm: norm ?? 'instance',
      channels: { condition: conditionChannels ?? 3, image: imageChannels ?? 3 },
      seed: seed ?? 0,
      ...(size !== undefined && { size }),
      ...own,
    };
    await writeModel(options, args.quiet ? { write: () => true } : process.stdout);
  },
});

function isNetwork(name: string): name is Network {
  return Object.hasOwn(networks, name);
}
