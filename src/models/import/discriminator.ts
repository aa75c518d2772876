import type { Graph } from '../../graph/graph.ts';
import type { DiscriminatorConfig } from '../../recipe/schema.ts';
import { patchDiscriminator, pixelDiscriminator } from '../discriminator.ts';
import { kernelOf, type LayerPlace, normAfter, parameterNames, unusedStatistics } from './layers.ts';
import { checkRoom, loadParameters, mismatch, namesIn, type StateDict } from './load.ts';

export interface ImportedDiscriminator {
  graph: Graph;
  architecture: DiscriminatorConfig;
  /** Of the condition and the image together. */
  inputChannels: number;
}

/**
 * The PatchGAN of pytorch-CycleGAN-and-pix2pix from its state dict: convolutions at `model.0`, `model.2`, `model.5`, …, the
 * norm of each but the first and the last one index later. `layers`: convolutions of stride 2; any number when left out.
 * Throws CHECKPOINT_MISMATCH, CHECKPOINT_INVALID.
 */
export function importPatchDiscriminator(
  tensors: StateDict,
  expected: { layers?: number },
  file: string,
): ImportedDiscriminator {
  const what = `a PatchGAN discriminator of ${expected.layers ?? 'some'} layers`;
  const indices = [0, 2];
  while (tensors.has(`model.${indices.at(-1)! + 3}.weight`)) indices.push(indices.at(-1)! + 3);
  const layers = indices.length - 2;
  if (layers < 1 || layers > 8) throw mismatch(file, what, namesIn(tensors));
  if (expected.layers !== undefined && layers !== expected.layers)
    throw mismatch(file, what, `it has ${layers} layers`);
  const places = indices.map((index, k): LayerPlace => {
    const normal = k > 0 && k <= layers;
    return { ours: `conv${k + 1}`, theirs: `model.${index}`, ...(normal && { norm: `model.${index + 1}` }) };
  });
  const first = kernelOf(tensors, 'model.0', what, file);
  // From n to 2n, 4n, 8n, 8n, … channels, by 4×4 kernels.
  const squares = [2, 8, 32, ...new Array(layers).fill(64)].slice(0, layers);
  const inner = first.out ** 2 * squares.reduce((a, b) => a + b, 0);
  checkRoom(16 * (inner + first.in * first.out), tensors, what, file);
  const norm = normAfter(tensors, places[1]!);
  const architecture = { type: 'patch' as const, baseWidth: first.out, layers, norm, spectralNorm: false };
  const graph = patchDiscriminator({ ...architecture, inputChannels: first.in });
  load(graph, tensors, places, norm, what, file);
  return { graph, architecture, inputChannels: first.in };
}

/** The pixel discriminator of the same repository: `net.0`, `net.2` with its norm `net.3`, `net.5`. Throws likewise. */
export function importPixelDiscriminator(tensors: StateDict, file: string): ImportedDiscriminator {
  const what = 'a pixel discriminator';
  const places: LayerPlace[] = [
    { ours: 'conv1', theirs: 'net.0' },
    { ours: 'conv2', theirs: 'net.2', norm: 'net.3' },
    { ours: 'conv3', theirs: 'net.5' },
  ];
  const first = kernelOf(tensors, 'net.0', what, file);
  checkRoom(2 * first.out ** 2 + first.in * first.out, tensors, what, file);
  const norm = normAfter(tensors, places[1]!);
  const architecture = { type: 'pixel' as const, baseWidth: first.out, norm, spectralNorm: false };
  const graph = pixelDiscriminator({ ...architecture, inputChannels: first.in });
  load(graph, tensors, places, norm, what, file);
  return { graph, architecture, inputChannels: first.in };
}

function load(
  graph: Graph,
  tensors: StateDict,
  places: readonly LayerPlace[],
  norm: 'batch' | 'instance',
  what: string,
  file: string,
): void {
  const ignore = unusedStatistics(places);
  loadParameters(graph, tensors, parameterNames(places), {
    what,
    file,
    ...(norm === 'instance' && { ignore }),
  });
}
