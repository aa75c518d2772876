import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { cacheDir } from '../data/cache-dir.ts';
import { writeJsonAtomic } from '../util/atomic.ts';
import { sha256Json } from '../util/hash.ts';
import { type Features, features, featuresOnDisk } from './features.ts';
import { type Preprocessing, preprocessingFingerprint } from './preprocessing.ts';

/** What features are of: the same again only when all of it is the same. */
export interface FeatureSource {
  /** Hash of the pictures in their order. */
  content: string;
  preprocessing: Preprocessing;
  /** Engines differ in the last digits. */
  provider: string;
  dimension: number;
}

const index = z.object({
  sha256: z.string(),
  count: z.int().min(1),
  fingerprint: z.string(),
  content: z.string(),
});

/** Files up to this size are read at once. */
const inMemory = 128 * 2 ** 20;

function placeOf(source: FeatureSource, cache: string) {
  const fingerprint = preprocessingFingerprint(source.preprocessing);
  const { content, provider, dimension } = source;
  const key = sha256Json({
    content,
    fingerprint,
    network: source.preprocessing.network,
    provider,
    dimension,
  });
  const base = join(cache, 'features', key.slice(0, 40));
  return { rows: `${base}.f32`, index: `${base}.json`, fingerprint };
}

/**
 * Features measured before of the same pictures with the same network and preprocessing, from `features/` in the cache folder;
 * undefined when there are none or they are damaged. Dispose of them after use.
 */
export async function cachedFeatures(
  source: FeatureSource,
  cache = cacheDir(),
): Promise<(Features & AsyncDisposable) | undefined> {
  const place = placeOf(source, cache);
  try {
    const found = index.parse(JSON.parse(await readFile(place.index, 'utf8')));
    const { size } = await stat(place.rows);
    const whole =
      found.fingerprint === place.fingerprint &&
      found.content === source.content &&
      size === 4 * found.count * source.dimension &&
      (await sha256Of(place.rows)) === found.sha256;
    if (!whole) return undefined;
    if (size > inMemory) return await featuresOnDisk(place.rows, source.dimension);
    const bytes = await readFile(place.rows);
    const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    return { ...features(all, source.dimension), [Symbol.asyncDispose]: async () => {} };
  } catch {
    // Missing or damaged: the pictures are measured again.
    return undefined;
  }
}

/** Puts features into the cache, whole or not at all, a block at a time. Throws what the file system throws. */
export async function keepFeatures(source: FeatureSource, all: Features, cache = cacheDir()): Promise<void> {
  const place = placeOf(source, cache);
  await mkdir(join(cache, 'features'), { recursive: true });
  const temporary = `${place.rows}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  const digest = createHash('sha256');
  try {
    const handle = await open(temporary, 'wx');
    try {
      for (let first = 0; first < all.count; first += 1024) {
        const rows = Float32Array.from(await all.rows(first, Math.min(all.count, first + 1024)));
        const bytes = new Uint8Array(rows.buffer);
        digest.update(bytes);
        await handle.appendFile(bytes);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, place.rows);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  const { fingerprint } = place;
  await writeJsonAtomic(place.index, {
    sha256: digest.digest('hex'),
    count: all.count,
    fingerprint,
    content: source.content,
  });
}

async function sha256Of(path: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(path), digest);
  return digest.digest('hex');
}
