import { inceptionInput } from '../../models/inception.ts';
import { type LpipsBackbone, lpipsBackbones } from '../../models/lpips.ts';
import { imagenetPixels } from '../../models/vgg.ts';
import type { ResizeMode } from '../resize.ts';
import type { FeatureNetwork } from './network.ts';

/** A file at its publisher's; the hash is the one its name carries, or the publisher's repository has at that commit. */
export interface WeightFile {
  readonly url: string;
  /** SHA-256 or its first digits. */
  readonly sha256: string;
}

/** Weights as they were published, and the network of ours that they go into. */
export interface PublishedWeights {
  /** The name to call it by; also its kind for `ganlet import`. */
  readonly name: string;
  readonly weights: WeightFile;
  /** The linear layers of LPIPS. */
  readonly linear?: WeightFile;
  readonly note: string;
}

const torchvision = 'https://download.pytorch.org/models';
const perceptual =
  'https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1';

const backbones: Record<LpipsBackbone, { weights: string; linear: string }> = {
  alex: { weights: 'alexnet-owt-7be5be79.pth', linear: 'df73285e' },
  vgg: { weights: 'vgg16-397923af.pth', linear: 'a78928a0' },
  squeeze: { weights: 'squeezenet1_1-b8a52dc0.pth', linear: '4a5350f2' },
};

const prefixOf = (file: string) => /-([0-9a-f]{8})\.pth$/.exec(file)![1]!;
const fromTorchvision = (file: string) => ({ url: `${torchvision}/${file}`, sha256: prefixOf(file) });
const inceptionFile = 'pt_inception-2015-12-05-6726825d.pth';

/** Networks that are fetched where they are not here yet, and converted once. */
export const publishedWeights: readonly PublishedWeights[] = [
  {
    name: 'inception',
    weights: {
      url: `https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/${inceptionFile}`,
      sha256: prefixOf(inceptionFile),
    },
    note: 'the network of FID, 2015, as pytorch-fid has it, 91 MiB; Apache-2.0',
  },
  {
    name: 'vgg16',
    weights: fromTorchvision(backbones.vgg.weights),
    note: 'VGG-16 of torchvision, the features of improved precision and recall, 528 MiB',
  },
  {
    name: 'vgg19',
    weights: fromTorchvision('vgg19-dcbf9e9d.pth'),
    note: 'VGG-19 of torchvision for perceptual losses, 548 MiB',
  },
  ...lpipsBackbones.map((backbone) => ({
    name: `lpips-${backbone}`,
    weights: fromTorchvision(backbones[backbone].weights),
    linear: { url: `${perceptual}/${backbone}.pth`, sha256: backbones[backbone].linear },
    note: `LPIPS v0.1 with ${backbone}: weights of torchvision and of its authors; BSD`,
  })),
];

export function findPublished(name: string): PublishedWeights | undefined {
  return publishedWeights.find((published) => published.name === name);
}

const thrice = (x: number) => [x, x, x];

/** What is known of a network by its kind, so that no card must say it. */
type KnownNetwork = Pick<FeatureNetwork, 'input' | 'output' | 'logits'> & { layer: string };

export const knownNetworks: Readonly<Record<string, KnownNetwork>> = {
  inception: {
    layer: 'pool3',
    input: {
      name: 'image',
      size: inceptionInput.size,
      layout: 'NCHW',
      channels: 'RGB',
      resize: 'pil-bicubic',
      // pytorch-fid alone brings 0..255 to [−1, 1]; it is the one that resizes like this.
      pixels: (resize: ResizeMode) => {
        const middle = thrice(resize === 'torch' ? 127.5 : 128);
        return { mean: middle, std: middle };
      },
    },
    output: { name: 'pool', dimension: 2048 },
    logits: { name: 'logits_unbiased', classes: 1008 },
  },
  vgg16: {
    layer: 'fc2_relu',
    input: {
      name: 'image',
      size: 224,
      layout: 'NCHW',
      channels: 'RGB',
      resize: 'tf1',
      pixels: () => ({
        mean: imagenetPixels.mean.map((x) => 255 * x),
        std: imagenetPixels.std.map((x) => 255 * x),
      }),
    },
    output: { name: 'fc2_relu', dimension: 4096 },
  },
};
