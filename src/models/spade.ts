import { Graph, type Value } from '../graph/graph.ts';
import { leakyRelu, tanh } from '../ops/activation.ts';
import { reshape } from '../ops/layout.ts';
import { linear } from '../ops/matmul.ts';
import { upsample } from '../ops/resize.ts';
import { defaultUpsampling, type Upsampling, upsamplings } from '../recipe/upsampling.ts';
import { GanletError } from '../util/errors.ts';
import { checkWhole, convolution, parameter } from './layers.ts';
import { spadeBlock } from './spade-block.ts';
import type { ValueNames } from './value-names.ts';

export interface SpadeOptions {
  /** Channels of the last block ("ngf"); the first ones have sixteen times as many. */
  baseWidth: number;
  /** Channels of the label map: labels, and one for edges. */
  labels: number;
  /** How often the size doubles: `fewer` 4 times, `normal` 5, `more` 6, `most` 7. By default what suits the size. */
  upsampling?: Upsampling;
  /** Side of the square image, or [height, width]; left out, they are symbols. */
  size?: number | readonly [height: number, width: number];
  /** The norm without parameters under the modulation: batch as published. */
  norm?: 'batch' | 'instance';
  /** Scale and shift of the modulations by separable convolutions ("mobile" of GAN Compression, Li et al. 2020). */
  separable?: boolean;
  /** [trunk, head_0, G_middle_0, G_middle_1, up_0, up_1, up_2, up_3] instead of `baseWidth` for all; see below. */
  widths?: readonly number[];
  outputChannels?: number;
  /** Numbers of a latent vector to start from, in the place of the shrunk label map; 0 for none. */
  latent?: number;
  /** Spectral norms on conv_0, conv_1 and conv_s of every block. */
  spectralNorm?: boolean;
}

/**
 * The SPADE generator (GauGAN; Park et al. 2019) with the widths of GAN Compression (Li et al. 2020). Input `labels` float32
 * [batch, labels, height, width], one-hot; output `image` [batch, 3, height, width] in [−1, 1]; sides must be multiples of
 * 2^(doublings). The label map shrunk to the start size (nearest) goes through a 3×3 convolution `fc`; or the further input
 * `latent` [batch, latent] through a linear layer `fc`. Then residual blocks (see `spadeBlock`), each with the label map at its
 * size: `head_0`, `G_middle_0`, `G_middle_1`, `up_0`, `up_1`, `up_2`, `up_3` (and `up_4` of `most`), leaky ReLU of slope 0.2,
 * the 3×3 convolution `conv_img`, tanh. Sizes double (nearest) before G_middle_0 (not `fewer`), before G_middle_1 (`more` and
 * `most`) and before each up block. The values called after the blocks can be tapped.
 *
 * The width vector is [c0 … c7]: fc and what runs through head_0, G_middle_0 and G_middle_1 16·c0, the insides of these three
 * 16·c1, 16·c2, 16·c3, inside and result of up_0 8·c4, up_1 4·c5, up_2 2·c6, up_3 c7; between label map and modulation each
 * block has twice its own number. `most` takes a ninth number for up_4, which has half of it.
 * Throws WIDTHS_INVALID, SIZE_INVALID, OPTION_INVALID.
 */
export function spadeGenerator(options: SpadeOptions): Graph {
  const { baseWidth, labels, norm = 'batch', separable = false, spectralNorm = false, latent = 0 } = options;
  checkWhole('baseWidth', baseWidth, 1);
  checkWhole('labels', labels, 1);
  checkWhole('latent', latent, 0);
  const [height, width] =
    typeof options.size === 'number' ? [options.size, options.size] : (options.size ?? []);
  const { upsampling = defaultUpsampling(Math.min(height ?? 256, width ?? 256)) } = options;
  const doublings = upsamplings[upsampling];
  checkSize([height, width], doublings, upsampling);
  const blocks = spadeBlocks(upsampling);
  const [trunk, ...own] = spadeWidths(options.widths ?? new Array(1 + blocks.length).fill(baseWidth), blocks);

  const graph = new Graph('spade');
  const map = graph.input('labels', 'float32', ['batch', labels, height ?? 'height', width ?? 'width']);
  const maps = new Map<number, Value>([[0, map]]);
  const shrunk = (halvings: number) => {
    const found =
      maps.get(halvings) ?? graph.scoped('labels', () => upsample(map, bothSides(0.5 ** halvings)));
    maps.set(halvings, found);
    return found;
  };
  let halvings = doublings;
  let x =
    latent > 0
      ? startOf(
          graph,
          latent,
          16 * trunk!,
          [height, width].map((side) => (side ?? 0) / 2 ** doublings),
        )
      : convolution(shrunk(halvings), 'fc', 16 * trunk!, { kernel: 3, pad: 1 });
  for (const [k, { name, unit, doubled }] of blocks.entries()) {
    if (doubled) {
      x = graph.scoped(name, () => upsample(x, [2, 2]));
      halvings--;
    }
    const inner = channelsOf(own[k]!, unit);
    const learnedShortcut = name.startsWith('up');
    const out = learnedShortcut ? inner : 16 * trunk!;
    const block = { out, inner, hidden: 2 * own[k]!, learnedShortcut, norm, separable, spectralNorm };
    x = spadeBlock(x, shrunk(halvings), name, block);
  }
  const image = convolution(leakyRelu(x, 0.2), 'conv_img', options.outputChannels ?? 3, {
    kernel: 3,
    pad: 1,
  });
  graph.output(tanh(image), 'image');
  return graph;
}

/** A block of the generator: its channels for one unit of width, and whether the size doubles before it. */
export interface SpadeBlock {
  readonly name: string;
  readonly unit: number;
  readonly doubled: boolean;
}

/** The blocks of a generator, in order; their names are those of the width vector's entries from the second on. */
export function spadeBlocks(upsampling: Upsampling): SpadeBlock[] {
  const doublings = upsamplings[upsampling];
  const blocks = [
    { name: 'head_0', unit: 16, doubled: false },
    { name: 'G_middle_0', unit: 16, doubled: doublings > 4 },
    { name: 'G_middle_1', unit: 16, doubled: doublings > 5 },
    ...[8, 4, 2, 1].map((unit, k) => ({ name: `up_${k}`, unit, doubled: true })),
  ];
  return doublings > 6 ? [...blocks, { name: 'up_4', unit: 0.5, doubled: true }] : blocks;
}

/** The ends of three blocks (GAN Compression). */
export function spadeTaps(names: ValueNames): string[] | undefined {
  const taps = ['head_0', 'G_middle_1', 'up_1'];
  return taps.every(names.has) ? taps : undefined;
}

function channelsOf(width: number, unit: number): number {
  return Math.max(1, Math.floor(width * unit));
}

const bothSides = (scale: number): [number, number] => [scale, scale];

/** A latent vector as an image of the start size. */
function startOf(graph: Graph, latent: number, channels: number, sides: readonly number[]): Value {
  const [rows, columns] = sides as [number, number];
  if (rows * columns === 0) {
    throw new GanletError('SIZE_INVALID', 'a SPADE generator with a latent vector must be of a fixed size');
  }
  const z = graph.input('latent', 'float32', ['batch', latent]);
  const weight = parameter(graph, 'fc.weight', [channels * rows * columns, latent]);
  const bias = parameter(graph, 'fc.bias', [channels * rows * columns]);
  return graph.scoped('fc', () => reshape(linear(z, weight, bias), ['batch', channels, rows, columns]));
}

function checkSize(sides: readonly (number | undefined)[], doublings: number, upsampling: string): void {
  for (const side of sides) {
    if (side === undefined || (side >= 1 && side % 2 ** doublings === 0)) continue;
    throw new GanletError(
      'SIZE_INVALID',
      `image sides must be multiples of ${2 ** doublings} for a SPADE generator with upsampling "${upsampling}", got ${side}`,
      { hint: 'another upsampling doubles the size less often' },
    );
  }
}

function spadeWidths(widths: readonly number[], blocks: readonly SpadeBlock[]): readonly number[] {
  if (widths.length === 1 + blocks.length && widths.every((c) => Number.isInteger(c) && c > 0)) return widths;
  throw new GanletError(
    'WIDTHS_INVALID',
    `widths must be ${1 + blocks.length} whole numbers above 0, for trunk, ${blocks.map(({ name }) => name).join(', ')}, got [${widths.join(', ')}]`,
  );
}
