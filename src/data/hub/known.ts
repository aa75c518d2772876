import { GanletError } from '../../util/errors.ts';
import type { HubRepo } from './address.ts';

/** A file of the hub that has a name here. */
export interface KnownFile {
  file: string;
  /** What the content must hash to. Absent where nobody has checked it: then the hub's own hash is verified. */
  sha256?: string;
}

/** One or more files that belong together, as data: `ganlet pull <name>`. */
export interface Known {
  name: string;
  /** lpips: layers of a perceptual distance; features: a network whose features are compared. */
  kind: 'lpips' | 'features';
  repo: HubRepo;
  /** Absent where no commit is known to be right: the newest one is taken and printed. */
  revision?: string;
  files: readonly KnownFile[];
  note: string;
}

const model = (name: string): HubRepo => ({ type: 'model', name });

/**
 * Networks that the hub is known to hold as ONNX. None of their hashes could be checked when this list was
 * written, so none is pinned here: what is downloaded is held against the SHA-256 that the hub states, which
 * guards against damage on the way but not against a repository that changes. `ganlet pull` prints revision
 * and hash, to be pinned by the user.
 */
export const knownFiles: readonly Known[] = [
  {
    name: 'lpips-alex-400',
    kind: 'lpips',
    repo: model('deepghs/imgutils-models'),
    files: [{ file: 'lpips/lpips_feature.onnx' }, { file: 'lpips/lpips_diff.onnx' }],
    note: 'AlexNet features (400 × 400, RGB from 0 to 1) and the LPIPS distance of two of them; MIT',
  },
  {
    name: 'vgg16-classifier',
    kind: 'features',
    repo: model('onnxmodelzoo/vgg16_Opset18_torch_hub'),
    files: [{ file: 'vgg16_Opset18.onnx' }],
    note: 'VGG16 classifier with torchvision weights, by its name',
  },
  {
    name: 'squeezenet',
    kind: 'features',
    repo: model('lmz/candle-onnx'),
    files: [{ file: 'squeezenet1.1-7.onnx' }],
    note: 'SqueezeNet 1.1 classifier, 5 MB',
  },
  {
    name: 'dinov2-small',
    kind: 'features',
    repo: model('Xenova/dinov2-small'),
    files: [{ file: 'onnx/model.onnx' }],
    note: 'DINOv2 ViT-S/14 features, 89 MB',
  },
];

/** The entry of that name, or undefined. */
export function findKnown(name: string): Known | undefined {
  return knownFiles.find((known) => known.name === name);
}

/** PULL_NAME: the text is neither a known name (of this list or of `others`) nor an address. */
export function unknownName(name: string, others: readonly string[] = []): GanletError {
  const names = [...others, ...knownFiles.map((known) => known.name)].join(', ');
  return new GanletError(
    'PULL_NAME',
    `${JSON.stringify(name)} must be a known name (${names}), owner/name, owner/name/file or https://…`,
    { hint: 'ganlet pull --list shows the known names; data sets are written datasets/owner/name' },
  );
}
