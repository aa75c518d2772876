import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import { sha256 } from '../../src/util/hash.ts';
import { writePictures } from '../support/pair-pictures.ts';
import { ganletHere } from './here.ts';

export { pairPicture, writePictures } from '../support/pair-pictures.ts';

/** The smallest run through every stage, on 16 px pictures; it takes seconds. */
export const tinyRecipe = `name: tiny
seed: 3
threads: 1
data: {source: aligned, path: pictures, size: 16, flip: true}
teacher:
  generator: {type: resnet, baseWidth: 4, blocks: 1}
  train: {steps: 4, batch: 2, tick: 4, samples: 2, initGain: 0.2}
discriminator: {type: patch, baseWidth: 4, layers: 1}
student: {baseWidth: 2, separable: true}
distill: {steps: 4, batch: 2, tick: 4, samples: 2, checkpointSeconds: 0}
baselines: [naive]
`;

/**
 * Prepares a folder once (call it in the body of a test file): `tiny.yaml`, `pictures`, and, with `finished`, the whole run
 * in `runs/tiny`, or those stages of it. Gives what makes a copy of it for one test.
 */
export function tinyFolders({
  recipe = tinyRecipe,
  finished = false,
}: {
  recipe?: string;
  finished?: boolean | string;
} = {}): () => Promise<string> {
  const kept = mkdtempSync(join(tmpdir(), 'ganlet-tiny-'));
  afterAll(() => rmSync(kept, { recursive: true, force: true }));
  let ready: Promise<void> | undefined;
  const prepare = async () => {
    writeFileSync(join(kept, 'tiny.yaml'), recipe);
    await writePictures(kept);
    if (!finished) return;
    const stages = typeof finished === 'string' ? ['--stages', finished] : [];
    const { status, stderr } = await ganletHere(['run', 'tiny.yaml', '--quiet', ...stages], kept);
    if (status !== 0) throw new Error(`the run to copy failed: ${stderr}`);
  };
  return async () => {
    ready ??= prepare();
    await ready;
    const folder = mkdtempSync(join(tmpdir(), 'ganlet-cli-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    cpSync(kept, folder, { recursive: true });
    return folder;
  };
}

export function hashOf(...path: string[]): string {
  return sha256(readFileSync(join(...path)));
}
