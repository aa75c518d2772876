import type { Backend } from '../backend/backend.ts';
import type { EmojiStyles } from '../data/emoji/styles.ts';
import { emojiBatch, unchanged } from '../data/emoji/styles-batch.ts';
import { blur, mottle, noise, smudge, turnHue } from '../data/emoji/styles-damage.ts';
import type { Split } from '../data/source.ts';
import { float32, type Graph } from '../graph/graph.ts';
import { type Features, features, halves } from '../metrics/features.ts';
import { frechetFromFeatures } from '../metrics/frechet.ts';
import { rng } from '../util/rng.ts';

/** Runs a network on pictures [N, 3, size, size] in [−1, 1]; each output [N, k], row-major, by name. */
export type Describe = (images: Float32Array) => Promise<Record<string, Float32Array>>;

/** Compiles a network with a symbolic batch for pictures of one size; they go through it in blocks. */
export async function describer(
  network: Graph,
  backend: Backend,
): Promise<{ describe: Describe; dispose: () => Promise<void> }> {
  const compiled = await backend.compile({ graph: network, state: [] });
  const input = network.inputs[0]!;
  const each = (input.shape.slice(1) as number[]).reduce((a, b) => a * b);
  const block = 64;
  const describe: Describe = async (images) => {
    const count = images.length / each;
    const parts: Record<string, Float32Array>[] = [];
    for (let from = 0; from < count; from += block) {
      const to = Math.min(from + block, count);
      const part = images.subarray(from * each, to * each);
      const run = await compiled.run({
        [input.name]: float32([to - from, ...(input.shape.slice(1) as number[])], part),
      });
      parts.push(Object.fromEntries(Object.entries(run).map(([k, { data }]) => [k, data as Float32Array])));
    }
    return Object.fromEntries(
      network.outputs.map(({ name }) => [name, joined(parts.map((part) => part[name]!))]),
    );
  };
  return { describe, dispose: () => compiled.dispose() };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * The share of a split's pictures that each head names rightly, 0..1. `subgroup` and `style` are asked of untouched pictures,
 * `damage` of pictures half of which are damaged.
 */
export async function accuracies(
  source: EmojiStyles,
  split: Split,
  describe: Describe,
): Promise<Record<string, number>> {
  const indices = Array.from({ length: source.counts[split] }, (_, i) => i);
  const whole = emojiBatch(source, split, indices, unchanged, rng(0, 'unchanged'));
  const logits = await describe(whole.image);
  const touched = emojiBatch(source, split, indices, { ...unchanged, damaged: 0.5 }, rng(0, 'damaged'));
  const found: Record<string, number> = {};
  for (const head of ['subgroup', 'style'] as const) {
    if (logits[head]) found[head] = accuracy(logits[head], whole[head]);
  }
  const { damage } = await describe(touched.image);
  if (damage) found.damage = accuracy(damage, touched.damage);
  return found;
}

function accuracy(logits: Float32Array, classes: Int32Array): number {
  const count = logits.length / classes.length;
  let right = 0;
  for (const [i, truth] of classes.entries()) {
    const row = logits.subarray(i * count, (i + 1) * count);
    if (row.indexOf(Math.max(...row)) === truth) right++;
  }
  return right / classes.length;
}

/** Ways to harm a picture more and more; levels in the unit of the name. */
const harms = {
  'blur, standard deviation in pixels': [0.5, 1, 2, 4],
  'noise, standard deviation of 255': [6, 13, 26, 51],
  'hue turned, degrees': [15, 45, 90, 180],
  'patchy colours, standard deviation of 255': [6, 13, 26, 51],
  'smudges, strength': [0.1, 0.4, 0.7, 1],
} as const;
type Harm = keyof typeof harms;

/** A mean over several halvings, and the standard deviation between them. */
export interface Spread {
  mean: number;
  deviation: number;
}

export interface Sensitivity {
  /** Pictures on each side of every distance. */
  count: number;
  /** How often the pictures were halved, each time another way. */
  halvings: number;
  /** Between two halves of untouched pictures: what too few pictures make of no difference at all. */
  floor: Spread;
  /** What is added to that where one half is harmed, for each way and level. */
  above: Record<Harm, ({ level: number } & Spread)[]>;
}

/**
 * What a Fréchet distance over these features makes of harm: `pictures` [N, 3, size, size] in [−1, 1] are halved again and
 * again, and one half is compared with the other, untouched and harmed more and more.
 */
export async function sensitivity(
  pictures: Float32Array,
  size: number,
  describe: (images: Float32Array) => Promise<Float32Array>,
  dimension: number,
  halvings = 10,
): Promise<Sensitivity> {
  const each = 3 * size * size;
  const count = pictures.length / each;
  const untouched = features(await describe(pictures), dimension);
  const above = {} as Sensitivity['above'];
  for (const [harm, levels] of Object.entries(harms) as [Harm, readonly number[]][]) {
    above[harm] = [];
    for (const level of levels) {
      const images = pictures.slice();
      for (let i = 0; i < count; i++)
        applyHarm(harm, images.subarray(i * each, (i + 1) * each), size, level, i);
      const harmed = features(await describe(images), dimension);
      above[harm].push({ level, ...(await comparedInHalves(untouched, harmed, halvings)).above });
    }
  }
  const { floor } = await comparedInHalves(untouched, untouched, halvings);
  return { count: Math.floor(count / 2), halvings, floor, above };
}

/**
 * The distance between the halves of `real`, and what is added to it where the second half is that of `other`: the same
 * pictures, made or changed in some way, in the same order. Halved `halvings` times as numpy permutes for seeds 0, 1, …
 */
export async function comparedInHalves(
  real: Features,
  other: Features,
  halvings: number,
): Promise<{ floor: Spread; above: Spread }> {
  const floors: number[] = [];
  const differences: number[] = [];
  for (let seed = 0; seed < halvings; seed++) {
    const [reference, untouched] = await halves(real, seed);
    const [, changed] = await halves(other, seed);
    const floor = (await frechetFromFeatures(reference, untouched)).value;
    floors.push(floor);
    differences.push((await frechetFromFeatures(reference, changed)).value - floor);
  }
  return { floor: spreadOf(floors), above: spreadOf(differences) };
}

function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((a, b) => a + b) / values.length;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(values.length - 1, 1)) };
}

/** The same picture is harmed at the same places at every level. */
function applyHarm(harm: Harm, image: Float32Array, size: number, level: number, index: number): void {
  const random = rng(0, harm, index);
  if (harm.startsWith('blur')) blur(image, size, level);
  else if (harm.startsWith('noise')) noise(image, size, level / 127.5, 1, random);
  else if (harm.startsWith('hue')) turnHue(image, (level * Math.PI) / 180, 1);
  else if (harm.startsWith('patchy')) mottle(image, size, level / 127.5, random);
  else smudge(image, size, level, random);
}

/** All pictures of one style in a split, in their order. */
export function picturesOfStyle(source: EmojiStyles, split: Split, style: number): Float32Array {
  const indices = Array.from({ length: source.counts[split] }, (_, i) => i).filter(
    (i) => source.picture(split, i).style === style,
  );
  return emojiBatch(source, split, indices, unchanged, rng(0, 'unchanged')).image;
}
