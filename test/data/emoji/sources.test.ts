import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeBatch } from '../../../src/data/batch.ts';
import { openmojiFractions } from '../../../src/data/emoji/openmoji.ts';
import { type DataOptions, openSource } from '../../../src/data/index.ts';
import { nearestColour } from '../../../src/data/palette.ts';
import { type Pair, type Source, splits } from '../../../src/data/source.ts';
import { splitOf } from '../../../src/data/split.ts';
import { rng } from '../../../src/util/rng.ts';
import { emojiPackages } from '../../support/emoji-packages.ts';

const size = 16;
let folder: string;
let open: (more: Omit<DataOptions, 'size'>) => Promise<Source>;
beforeAll(() => {
  folder = emojiPackages(mkdtempSync(join(tmpdir(), 'ganlet-emoji-')), 12);
  open = (more) => openSource({ size, path: folder, cache: join(folder, 'cache'), ...more });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const idsOf = (source: Source) => splits.flatMap((split) => source.ids[split]);

describe('emoji-pairs', () => {
  test('are the same emoji by two artists, each concept in one split', async () => {
    const source = await open({ source: 'emoji-pairs', from: 'twemoji', to: 'noto' });
    expect(source).toMatchObject({ truth: true, channels: { condition: 3, image: 3 } });
    expect(source.unpaired).toBeUndefined();
    expect(idsOf(source).length).toBeGreaterThan(40);
    const turned = await open({ source: 'emoji-pairs', from: 'noto', to: 'twemoji' });
    expect(turned.ids).toEqual(source.ids);
    expect(turned.hash).not.toBe(source.hash);
    const [pair, other] = [source.pair('test', 1) as Pair, turned.pair('test', 1) as Pair];
    expect(pair.condition).toEqual(other.image);
    expect(pair.image).toEqual(other.condition);
    expect(pair.condition).not.toEqual(pair.image);
    expect(splitOf('grinning face', openmojiFractions)).toBe(
      splits.find((split) => source.ids[split].includes('1F600')),
    );
  });

  test('name both artists and their licences', async () => {
    const { attribution } = await open({ source: 'emoji-pairs' });
    for (const word of ['openmoji', 'CC BY-SA 4.0', 'noto', 'Google', 'Apache-2.0'])
      expect(attribution).toContain(word);
  });

  test('unaligned show training any image, and keep true pairs for measuring', async () => {
    const aligned = await open({ source: 'emoji-pairs' });
    const source = await open({ source: 'emoji-pairs', aligned: false });
    expect(source).toMatchObject({
      truth: true,
      counts: aligned.counts,
      unpaired: { counts: aligned.counts },
    });
    expect(source.hash).not.toBe(aligned.hash);
    const image = async (from: Source, split: 'train' | 'test') =>
      (await makeBatch(from, split, [0, 1, 2, 3], {}, rng(5, 'x'))).image;
    expect(await image(source, 'test')).toEqual(await image(aligned, 'test'));
    expect(await image(source, 'train')).not.toEqual(await image(aligned, 'train'));
  });

  test('may be grey', async () => {
    const source = await open({ source: 'emoji-pairs', channels: { condition: 1, image: 1 } });
    const { condition, image } = source.pair('train', 0) as Pair;
    expect([condition.length, image.length]).toEqual([size * size, size * size]);
  });
});

describe('emoji-labels', () => {
  test('are maps of the nearest palette colours of the emoji to be made', async () => {
    const source = await open({ source: 'emoji-labels', labels: 6 });
    if (source.condition.kind !== 'labels') throw new Error('expected labels');
    const { labels, byColour } = source.condition;
    expect({ count: labels.length, byColour, first: labels[0] }).toEqual({
      count: 6,
      byColour: true,
      first: { name: 'background', colour: [255, 255, 255] },
    });
    expect(source.channels).toEqual({ condition: 6, image: 3 });
    const segment = nearestColour(labels.map(({ colour }) => colour));
    const used = new Set<number>();
    let [same, all] = [0, 0];
    for (let i = 0; i < source.counts.train; i++) {
      const { condition, image } = source.pair('train', i) as Pair;
      expect(condition.length).toBe(size * size);
      const found = segment(image);
      for (const [p, label] of condition.entries()) {
        used.add(label);
        all++;
        if (found[p] === label) same++;
      }
    }
    expect(used.size).toBe(6);
    expect(same / all).toBeGreaterThan(0.85);
  });

  test('are the same each time, and others with other labels', async () => {
    const [a, b, c] = await Promise.all([8, 8, 9].map((labels) => open({ source: 'emoji-labels', labels })));
    expect(b!.hash).toBe(a!.hash);
    expect(c!.hash).not.toBe(a!.hash);
    expect(b!.pair('val', 0)).toEqual(a!.pair('val', 0));
  });

  test('of another artist do not tell the labels by colour', async () => {
    const { condition } = await open({ source: 'emoji-labels', from: 'twemoji', to: 'noto' });
    expect(condition).not.toHaveProperty('byColour');
  });
});

describe('emoji-classes', () => {
  test('are emoji by group, once for each style', async () => {
    const source = await open({ source: 'emoji-classes' });
    expect(source.condition).toEqual({
      kind: 'class',
      classes: ['animals-nature', 'food-drink', 'objects', 'smileys-emotion'],
    });
    expect(source.truth).toBe(false);
    const two = await open({ source: 'emoji-classes', styles: ['noto', 'twemoji'] });
    expect(two.counts.train).toBe(2 * source.counts.train);
    const { condition } = await makeBatch(source, 'train', [0], {}, rng(0, 'x'));
    expect([...condition].toSorted()).toEqual([0, 0, 0, 1]);
    const at = source.ids.train.indexOf('1F600');
    const [split, index] =
      at < 0 ? (['test', source.ids.test.indexOf('1F600')] as const) : (['train', at] as const);
    if (index >= 0) expect((source.pair(split, index) as Pair).condition).toEqual(Uint8Array.of(3));
  });
});
