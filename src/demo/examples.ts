import sharp from 'sharp';
import { openSource } from '../data/index.ts';
import { openmojiSource } from '../data/openmoji.ts';
import type { PairedSource } from '../data/source.ts';
import { rng } from '../util/rng.ts';
import type { DemoModel } from './models.ts';

/** Pictures offered to start from. */
const offered = 8;

/** A condition of the test split, PNG. */
export interface Example {
  name: string;
  png: Uint8Array;
}

/**
 * Some conditions of the test split, those that a run's comparison shows; none when the data is not at hand or has other
 * pictures. Data comes from the recipe of a run, or is OpenMoji where a card says so. `onProgress` hears of pictures that
 * must be rendered first.
 */
export async function demoExamples(
  models: readonly DemoModel[],
  onProgress?: (done: number, total: number) => void,
): Promise<Example[]> {
  const source = await openData(models, onProgress);
  const { size, condition } = models[0]!.network;
  if (!source || source.size !== size || source.channels.condition !== condition) return [];
  const order = rng(0, 'comparison').shuffle(Array.from({ length: source.counts.test }, (_, i) => i));
  const raw = { width: size, height: size, channels: condition };
  return Promise.all(
    order.slice(0, offered).map(async (index) => {
      const pair = await source.pair('test', index);
      const png = await sharp(pair.condition, { raw }).png().toBuffer();
      return { name: source.ids.test[index]!, png };
    }),
  );
}

async function openData(
  models: readonly DemoModel[],
  onProgress: ((done: number, total: number) => void) | undefined,
): Promise<PairedSource | undefined> {
  const progress = onProgress && { onProgress };
  const data = models.find(({ recipe }) => recipe)?.recipe?.data;
  const { size, condition, image } = models[0]!.network;
  const isOpenmoji = models.some(({ card }) => card?.data?.source === 'openmoji');
  try {
    // Pictures from the hub would be downloaded: too much for a look at a network.
    if (data && data.source !== 'hub') return await openSource({ ...data, ...progress });
    if (isOpenmoji) return await openmojiSource({ size, channels: { condition, image }, ...progress });
  } catch {
    // The data has moved, or is not installed: the page works without.
  }
  return undefined;
}
