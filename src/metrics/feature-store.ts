import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileError } from '../util/file-error.ts';
import { type Features, features, featuresOnDisk } from './features.ts';

/** Features as they are measured, to be read again afterwards. */
export interface FeatureStore {
  /** Adds rows, row-major. */
  add(rows: Float32Array): Promise<void>;
  /** All rows so far; add no more. They are gone after `dispose`. */
  features(): Promise<Features>;
  dispose(): Promise<void>;
}

/** Rows up to this many bytes stay in memory: 16,000 of 2048 dimensions. */
const inMemory = 128 * 2 ** 20;

/** Keeps rows in memory, and from `limit` bytes on in a temporary file, so that memory does not grow with the number of pictures. */
export function featureStore(dimension: number, limit = inMemory): FeatureStore {
  let held: Float32Array[] = [];
  let bytes = 0;
  let file: { folder: string; path: string; handle: FileHandle } | undefined;
  let opened: (Features & AsyncDisposable) | undefined;

  const spill = async () => {
    try {
      if (!file) {
        const folder = await mkdtemp(join(tmpdir(), 'ganlet-features-'));
        const path = join(folder, 'rows.f32');
        file = { folder, path, handle: await open(path, 'wx') };
      }
      for (const rows of held) {
        await file.handle.appendFile(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
      }
    } catch (error) {
      throw fileError('write', file?.path ?? tmpdir(), error);
    }
    held = [];
    bytes = 0;
  };

  return {
    async add(rows) {
      held.push(rows.slice());
      bytes += rows.byteLength;
      if (bytes > (file ? 2 ** 22 : limit)) await spill();
    },
    async features() {
      if (file) {
        await spill();
        opened ??= await featuresOnDisk(file.path, dimension);
        return opened;
      }
      const all = new Float32Array(bytes / 4);
      let at = 0;
      for (const rows of held) {
        all.set(rows, at);
        at += rows.length;
      }
      held = [all];
      return features(all, dimension);
    },
    async dispose() {
      held = [];
      await opened?.[Symbol.asyncDispose]();
      if (!file) return;
      await file.handle.close();
      await rm(file.folder, { recursive: true, force: true });
      file = undefined;
    },
  };
}
