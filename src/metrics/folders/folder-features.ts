import type { PictureFolder } from '../../data/folder/pictures.ts';
import { GanletError } from '../../util/errors.ts';
import { cachedFeatures, type FeatureSource, keepFeatures } from '../feature-cache.ts';
import { type FeatureStore, featureStore } from '../feature-store.ts';
import type { Features } from '../features.ts';
import type { FeatureExtractor } from '../networks/extract.ts';
import { decoded } from './pictures.ts';

export interface FolderFeaturesOptions {
  onProgress?: (done: number) => void;
  /** Class scores of each batch, in order. */
  onLogits?: (logits: Float32Array) => void;
}

/** Features of all pictures of a folder, in order; memory does not grow with their number. Dispose of the store after use. */
export async function folderFeatures(
  folder: PictureFolder,
  extractor: FeatureExtractor,
  { onProgress, onLogits }: FolderFeaturesOptions = {},
): Promise<{ features: Features; store: FeatureStore }> {
  const store = featureStore(extractor.network.output.dimension);
  try {
    for await (const { first, pictures } of decoded(folder.files, extractor.batch)) {
      const { features, logits } = await extractor.extract(pictures);
      await store.add(features);
      if (logits) onLogits?.(logits);
      onProgress?.(first + pictures.length);
    }
    return { features: await store.features(), store };
  } catch (error) {
    await store.dispose();
    throw error;
  }
}

/** `folderFeatures` of real pictures, which are kept from one time to the next by the content of the files. */
export async function realFolderFeatures(
  folder: PictureFolder,
  extractor: FeatureExtractor,
  {
    provider,
    cache,
    onWarning,
    ...options
  }: FolderFeaturesOptions & { provider: string; cache?: string; onWarning: (message: string) => void },
): Promise<{ features: Features; dispose: () => Promise<void>; fresh: boolean }> {
  const source: FeatureSource = {
    content: folder.hash,
    preprocessing: extractor.preprocessing,
    provider,
    dimension: extractor.network.output.dimension,
  };
  const kept = await cachedFeatures(source, cache);
  if (kept) {
    options.onProgress?.(folder.files.length);
    return { features: kept, dispose: async () => kept[Symbol.asyncDispose](), fresh: false };
  }
  const { features, store } = await folderFeatures(folder, extractor, options);
  await keepFeatures(source, features, cache).catch((error) => {
    const reason = error instanceof GanletError ? error.message : String((error as Error).message);
    onWarning(`the features of ${folder.path} are not kept for the next time: ${reason}`);
  });
  return { features, dispose: () => store.dispose(), fresh: true };
}
