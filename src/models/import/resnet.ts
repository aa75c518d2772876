import type { Graph } from '../../graph/graph.ts';
import type { ResnetConfig } from '../../recipe/schema.ts';
import type { Padding } from '../layers.ts';
import { resnetGenerator } from '../resnet.ts';
import { kernelOf, type LayerPlace, normAfter, parameterNames, unusedStatistics } from './layers.ts';
import { checkRoom, loadParameters, mismatch, namesIn, type StateDict } from './load.ts';

export interface ResnetExpectation {
  /** Residual blocks; any number when left out. */
  blocks?: number;
  separable: boolean;
  /** Whether the layers may have other widths than the base width gives them. */
  freeWidths?: boolean;
  /** `reflect` and `replicate` leave no trace in a checkpoint; zeros do. */
  padding?: Exclude<Padding, 'zero'>;
}

export interface ImportedGenerator<C> {
  graph: Graph;
  architecture: C & { widths?: readonly number[] };
  /** Channels of the images in and out. */
  channels: { condition: number; image: number };
}

/**
 * The ResNet generator of pytorch-CycleGAN-and-pix2pix and of GAN Compression (dense, mobile and sub-mobile) from its state
 * dict: `model.<index>` with 7 indices before the blocks, `conv_block.<index>` inside them at places that depend on padding
 * and dropout. Blocks, widths, norm and channels are read off the tensors.
 * Throws CHECKPOINT_MISMATCH, CHECKPOINT_INVALID.
 */
export function importResnet(
  tensors: StateDict,
  expected: ResnetExpectation,
  file: string,
): ImportedGenerator<ResnetConfig> {
  const { separable, freeWidths = false } = expected;
  const style = separable ? 'depthwise and 1×1' : 'dense';
  const what = `a ResNet generator of ${expected.blocks ?? 'some'} blocks of ${style} convolutions`;
  const blocks = blockConvolutions(tensors);
  if (blocks.length === 0) throw mismatch(file, what, `model.10.conv_block is missing, ${namesIn(tensors)}`);
  const [first] = blocks as [Convolution[]];
  if (expected.blocks !== undefined && blocks.length !== expected.blocks) {
    throw mismatch(file, what, `it has ${blocks.length} blocks`);
  }
  for (const [i, found] of blocks.entries()) {
    if (found.length !== 2 || found.some((c) => c.separable !== separable)) {
      const kinds = found.map((c) => (c.separable ? 'a separable' : 'a dense'));
      throw mismatch(
        file,
        what,
        `block ${i + 1} has ${kinds.length === 0 ? 'no' : kinds.join(' and ')} convolution`,
      );
    }
  }
  const layers = places(blocks);
  const [stem, down1, down2] = ['1', '4', '7'].map((i) => kernelOf(tensors, `model.${i}`, what, file));
  const [up1, up2, head] = [10, 13, 17].map((i) =>
    kernelOf(tensors, `model.${blocks.length + i}`, what, file),
  );
  const inner = blocks.map(
    ([found]) => kernelOf(tensors, separable ? `${found!.name}.2` : found!.name, what, file).out,
  );
  // A transposed convolution's weights are [in, out, k, k].
  const ends = [up1!.in / 2, up2!.in];
  const widths = [stem!.out, down1!.out / 2, down2!.out / 4, ...inner.map((c) => c / 4), ...ends];
  if (!widths.every(Number.isInteger)) {
    throw mismatch(file, what, `its layers have ${widths.join(', ')} times 1, 2 and 4 channels`);
  }
  const vector = shortest(widths, blocks.length);
  const even = vector.every((c) => c === stem!.out);
  if (!even && !freeWidths) {
    throw mismatch(file, `${what} of equal widths`, `its widths are ${vector.join('_')} (sub_mobile_resnet)`);
  }
  const [c0, c1, c2] = [stem!.out, down1!.out, down2!.out];
  const area = separable ? 1 : 9;
  const inside = inner.reduce((sum, c) => sum + 2 * area * c2 * c, 0);
  const outside = 9 * (c0 * c1 + c1 * c2 + c2 * up1!.in + up1!.in * up2!.in);
  const stemAndHead = 49 * (stem!.in * c0 + up2!.in * head!.out);
  checkRoom(inside + outside + stemAndHead, tensors, what, file);
  const norm = normAfter(tensors, layers[0]!);
  const padding: Padding = first[0]!.index === 0 ? 'zero' : (expected.padding ?? 'reflect');
  const architecture = {
    type: 'resnet' as const,
    baseWidth: stem!.out,
    blocks: blocks.length,
    norm,
    padding,
    separable,
    dropout: 0,
    ...(!even && { widths: vector }),
  };
  const channels = { condition: stem!.in, image: head!.out };
  const graph = resnetGenerator({
    ...architecture,
    inputChannels: channels.condition,
    outputChannels: channels.image,
  });
  loadParameters(graph, tensors, parameterNames(layers), {
    what,
    file,
    ...(norm === 'instance' && { ignore: unusedStatistics(layers) }),
  });
  return { graph, architecture, channels };
}

interface Convolution {
  /** Place inside the block. */
  index: number;
  /** Of its tensors; of the pair of convolutions where it is separable. */
  name: string;
  separable: boolean;
}

/** The convolutions of each block in order: kernels with 4 axes, the depthwise of a separable pair standing for both. */
function blockConvolutions(tensors: StateDict): Convolution[][] {
  const blocks: Convolution[][] = [];
  for (const [key, { shape }] of tensors) {
    const match = /^(model\.(\d+)\.conv_block\.(\d+))(\.conv\.0)?\.weight$/.exec(key);
    const block = Number(match?.[2]) - 10;
    if (!match || shape.length !== 4 || !(block >= 0 && block < 64)) continue;
    const separable = match[4] !== undefined;
    while (blocks.length <= block) blocks.push([]);
    blocks[block]!.push({
      index: Number(match[3]),
      name: `${match[1]}${separable ? '.conv' : ''}`,
      separable,
    });
  }
  for (const found of blocks) found.sort((a, b) => a.index - b.index);
  return blocks;
}

function places(blocks: readonly (readonly Convolution[])[]): LayerPlace[] {
  const plain = (ours: string, index: number): LayerPlace => ({
    ours,
    theirs: `model.${index}`,
    norm: `model.${index + 1}`,
  });
  const inside = blocks.flatMap((pair, i) =>
    pair.flatMap(({ index, name, separable }, k): LayerPlace[] => {
      const ours = `block${i + 1}.conv${k + 1}`;
      const norm = `model.${10 + i}.conv_block.${index + 1}`;
      if (!separable) return [{ ours, theirs: name, norm }];
      return [
        { ours: `${ours}.depthwise`, theirs: `${name}.0`, norm: `${name}.1` },
        { ours: `${ours}.pointwise`, theirs: `${name}.2` },
        { ours, theirs: name, norm },
      ];
    }),
  );
  const after = 10 + blocks.length;
  return [
    ...[plain('stem', 1), plain('down1', 4), plain('down2', 7)],
    ...inside,
    ...[plain('up1', after), plain('up2', after + 3)],
    { ours: 'head', theirs: `model.${after + 7}` },
  ];
}

/** The width vector with as few inner numbers as give each block its own: one, one for each third, or all. */
function shortest(widths: readonly number[], blocks: number): number[] {
  const [before, inner, after] = [widths.slice(0, 3), widths.slice(3, -2), widths.slice(-2)];
  for (const count of [1, 3]) {
    const few = Array.from({ length: count }, (_, k) => inner[Math.ceil((k * blocks) / count)]!);
    if (inner.every((c, i) => c === few[Math.floor((i * count) / blocks)]))
      return [...before, ...few, ...after];
  }
  return [...before, ...inner, ...after];
}
