import { join } from 'node:path';
import { cacheDir, makeCacheFolder } from '../../data/cache-dir.ts';
import { downloadUrl, type PlainOptions } from '../../data/hub/https.ts';
import { importModel } from '../../models/import/write.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';
import { sha256File } from '../../util/hash.ts';
import { type ImportedCard, readFeatureCard } from './card.ts';
import type { PublishedWeights } from './published.ts';

export interface FetchOptions extends Pick<PlainOptions, 'cache' | 'offline' | 'patience' | 'signal'> {
  /** A file that has to be fetched, and how much of it is here. */
  onProgress?: (file: string, held: number, size: number) => void;
}

/**
 * The network of published weights as an ONNX file in the cache, `networks/<name>/<name>.onnx` with its card: weights are fetched
 * the first time, held against their hash, and converted. Throws FEATURES_MISSING when they are not here and nothing may be
 * fetched or the network does not answer, DOWNLOAD_HASH for other weights, CHECKPOINT_MISMATCH and CHECKPOINT_INVALID.
 */
export async function fetchNetwork(
  published: PublishedWeights,
  options: FetchOptions = {},
): Promise<{ path: string; sha256: string; fresh: boolean }> {
  const { name, weights, linear } = published;
  const cache = options.cache ?? cacheDir();
  const folder = join(cache, 'networks', name);
  const path = join(folder, `${name}.onnx`);
  const kept = await converted(path, published);
  if (kept !== undefined) return { path, sha256: kept, fresh: false };
  makeCacheFolder(folder);
  const fetch = async ({ url, sha256 }: PublishedWeights['weights']) => {
    const file = url.split('/').at(-1)!;
    const onProgress = (held: number, size: number) => options.onProgress?.(file, held, size);
    const got = await downloadUrl({ url, sha256 }, { ...options, cache, onProgress }).catch((error) => {
      throw missing(name, error);
    });
    return got.path;
  };
  const file = await fetch(weights);
  const second = linear && (await fetch(linear));
  await importModel(
    { kind: name, file, out: folder, ...(second !== undefined && { linear: second }) },
    { write: () => true },
  );
  return { path, sha256: await sha256File(path), fresh: true };
}

/** Whether the network is in the cache, ready to be used offline. */
export async function isFetched(published: PublishedWeights, cache = cacheDir()): Promise<boolean> {
  const { name } = published;
  return (await converted(join(cache, 'networks', name, `${name}.onnx`), published)) !== undefined;
}

/** The hash of a conversion that is whole and made of these weights, else undefined. */
async function converted(path: string, published: PublishedWeights): Promise<string | undefined> {
  if (!exists(path)) return undefined;
  try {
    const card = readFeatureCard(path);
    const sha256 = await sha256File(path);
    return 'imported' in card && card.sha256 === sha256 && isMadeOf(card as ImportedCard, published)
      ? sha256
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a card tells of an import of exactly these weights. */
export function isMadeOf({ imported }: ImportedCard, { name, weights, linear }: PublishedWeights): boolean {
  return (
    imported.kind === name &&
    imported.sha256.startsWith(weights.sha256) &&
    (linear === undefined || imported.linear?.sha256.startsWith(linear.sha256) === true)
  );
}

/** Reasons that lie with the connection. Others (a wrong hash, a full disk) are told as they are. */
const away = /^DOWNLOAD_(OFFLINE|NO_NETWORK|SERVER|INTERRUPTED|NOT_FOUND|REFUSED)$/;

function missing(name: string, error: unknown): unknown {
  if (!(error instanceof GanletError) || !away.test(error.code)) return error;
  const otherwise = name.startsWith('lpips-')
    ? 'leave lpips out'
    : 'use --features emoji, which needs no download';
  return new GanletError('FEATURES_MISSING', `the network ${name} is not here: ${error.message}`, {
    hint: `run ganlet pull ${name} with a connection, or ${otherwise}${error.hint ? `; or: ${error.hint}` : ''}`,
    cause: error,
  });
}
