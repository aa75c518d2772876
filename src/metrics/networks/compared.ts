import { extname } from 'node:path';
import { exists } from '../../util/exists.ts';
import { sha256File } from '../../util/hash.ts';
import { type ImportedCard, readFeatureCard } from './card.ts';
import { type FetchOptions, fetchNetwork } from './fetch.ts';
import { featureNetwork, needUnchanged } from './find.ts';
import { findPublished } from './published.ts';

/** A network whose inner activations a training compares, in a file, and how it takes images. */
export interface ComparedNetwork {
  readonly path: string;
  /** Of the file. */
  readonly sha256: string;
  /** Side in pixels of the images it was made for; absent where any will do. */
  readonly size?: number;
  readonly layout: 'NCHW' | 'NHWC';
  readonly channels: 'RGB' | 'BGR';
  /** It takes (x − mean) / std of images in [−1, 1]; red, green, blue. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * The network of a perceptual loss: `vgg19`, fetched and converted where it is not here yet, or any feature network. VGG-19 takes
 * images in [−1, 1] as they are (Wang et al. 2018, code); others are scaled as their cards say. Throws as `featureNetwork`.
 */
export async function comparedNetwork(name: string, options: FetchOptions = {}): Promise<ComparedNetwork> {
  if (name === 'vgg19') return plain((await fetchNetwork(findPublished(name)!, options)).path);
  if (extname(name).toLowerCase() === '.onnx' && exists(name)) {
    const card = readFeatureCard(name);
    if ('imported' in card && (card as ImportedCard).imported.kind === 'vgg19') {
      await needUnchanged(name, card);
      return plain(name);
    }
  }
  const { path, sha256, input } = await featureNetwork(name, options);
  const { size, layout, channels } = input;
  const levels = input.pixels(input.resize);
  return {
    path,
    sha256,
    size,
    layout,
    channels,
    mean: levels.mean.map((x) => x / 127.5 - 1),
    std: levels.std.map((x) => x / 127.5),
  };
}

async function plain(path: string): Promise<ComparedNetwork> {
  const sha256 = await sha256File(path);
  return { path, sha256, layout: 'NCHW', channels: 'RGB', mean: [0, 0, 0], std: [1, 1, 1] };
}
