import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { drawnPicture, writeTinyDistance, writeTinyNetwork } from './tiny-network.ts';

/** Writes a drawn picture as PNG, or JPEG where the path ends in .jpg. */
export async function writePicture(path: string, seed: number, { shift = 0, side = 32 } = {}): Promise<void> {
  const { data, height, width } = drawnPicture(seed, side, shift);
  const area = height * width;
  const pixels = data.map((_, o) => data[(o % 3) * area + Math.floor(o / 3)]!);
  const picture = sharp(pixels, { raw: { width, height, channels: 3 } });
  await (path.endsWith('.jpg') ? picture.jpeg({ quality: 90 }) : picture.png()).toFile(path);
}

/**
 * Prepares a folder once (call it in the body of a test file): `real` with 40 pictures of 32 px, `made` with the same ones brighter,
 * networks `tiny.onnx` of 6 features and `difference.onnx`. Gives what makes a copy of it for one test.
 */
export function pictureFolders(): () => string {
  let kept: string;
  beforeAll(async () => {
    kept = mkdtempSync(join(tmpdir(), 'ganlet-folders-'));
    for (const [name, shift] of [
      ['real', 0],
      ['made', 25],
    ] as const) {
      mkdirSync(join(kept, name));
      for (let i = 0; i < 40; i++) {
        await writePicture(join(kept, name, `${String(i).padStart(3, '0')}.png`), i, { shift });
      }
    }
    writeTinyNetwork(kept, { dimension: 6 });
    writeTinyDistance(kept);
  });
  afterAll(() => rmSync(kept, { recursive: true, force: true }));
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'ganlet-copy-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    cpSync(kept, folder, { recursive: true });
    return folder;
  };
}
