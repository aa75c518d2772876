import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeBatch, realImages } from '../../src/data/batch.ts';
import { conditionColumn } from '../../src/data/draw-condition.ts';
import { drawLatents } from '../../src/data/latents.ts';
import {
  type Condition,
  conditionChannels,
  conditionShape,
  hasTruth,
  type Pair,
  type Source,
  type Unpaired,
} from '../../src/data/source.ts';
import { rng } from '../../src/util/rng.ts';
import { labels } from '../support/label-source.ts';

const none = () => rng(0, 'unused');

/** One pair in memory. */
function source(size: number, condition: Condition, pair: Pair, unpaired?: Unpaired): Source {
  return {
    name: 'one',
    size,
    condition,
    channels: { condition: conditionChannels(condition), image: 1 },
    counts: { train: 1, val: 1, test: 0 },
    ids: { train: ['0'], val: ['0'], test: [] },
    skipped: [],
    hash: 'one',
    truth: true,
    ...(unpaired && { unpaired }),
    pair: () => pair,
  };
}

const grey = (size: number, level = 0) => new Uint8Array(size * size).fill(level);
const image = { kind: 'image', channels: 1 } as const;
const withEdges = { kind: 'labels', labels, edges: true } as const;

describe('label maps', () => {
  it('become a plane for each label, and one of edges', async () => {
    const condition = Uint8Array.of(0, 2, 1, 2, /* edges */ 0, 1, 0, 1);
    const drawn = source(2, withEdges, { condition, image: grey(2) });
    const batch = await makeBatch(drawn, 'train', [0, 0], {}, none());
    const once = [1, 0, 0, 0, /* hill */ 0, 0, 1, 0, /* house */ 0, 1, 0, 1, /* edges */ 0, 1, 0, 1];
    expect([...batch.condition]).toEqual([...once, ...once]);
    expect(conditionShape(drawn, 2)).toEqual([2, 4, 2, 2]);
  });

  it('without edges have a plane less', async () => {
    const condition = Uint8Array.of(0, 2, 1, 2);
    const drawn = source(2, { ...withEdges, edges: false }, { condition, image: grey(2) });
    const batch = await makeBatch(drawn, 'train', [0], {}, none());
    expect([...batch.condition]).toEqual([1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1]);
    expect(conditionShape(drawn, 5)).toEqual([5, 3, 2, 2]);
  });

  it('refuse a number that is no label', async () => {
    const condition = Uint8Array.of(0, 3, 0, 0, 0, 0, 0, 0);
    const drawn = source(2, withEdges, { condition, image: grey(2) });
    await expect(makeBatch(drawn, 'train', [0], {}, none())).rejects.toThrow(
      'labels must be below 3, a label map has 3',
    );
  });

  it('are flipped and cut as their image is, and never mixed', async () => {
    const size = 16;
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: size * size, maxLength: size * size, max: 2 }),
        fc.nat(1000),
        fc.boolean(),
        fc.constantFrom(0, 0.125, 0.5),
        async (map, step, flip, jitter) => {
          const condition = Uint8Array.from([...map, ...map.map((id) => Number(id === 1))]);
          const drawn = source(size, withEdges, { condition, image: map.map((id) => id * 100) });
          const batch = await makeBatch(drawn, 'train', [0], { flip, jitter }, rng(step, 'augment'));
          const area = size * size;
          const ids = Array.from({ length: area }, (_, p) => {
            const planes = [0, 1, 2].map((id) => batch.condition[id * area + p]!);
            expect(planes.toSorted()).toEqual([0, 0, 1]);
            expect(batch.condition[3 * area + p]).toBe(planes[1]);
            return planes.indexOf(1);
          });
          // The nearest of four neighbours has at least a quarter of the weight in the bilinear mixture.
          for (const [p, id] of ids.entries()) {
            const level = (batch.image[p]! + 1) * 127.5;
            if (jitter === 0) expect(level).toBeCloseTo(id * 100, 3);
            else expect(Math.abs(level - id * 100)).toBeLessThanOrEqual(150.01);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('cut with a window take the number that lies nearest', async () => {
    const size = 8;
    const enlarged = 12;
    const map = Uint8Array.from({ length: size * size }, (_, p) => (p % size) % 3);
    const drawn = source(size, { ...withEdges, edges: false }, { condition: map, image: grey(size) });
    const seen = new Set<number>();
    for (let step = 0; step < 40; step++) {
      const { condition } = await makeBatch(drawn, 'train', [0], { jitter: 0.5 }, rng(step, 'window'));
      const row = Array.from({ length: size }, (_, x) =>
        [0, 1, 2].findIndex((id) => condition[id * size * size + x] === 1),
      );
      const offsets = [0, 1, 2, 3, 4].filter((offset) =>
        row.every((id, x) => id === Math.floor(((offset + x + 0.5) * size) / enlarged) % 3),
      );
      expect(offsets).toHaveLength(1);
      seen.add(offsets[0]!);
    }
    expect(seen.size).toBe(5);
  });

  it('are drawn in the colours of their labels, edges dark', async () => {
    const condition = Uint8Array.of(0, 2, 1, 2, 0, 1, 0, 0);
    const drawn = source(2, withEdges, { condition, image: grey(2) });
    const batch = await makeBatch(drawn, 'train', [0], {}, none());
    const column = conditionColumn(drawn, batch.condition);
    const [sky, hill, house] = labels.map(({ colour }) => colour);
    expect(column).toEqual({
      title: 'condition',
      images: Uint8Array.from([...sky!, 24, 24, 24, ...hill!, ...house!]),
    });
  });
});

describe('classes', () => {
  const classes = ['cat', 'dog', 'owl'];
  const animals = { kind: 'class', classes } as const;

  it('become one number each, whatever the augmentation', async () => {
    const drawn = source(8, animals, { condition: Uint8Array.of(2), image: grey(8) });
    const augment = { flip: true, jitter: 0.5 };
    const batch = await makeBatch(drawn, 'train', [0, 0], augment, none());
    expect([...batch.condition]).toEqual([0, 0, 1, 0, 0, 1]);
    expect(conditionShape(drawn, 2)).toEqual([2, 3]);
    expect(conditionColumn(drawn, batch.condition)).toEqual({ title: 'condition', texts: ['owl', 'owl'] });
  });

  it('refuse a number that is no class, and none at all', async () => {
    for (const condition of [Uint8Array.of(3), new Uint8Array(0)]) {
      const drawn = source(2, animals, { condition, image: grey(2) });
      await expect(makeBatch(drawn, 'train', [0], {}, none())).rejects.toThrow('classes must be below 3');
    }
  });
});

it('without conditions a batch holds images alone, and a sheet leaves them out', async () => {
  const drawn = source(2, { kind: 'none' }, { condition: new Uint8Array(0), image: grey(2, 255) });
  const batch = await makeBatch(drawn, 'train', [0, 0], {}, none());
  expect(batch.condition).toHaveLength(0);
  expect([...batch.image]).toEqual(new Array(8).fill(1));
  expect(conditionShape(drawn, 2)).toBeUndefined();
  expect(conditionColumn(drawn, batch.condition)).toBeUndefined();
});

describe('unpaired images', () => {
  const size = 4;
  const ramp = (start: number) => Uint8Array.from({ length: size * size }, (_, p) => start + (p % size));
  const images = [50, 100, 150];
  const unpaired: Unpaired = {
    counts: { train: 3, val: 1, test: 0 },
    image: async (split, index) => (split === 'train' ? ramp(images[index]!) : grey(size, 200)),
  };
  const drawn = source(size, image, { condition: ramp(10), image: grey(size, 7) }, unpaired);
  const row = (batch: Float32Array) =>
    Array.from(batch.subarray(0, size), (x) => Math.round((x + 1) * 127.5));

  it('are drawn for each condition of training, flipped by themselves', async () => {
    const seen = new Map<number, number>();
    let apart = 0;
    for (let step = 0; step < 120; step++) {
      const batch = await makeBatch(drawn, 'train', [0], { flip: true }, rng(3, 'unpaired', step));
      const [condition, picture] = [row(batch.condition), row(batch.image)];
      expect(condition.toSorted((a, b) => a - b)).toEqual([10, 11, 12, 13]);
      expect(batch.mirrored).toEqual([condition[0] === 13]);
      const start = Math.min(...picture);
      expect(images).toContain(start);
      seen.set(start, (seen.get(start) ?? 0) + 1);
      if ((picture[0] === start) !== (condition[0] === 10)) apart++;
    }
    for (const start of images) expect(seen.get(start)).toBeGreaterThan(20);
    expect(apart).toBeGreaterThan(30);
    expect(apart).toBeLessThan(90);
  });

  it('are the same for the same key', async () => {
    const make = (step: number) =>
      makeBatch(drawn, 'train', [0, 0, 0, 0], { flip: true, jitter: 0.5 }, rng(4, 'key', step));
    expect(await make(1)).toEqual(await make(1));
    expect((await make(1)).image).not.toEqual((await make(2)).image);
  });

  it('leave the pairs of other splits as they are', async () => {
    const batch = await makeBatch(drawn, 'val', [0], {}, none());
    expect(row(batch.image)).toEqual([7, 7, 7, 7]);
    expect([hasTruth(drawn, 'train'), hasTruth(drawn, 'val')]).toEqual([false, true]);
    expect([hasTruth({ ...drawn, truth: false }, 'val'), hasTruth({ truth: true }, 'train')]).toEqual([
      false,
      true,
    ]);
  });

  it('are what sets are compared with', async () => {
    const real = realImages(drawn, 'train');
    expect(real.count).toBe(3);
    expect(row(await real.image(2))).toEqual([150, 151, 152, 153]);
    const { unpaired: _, ...paired } = drawn;
    expect(row(await realImages(paired, 'val').image(0))).toEqual([7, 7, 7, 7]);
  });
});

it('latent vectors follow from seed, purpose and index alone; a longer one begins like a shorter one', () => {
  const drawn = drawLatents(1, 'train', 5, 6);
  expect(drawLatents(1, 'train', 5, 6)).toEqual(drawn);
  expect(drawLatents(1, 'train', 5, 4)).toEqual(drawn.subarray(0, 4));
  for (const other of [
    drawLatents(2, 'train', 5, 6),
    drawLatents(1, 'test', 5, 6),
    drawLatents(1, 'train', 6, 6),
  ])
    expect(other).not.toEqual(drawn);
  const many = drawLatents(1, 'moments', 0, 20_000);
  const mean = many.reduce((sum, x) => sum + x, 0) / many.length;
  const variance = many.reduce((sum, x) => sum + (x - mean) ** 2, 0) / many.length;
  expect(mean).toBeCloseTo(0, 1);
  expect(variance).toBeCloseTo(1, 1);
});
