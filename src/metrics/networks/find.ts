import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lpipsBackbones } from '../../models/lpips.ts';
import { nearest } from '../../recipe/nearest.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';
import { sha256File } from '../../util/hash.ts';
import { type FeatureCard, type ImportedCard, readFeatureCard } from './card.ts';
import { type FetchOptions, fetchNetwork, isMadeOf } from './fetch.ts';
import { type FeatureNetwork, featureNames } from './network.ts';
import { findPublished, knownNetworks } from './published.ts';

/** Networks of features that go by a name; any other is named by its `.onnx` file. */
export const featureNetworkNames = ['inception', 'vgg16', 'emoji'] as const;

/** The network that comes with the package. */
const shipped = fileURLToPath(new URL('../../../teachers/features-emoji-64/network.onnx', import.meta.url));

/**
 * The feature network of a name (`inception`, `vgg16`, `emoji`) or in an `.onnx` file with its card beside it. Published weights
 * that are not here yet are fetched and converted, once. This is the one place that decides what a distance of its features is
 * called. Throws FEATURES_UNKNOWN for another name, FEATURES_CARD_MISSING, FEATURES_CARD_INVALID, FEATURES_CHANGED when card and
 * file do not belong together, and what `fetchNetwork` throws.
 */
export async function featureNetwork(name: string, options: FetchOptions = {}): Promise<FeatureNetwork> {
  const published = findPublished(name);
  if (published && Object.hasOwn(knownNetworks, name)) {
    return fromFile((await fetchNetwork(published, options)).path);
  }
  if (name === 'emoji') return fromFile(shipped);
  if (extname(name).toLowerCase() === '.onnx') return fromFile(name);
  if (published?.linear) {
    throw new GanletError(
      'FEATURES_UNKNOWN',
      `${name} must give features, it gives distances of two pictures`,
      {
        hint: 'for LPIPS add lpips to the metrics',
      },
    );
  }
  const meant = nearest(name, featureNetworkNames);
  throw new GanletError(
    'FEATURES_UNKNOWN',
    `a feature network must be ${featureNetworkNames.join(', ')} or the path of an .onnx file, got ${JSON.stringify(name)}`,
    meant === undefined ? {} : { hint: `did you mean ${meant}?` },
  );
}

async function fromFile(path: string): Promise<FeatureNetwork> {
  needFile(path);
  const card = readFeatureCard(path);
  await needUnchanged(path, card);
  return 'imported' in card ? ofKind(path, card as ImportedCard) : described(path, card as FeatureCard);
}

/** A network that `ganlet import` made: its kind says everything. */
function ofKind(path: string, card: ImportedCard): FeatureNetwork {
  const { kind, sha256 } = card.imported;
  const known = Object.hasOwn(knownNetworks, kind) ? knownNetworks[kind] : undefined;
  if (!known) {
    throw new GanletError('FEATURES_UNKNOWN', `${path} must give features, its card says it is ${kind}`, {
      hint: kind.startsWith('lpips-')
        ? 'for LPIPS use --metrics lpips --lpips <path>'
        : 'name another network',
    });
  }
  const { layer, ...network } = known;
  const names = featureNames(`${kind}-${layer}`, network.output.dimension);
  const published = findPublished(kind);
  const isFid = kind === 'inception' && published !== undefined && isMadeOf(card, published);
  return {
    ...names,
    // The weights, not our file of them: another version of this tool may write the same network differently.
    sha256,
    ...(isFid && { frechet: 'FID', kernel: 'KID' }),
    path,
    ...network,
  };
}

async function described(path: string, card: FeatureCard): Promise<FeatureNetwork> {
  const { name, input, output, logits } = card;
  const levels = { mean: input.mean.map((x) => 255 * x), std: input.std.map((x) => 255 * x) };
  return {
    ...featureNames(name, output.dimension),
    path,
    sha256: await sha256File(path),
    input: {
      name: input.name,
      size: input.size,
      layout: input.layout,
      channels: input.channels,
      resize: input.resize,
      pixels: () => levels,
    },
    output: {
      name: output.name,
      dimension: output.dimension,
      ...(output.token !== undefined && { token: output.token }),
    },
    ...(logits && { logits: { name: logits.name, classes: logits.classes } }),
  };
}

/** An LPIPS distance in a file: inputs `a` and `b` in [−1, 1], output `distance`. */
export interface PerceptualNetwork {
  /** `LPIPS-alex`; `PD-<name>` where nothing shows that it is one of LPIPS. */
  readonly label: string;
  readonly path: string;
  readonly sha256: string;
}

/**
 * The LPIPS network `alex`, `vgg` or `squeeze`, fetched and converted where it is not here yet, or an `.onnx` file with inputs `a`
 * and `b` and an output `distance`, as `ganlet import lpips-alex` writes. Throws FEATURES_UNKNOWN, and as `featureNetwork`.
 */
export async function perceptualNetwork(
  name: string,
  options: FetchOptions = {},
): Promise<PerceptualNetwork> {
  const published = findPublished(`lpips-${name.replace(/^lpips-/, '')}`);
  if (published) {
    const { path } = await fetchNetwork(published, options);
    return { label: published.name.replace('lpips', 'LPIPS'), path, sha256: await sha256File(path) };
  }
  if (extname(name).toLowerCase() !== '.onnx') {
    const meant = nearest(name, lpipsBackbones);
    throw new GanletError(
      'FEATURES_UNKNOWN',
      `the network of LPIPS must be ${lpipsBackbones.join(', ')} or the path of an .onnx file, got ${JSON.stringify(name)}`,
      meant === undefined ? {} : { hint: `did you mean ${meant}?` },
    );
  }
  needFile(name);
  const sha256 = await sha256File(name);
  return { label: await perceptualLabel(name), path: name, sha256 };
}

/** Without a card a distance goes by the name of its file. */
async function perceptualLabel(path: string): Promise<string> {
  const otherwise = `PD-${basename(path, extname(path))}`;
  let card: FeatureCard | ImportedCard;
  try {
    card = readFeatureCard(path);
  } catch {
    return otherwise;
  }
  await needUnchanged(path, card);
  const kind = 'imported' in card ? (card as ImportedCard).imported.kind : '';
  return kind.startsWith('lpips-') ? kind.replace('lpips', 'LPIPS') : otherwise;
}

function needFile(path: string): void {
  if (exists(path)) return;
  if (path === shipped) {
    throw new GanletError('FEATURES_MISSING', `the network emoji must be at ${path}, there is none`, {
      hint: 'install ganlet again: the file comes with it',
    });
  }
  throw new GanletError('FILE_MISSING', `a feature network must be at ${path}, there is no such file`, {
    hint: 'check the path',
  });
}

/** Throws FEATURES_CHANGED where a card names the hash of another file. */
export async function needUnchanged(path: string, card: FeatureCard | ImportedCard): Promise<void> {
  if (card.sha256 === undefined || card.sha256 === (await sha256File(path))) return;
  throw new GanletError(
    'FEATURES_CHANGED',
    `the card beside ${path} must be the card of this file, it is not`,
    {
      hint: 'bring file and card here again, together',
    },
  );
}
