import type { Rng } from '../util/rng.ts';
import { rng } from '../util/rng.ts';
import { oneHotClass, oneHotLabels, oneHotPlanes } from './one-hot.ts';
import { conditionShape, pictureChannels, type Source, type Split } from './source.ts';
import { copy, nearest, place, type Sampler, sampler, window } from './window.ts';

export interface Augment {
  /** Mirror left–right with probability ½, condition and image together. */
  flip?: boolean;
  /**
   * Enlarge by this fraction and cut a random window of the original size, condition and image together.
   * 0 is off; 0.117 is pix2pix's 286/256.
   */
  jitter?: number;
}

/** N pairs as networks take them. */
export interface Batch {
  /**
   * Pictures [N, C, size, size] in [−1, 1]; labels [N, L (+ 1 with edges), size, size] and classes [N, K] of 0 and 1, one 1
   * for each place; empty without conditions. After a picture or labels that come with classes a plane [size, size] for each class,
   * of ones for its own. The shape is `conditionShape`.
   */
  condition: Float32Array;
  /** [N, channels.image, size, size] in [−1, 1] */
  image: Float32Array;
  /** Which conditions were flipped: what is cached of them must be flipped with them. */
  mirrored: boolean[];
}

/**
 * The pairs `indices` of a split as one batch. What is random comes from `random` alone, drawn per pair in
 * order (flip, then the window's x and y), so equal arguments give equal batches. Jitter is that of pix2pix
 * (Isola et al. 2017, §6.2: 256 → 286 → 256) with bilinear enlargement; labels take the nearest one.
 *
 * In the training split of an unpaired source any image goes with a condition: after the condition's draws come those of the
 * image, which one it is, its flip and its window.
 */
export async function makeBatch(
  source: Source,
  split: Split,
  indices: ArrayLike<number>,
  augment: Augment,
  random: Rng,
): Promise<Batch> {
  const { size, channels } = source;
  const count = indices.length;
  const condition = new Float32Array((conditionShape(source, count) ?? [0]).reduce((a, b) => a * b, 1));
  const image = new Float32Array(count * channels.image * size * size);
  const unpaired = split === 'train' ? source.unpaired : undefined;
  const drawn = Array.from(indices, (index) => {
    const view = drawView(size, augment, random);
    if (!unpaired) return { index, view, other: undefined, otherView: view };
    const other = random.int(0, unpaired.counts.train - 1);
    return { index, view, other, otherView: drawView(size, augment, random) };
  });
  const pairs = await Promise.all(
    drawn.map(async ({ index, other }) => {
      const pair = await source.pair(split, index);
      return other === undefined ? pair : { ...pair, image: await unpaired!.image('train', other) };
    }),
  );
  const writeView = viewWriter(size);
  const each = condition.length / count;
  for (const [n, { view, otherView }] of drawn.entries()) {
    const pair = pairs[n]!;
    writeCondition(source, pair.condition, condition, n * each, view, writeView);
    writeView.picture(pair.image, image, n * channels.image * size * size, channels.image, otherView);
  }
  return { condition, image, mirrored: drawn.map(({ view }) => view.mirrored) };
}

/** Images of a split that are not of its pairs' conditions but may be compared as a set: those of `unpaired`, else the pairs'. */
export function realImages(
  source: Source,
  split: Split,
): { count: number; image(index: number): Promise<Float32Array> } {
  const { unpaired, size, channels } = source;
  const writeView = viewWriter(size);
  return {
    count: (unpaired ?? source).counts[split],
    /** [channels.image, size, size] in [−1, 1] */
    async image(index) {
      const bytes = unpaired ? await unpaired.image(split, index) : (await source.pair(split, index)).image;
      const image = new Float32Array(channels.image * size * size);
      writeView.picture(bytes, image, 0, channels.image, plainView);
      return image;
    },
  };
}

/** How a picture is seen: mirrored or not, and where its window lies in the enlarged picture, if it is enlarged. */
interface View {
  mirrored: boolean;
  enlarged: number;
  x: number;
  y: number;
}

const plainView: View = { mirrored: false, enlarged: 0, x: 0, y: 0 };

function drawView(size: number, { flip, jitter = 0 }: Augment, random: Rng): View {
  const mirrored = flip === true && random.uniform() < 0.5;
  const enlarged = Math.round(size * (1 + jitter));
  if (enlarged <= size) return { ...plainView, mirrored };
  const x = random.int(0, enlarged - size);
  return { mirrored, enlarged, x, y: random.int(0, enlarged - size) };
}

interface ViewWriter {
  /** Writes an 8-bit picture as CHW in [−1, 1]. */
  picture(from: Uint8Array, to: Float32Array, start: number, channels: number, view: View): void;
  /** Planes of numbers that must not be mixed. */
  planes(from: Uint8Array, view: View): Uint8Array;
}

function viewWriter(size: number): ViewWriter {
  const [columns, rows]: [Sampler, Sampler] = [sampler(size), sampler(size)];
  const look = ({ mirrored, enlarged, x, y }: View) => {
    place(columns, x, enlarged || size, mirrored);
    place(rows, y, enlarged || size, false);
  };
  return {
    picture(from, to, start, channels, view) {
      if (view.enlarged) {
        look(view);
        window(from, to, start, channels, columns, rows);
      } else copy(from, to, start, channels, size, view.mirrored);
    },
    planes(from, view) {
      if (!view.enlarged && !view.mirrored) return from;
      look(view);
      const to = new Uint8Array(from.length);
      nearest(from, to, columns, rows);
      return to;
    },
  };
}

function writeCondition(
  { condition, size }: Source,
  pair: Uint8Array,
  to: Float32Array,
  start: number,
  view: View,
  writeView: ViewWriter,
): void {
  const planes = 'classes' in condition && condition.kind !== 'class' ? condition.classes : undefined;
  const from = planes ? pair.subarray(0, -1) : pair;
  if (planes) oneHotPlanes(pair.at(-1), to, start + pictureChannels(condition) * size * size, planes, size);
  if (condition.kind === 'image') writeView.picture(from, to, start, condition.channels, view);
  else if (condition.kind === 'labels') oneHotLabels(writeView.planes(from, view), to, start, condition);
  else if (condition.kind === 'class') oneHotClass(from[0], to, start, condition);
}

/** How the pairs of training steps are drawn. */
export interface StepDraw {
  seed: number;
  batch: number;
  augment: Augment;
  /** Numbers of the training pairs that take part; all when left out. */
  pictures?: ArrayLike<number> | undefined;
}

/** The batch of a training step, augmented, and the numbers of its pairs; the same for equal arguments. */
export async function stepBatch(
  source: Source,
  step: number,
  { seed, batch, augment, pictures }: StepDraw,
): Promise<Batch & { indices: Int32Array }> {
  const drawn = trainIndices(seed, step, batch, pictures?.length ?? source.counts.train);
  const indices = pictures ? drawn.map((i) => pictures[i]!) : drawn;
  return { ...(await makeBatch(source, 'train', indices, augment, rng(seed, 'augment', step))), indices };
}

/**
 * The pairs that step `step` (0, 1, …) trains on, out of `count`: each epoch is a fresh shuffle keyed by
 * (seed, epoch), and steps cut it into batches without a remainder, so a batch may span two epochs. Any
 * step's indices can be computed without those before it.
 */
export function trainIndices(seed: number, step: number, batch: number, count: number): Int32Array {
  if (!(count >= 1)) throw new RangeError(`trainIndices needs at least one pair, got ${count}`);
  const indices = new Int32Array(batch);
  for (let i = 0; i < batch; i++) {
    const position = step * batch + i;
    indices[i] = epochOrder(seed, Math.floor(position / count), count)[position % count]!;
  }
  return indices;
}

/** The last few shuffles: consecutive steps share an epoch. Forgetting them changes no result. */
const orders = new Map<string, Int32Array>();

function epochOrder(seed: number, epoch: number, count: number): Int32Array {
  const key = `${seed} ${epoch} ${count}`;
  let order = orders.get(key);
  if (!order) {
    order = rng(seed, 'epoch order', epoch).shuffle(Int32Array.from({ length: count }, (_, i) => i));
    if (orders.size >= 4) orders.delete(orders.keys().next().value!);
    orders.set(key, order);
  }
  return order;
}
