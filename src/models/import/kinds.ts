import type { Graph } from '../../graph/graph.ts';
import type { DiscriminatorConfig, GeneratorConfig } from '../../recipe/schema.ts';
import { GanletError } from '../../util/errors.ts';
import { distillTaps } from '../generator.ts';
import { inceptionInput } from '../inception.ts';
import type { Padding } from '../layers.ts';
import { lpipsBackbones } from '../lpips.ts';
import { imagenetPixels } from '../vgg.ts';
import { importPatchDiscriminator, importPixelDiscriminator } from './discriminator.ts';
import { importInception, importLpips, importVgg16, importVgg19, type StateDictFile } from './features.ts';
import { importResnet } from './resnet.ts';
import { importUnet } from './unet.ts';

/** A network that has been imported, and what is written into its card beside costs and hashes. */
export interface ImportedNetwork {
  graph: Graph;
  role: 'teacher' | 'discriminator' | 'features';
  /** Side in pixels at which costs are counted. */
  size: number;
  architecture?: (GeneratorConfig & { widths?: readonly number[] }) | DiscriminatorConfig;
  /** Of pixels as the network takes them: of generators and LPIPS in and out. */
  range?: readonly [number, number];
  /** What a feature network expects: pixels on [0, 1] less `mean`, divided by `std`, in pictures of `size`. */
  preprocessing?: { size: number; mean: readonly number[]; std: readonly number[] };
  taps?: readonly string[];
}

export interface ImportSource extends StateDictFile {
  /** The linear layers of LPIPS, where they are in another file. */
  linear?: StateDictFile;
  padding?: Exclude<Padding, 'zero'>;
  size?: number;
}

type Importer = (source: ImportSource) => ImportedNetwork;

/** A ResNet; the names are those of the repositories' `--netG`. */
function resnet(separable: boolean, blocks?: number, freeWidths = false): Importer {
  return ({ tensors, file, padding, size = 256 }) => {
    const expected = { separable, freeWidths, ...(blocks && { blocks }), ...(padding && { padding }) };
    const { graph, architecture } = importResnet(tensors, expected, file);
    return { graph, role: 'teacher', size, architecture, range: [-1, 1], taps: distillTaps(graph, 'resnet') };
  };
}

function unet(levels?: number): Importer {
  return ({ tensors, file, size }) => {
    const { graph, architecture } = importUnet(tensors, { ...(levels && { levels }) }, file);
    const side = size ?? 2 ** architecture.levels;
    return {
      graph,
      role: 'teacher',
      size: side,
      architecture,
      range: [-1, 1],
      taps: distillTaps(graph, 'unet'),
    };
  };
}

function patch(layers?: number): Importer {
  return ({ tensors, file, size = 256 }) => {
    const found = importPatchDiscriminator(tensors, { ...(layers && { layers }) }, file);
    return { ...found, role: 'discriminator', size, range: [-1, 1] };
  };
}

const pixel: Importer = ({ tensors, file, size = 256 }) => ({
  ...importPixelDiscriminator(tensors, file),
  role: 'discriminator',
  size,
  range: [-1, 1],
});

const thrice = (x: number) => [x, x, x];

const inception: Importer = (source) => {
  const { size, mean, std } = inceptionInput;
  const preprocessing = { size, mean: thrice(mean), std: thrice(std) };
  return { graph: importInception(source), role: 'features', size, preprocessing };
};

const vgg16: Importer = (source) => ({
  graph: importVgg16(source),
  role: 'features',
  size: 224,
  preprocessing: { size: 224, ...imagenetPixels },
});

/** The perceptual losses of pix2pixHD and SPADE give it images in [−1, 1] as they are. */
const vgg19: Importer = (source) => ({
  graph: importVgg19(source),
  role: 'features',
  size: source.size ?? 256,
  range: [-1, 1],
});

const importers: Readonly<Record<string, Importer>> = {
  resnet_9blocks: resnet(false, 9),
  resnet_6blocks: resnet(false, 6),
  resnet: resnet(false, undefined, true),
  mobile_resnet_9blocks: resnet(true, 9),
  sub_mobile_resnet_9blocks: resnet(true, 9, true),
  mobile_resnet: resnet(true, undefined, true),
  unet_256: unet(8),
  unet_128: unet(7),
  unet: unet(),
  basic: patch(3),
  n_layers: patch(),
  pixel,
  inception,
  vgg16,
  vgg19,
  ...Object.fromEntries(
    lpipsBackbones.map((backbone): [string, Importer] => [
      `lpips-${backbone}`,
      (source) => ({
        graph: importLpips(backbone, source, source.linear),
        role: 'features',
        size: source.size ?? 64,
        range: [-1, 1],
      }),
    ]),
  ),
};

/** Networks that can be imported: `resnet_9blocks`, `unet_256`, `basic`, `inception`, `lpips-alex`, …. */
export const importKinds: readonly string[] = Object.keys(importers);

/**
 * The network `kind` from a state dict. Throws OPTION_INVALID for an unknown kind, CHECKPOINT_MISMATCH when the tensors are
 * those of another network, CHECKPOINT_INVALID when they are damaged.
 */
export function importNetwork(kind: string, source: ImportSource): ImportedNetwork {
  const importer = Object.hasOwn(importers, kind) ? importers[kind] : undefined;
  if (importer) return importer(source);
  throw new GanletError(
    'OPTION_INVALID',
    `networks that can be imported are ${importKinds.join(', ')}, got "${kind}"`,
  );
}
