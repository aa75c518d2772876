import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';
import type { GanletError } from '../../src/util/errors.ts';

/** A folder of its own for one test, gone when it ends. */
export function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ganlet-data-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeAt(folder: string, name: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), bytes);
}

/** A PNG of one colour. */
export async function flatPicture(
  folder: string,
  name: string,
  colour: readonly [number, number, number],
  [width, height]: readonly [number, number] = [8, 8],
): Promise<void> {
  const [r, g, b] = colour;
  const png = await sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
    .png()
    .toBuffer();
  writeAt(folder, name, png);
}

/** Code, message (with DATA for the folder) and hint of the error that a promise must end in. */
export async function refusal(promise: Promise<unknown>, folder: string) {
  const error = await promise.then(
    () => undefined,
    (error: GanletError) => error,
  );
  if (!error) throw new Error('expected a failure');
  return { code: error.code, message: error.message.replaceAll(folder, 'DATA'), hint: error.hint };
}
