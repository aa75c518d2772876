import { basename, extname } from 'node:path';
import { choice, text, usageError, whole } from '../options.ts';
import { defineVerb } from '../verb.ts';

const help = 'ganlet import --help lists its arguments';

/** The networks, and which options concern only some of them. */
const resnets = [
  'resnet_9blocks',
  'resnet_6blocks',
  'resnet',
  'mobile_resnet_9blocks',
  'sub_mobile_resnet_9blocks',
  'mobile_resnet',
];
const distances = ['lpips-alex', 'lpips-vgg', 'lpips-squeeze'];
const kinds = [
  ...resnets,
  ...['unet_256', 'unet_128', 'unet', 'basic', 'n_layers', 'pixel', 'inception', 'vgg16', 'vgg19'],
  ...distances,
];

export const importCheckpoint = defineVerb({
  command: 'import <kind> <file>',
  describe: 'Make an ONNX file of a PyTorch checkpoint, without Python',
  positionals: {
    kind: { type: 'string', demandOption: true, describe: kinds.join(', ') },
    file: {
      type: 'string',
      demandOption: true,
      describe: 'State dict (.pth, .pt or .safetensors); nothing in it is executed',
    },
  },
  options: {
    out: text('--out', 'Folder for the ONNX file and its card; by default named like the file'),
    key: text('--key', 'Dictionary of the file that holds the network, as in netG or models/netG'),
    lin: text('--lin', 'File of the linear layers, for lpips-…'),
    padding: choice(
      '--padding',
      'How the blocks of a resnet that does not pad with zeros continue images; by default reflect',
      ['reflect', 'replicate'],
    ),
    size: whole('--size', 'Side of the images in pixels, for the costs in the card', 8),
  },
  examples: [
    [
      'ganlet import resnet_9blocks horse2zebra.pth --out teachers/horse2zebra/',
      'then: teacher.model in a recipe',
    ],
    ['ganlet import lpips-alex alexnet.pth --lin alex.pth --out features', 'backbone and linear layers'],
  ],
  async run({ kind, file, out, key, lin, padding, size, quiet }) {
    if (!kinds.includes(kind)) {
      const known = kinds.join(', ');
      throw usageError(`<kind> must be one of ${known}, got "${kind}"`, help);
    }
    if (padding && !resnets.includes(kind))
      throw usageError(`--padding is for resnets, not for ${kind}`, help);
    if (lin && !distances.includes(kind)) throw usageError(`--lin is for lpips-…, not for ${kind}`, help);
    const { importModel } = await import('../../models/import/write.ts');
    const options = {
      kind,
      file,
      out: out ?? basename(file, extname(file)),
      ...(key !== undefined && { key }),
      ...(lin !== undefined && { linear: lin }),
      ...(padding && { padding }),
      ...(size !== undefined && { size }),
    };
    await importModel(options, quiet ? { write: () => true } : process.stdout);
  },
});
