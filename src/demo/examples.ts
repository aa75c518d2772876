import sharp from 'sharp';
import { openmojiSource } from '../data/emoji/openmoji.ts';
import { openSource } from '../data/index.ts';
import { drawLatents } from '../data/latents.ts';
import { type Condition, classesOf, conditionChannels, type Source } from '../data/source.ts';
import { rng } from '../util/rng.ts';
import { type DemoModel, sharedCondition } from './models.ts';

/** Pictures offered to start from. */
const offered = 8;

/** See `CatalogueExample`; a picture or labels as PNG. */
export interface Example {
  name: string;
  png?: Uint8Array;
  class?: number;
  latent?: number[];
}

/**
 * Some conditions of the test split, those that a run's comparison shows; none when the data is not at hand or has others than
 * the networks take. Data comes from the recipe of a run, or is OpenMoji where a card says so. `onProgress` hears of pictures
 * that must be rendered first.
 */
export async function demoExamples(
  models: readonly DemoModel[],
  onProgress?: (done: number, total: number) => void,
): Promise<Example[]> {
  const { size, latent } = models[0]!.network;
  const condition = sharedCondition(models);
  const source = condition.kind === 'none' ? undefined : await openData(models, onProgress);
  if (!source || source.size !== size || !fits(source.condition, condition)) return [];
  return examplesOf(source, latent);
}

/** Some conditions of a source's test split, with latents of so many numbers; 0 is none. */
export function examplesOf(source: Source, latent: number): Promise<Example[]> {
  const order = rng(0, 'comparison').shuffle(Array.from({ length: source.counts.test }, (_, i) => i));
  return Promise.all(
    order.slice(0, offered).map(async (index) => ({
      name: source.ids.test[index]!,
      ...(await exampleOf(source, (await source.pair('test', index)).condition)),
      ...(latent > 0 && { latent: latentOf(index, latent) }),
    })),
  );
}

/** Whether networks given one can be given the other. */
function fits(found: Condition, wanted: Condition): boolean {
  if (found.kind !== wanted.kind || conditionChannels(found) !== conditionChannels(wanted)) return false;
  if (classesOf(found).length !== classesOf(wanted).length) return false;
  return found.kind !== 'labels' || (wanted.kind === 'labels' && found.edges === wanted.edges);
}

/** Of a condition as `Pair.condition` holds it. */
async function exampleOf(
  { size, condition }: Source,
  bytes: Uint8Array,
): Promise<Pick<Example, 'png' | 'class'>> {
  const png = (pixels: Uint8Array, channels: 1 | 3) =>
    sharp(pixels, { raw: { width: size, height: size, channels } })
      .png()
      .toBuffer();
  const area = size * size;
  // A class besides is the last byte.
  const besides = classesOf(condition).length > 0 ? { class: bytes.at(-1)! } : {};
  switch (condition.kind) {
    case 'image': {
      const { channels } = condition;
      return { png: await png(bytes.subarray(0, channels * area), channels), ...besides };
    }
    case 'labels':
      return { png: await png(labelPixels(bytes, area, condition.edges), 3), ...besides };
    case 'class':
      return { class: bytes[0]! };
    case 'none':
      return {};
  }
}

/** Labels as red, edges as green. */
function labelPixels(bytes: Uint8Array, area: number, edges: boolean): Uint8Array {
  const pixels = new Uint8Array(3 * area);
  for (let i = 0; i < area; i++) {
    pixels[3 * i] = bytes[i]!;
    if (edges) pixels[3 * i + 1] = bytes[area + i]! > 0 ? 255 : 0;
  }
  return pixels;
}

/** That of a run's comparison; short enough to be kept as text, and right to the last digit that matters. */
function latentOf(index: number, size: number): number[] {
  return Array.from(drawLatents(0, 'pictures of test', index, size), (x) => Math.round(x * 1e5) / 1e5);
}

async function openData(
  models: readonly DemoModel[],
  onProgress: ((done: number, total: number) => void) | undefined,
): Promise<Source | undefined> {
  const progress = onProgress && { onProgress };
  const data = models.find(({ recipe }) => recipe)?.recipe?.data;
  const { size, condition, image } = models[0]!.network;
  const isOpenmoji = models.some(({ card }) => card?.data?.source === 'openmoji');
  try {
    // Pictures from the hub would be downloaded: too much for a look at a network.
    if (data && data.source !== 'hub') return await openSource({ ...data, ...progress });
    if (isOpenmoji && condition.kind === 'image') {
      return await openmojiSource({ size, channels: { condition: condition.channels, image }, ...progress });
    }
  } catch {
    // The data has moved, or is not installed: the page works without.
  }
  return undefined;
}
