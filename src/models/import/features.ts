import type { Graph } from '../../graph/graph.ts';
import { inception } from '../inception.ts';
import { type LpipsBackbone, lpips } from '../lpips.ts';
import { vgg16, vgg19Features } from '../vgg.ts';
import { checkRoom, loadParameters, type StateDict, shapeOf } from './load.ts';

/** Tensors of a file, and the file they are from. */
export interface StateDictFile {
  tensors: StateDict;
  file: string;
}

/**
 * The Inception network of FID from pytorch-fid's state dict (`pt_inception-2015-12-05-6726825d.pth`).
 * Throws CHECKPOINT_MISMATCH for another one, torchvision's of 1000 classes among them; CHECKPOINT_INVALID.
 */
export function importInception({ tensors, file }: StateDictFile, size = 299): Graph {
  const what = 'the Inception network of FID (pytorch-fid’s, with 1008 classes)';
  return loadParameters(inception({ size }), tensors, new Map(), { what, file });
}

/**
 * VGG-16 from torchvision's state dict; its last layer, the classes, is left out. Widths are read off the tensors.
 * Throws CHECKPOINT_MISMATCH, CHECKPOINT_INVALID.
 */
export function importVgg16({ tensors, file }: StateDictFile, size = 224): Graph {
  const what = 'VGG-16 as in torchvision';
  const [baseWidth] = shapeOf(tensors, 'features.0.weight', 4, what, file) as [number];
  const [hidden] = shapeOf(tensors, 'classifier.0.weight', 2, what, file) as [number];
  checkRoom(9 * 64 * 5 * baseWidth ** 2 + 49 * 8 * baseWidth * hidden + hidden ** 2, tensors, what, file);
  const graph = vgg16({ size, baseWidth, hidden });
  const ignore = (name: string) => name.startsWith('classifier.6.');
  return loadParameters(graph, tensors, new Map(), { what, file, ignore });
}

/**
 * The convolutions of VGG-19 for perceptual losses, from torchvision's state dict; what follows relu5_1 is left out.
 * Throws CHECKPOINT_MISMATCH, CHECKPOINT_INVALID.
 */
export function importVgg19({ tensors, file }: StateDictFile): Graph {
  const what = 'VGG-19 as in torchvision';
  const [baseWidth] = shapeOf(tensors, 'features.0.weight', 4, what, file) as [number];
  const ignore = (name: string) => /^(classifier\.|features\.3[024]\.)/.test(name);
  return loadParameters(vgg19Features(baseWidth), tensors, new Map(), { what, file, ignore });
}

/**
 * The LPIPS distance from its backbone (torchvision's state dict of AlexNet, VGG-16 or SqueezeNet 1.1, the classifier left
 * out) and its linear layers, which are in another file (`lin<k>.model.1.weight`, as the authors publish them) or in the
 * same one, as `lpips.LPIPS(…).state_dict()` has them. Throws CHECKPOINT_MISMATCH, CHECKPOINT_INVALID.
 */
export function importLpips(backbone: LpipsBackbone, network: StateDictFile, linear = network): Graph {
  const tensors = new Map(
    [...network.tensors].flatMap(([name, tensor]) => {
      const ours = name.replace(/^net\.slice\d+\./, 'features.');
      return ours.startsWith('features.') ? [[ours, tensor] as const] : [];
    }),
  );
  for (const [name, tensor] of linear.tensors) {
    const layer = /^(?:lins\.|lin)(\d+)\.(?:model\.1\.)?weight$/.exec(name)?.[1];
    if (layer !== undefined) tensors.set(`lin${layer}.weight`, tensor);
  }
  const file = linear.file === network.file ? network.file : `${network.file} and ${linear.file}`;
  const what = `LPIPS with ${backbone} (backbone and linear layers)`;
  // AlexNet's and SqueezeNet's features are all compared; nothing of them is left over.
  return loadParameters(lpips(backbone), tensors, new Map(), { what, file });
}
