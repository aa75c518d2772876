import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CatalogueModel } from '../../src/demo/catalogue.ts';

interface LatentModule {
  normals(seed: number, size: number): Float32Array;
  between(from: Float32Array, to: Float32Array, part: number): Float32Array;
  moved(latent: Float32Array, moves: number[], directions?: number[][]): Float32Array;
  parseChoice(text: string | null, directions: number): object | undefined;
}
interface FeedsModule {
  toFeeds(
    model: Pick<CatalogueModel, 'inputs' | 'range'>,
    question: { condition?: Float32Array | Uint8Array; besides?: Float32Array; latent?: Float32Array },
  ): Record<string, { type: string; data: Iterable<number | bigint>; shape: number[] }>;
}

/** The page's modules are plain JavaScript. */
const files: [string, string] = ['latent.js', 'feeds.js'];
const page = '../../src/demo/page';
const { normals, between, moved, parseChoice } = (await import(`${page}/${files[0]}`)) as LatentModule;
const { toFeeds } = (await import(`${page}/${files[1]}`)) as FeedsModule;

const norm = (x: Float32Array) => Math.hypot(...x);
const seed = fc.integer({ min: 0, max: 999_999 });

describe('the latent of a seed', () => {
  it('is standard normal, the same each time, and another one for another seed', () => {
    const many = normals(1, 100_000);
    const mean = many.reduce((a, b) => a + b, 0) / many.length;
    const moment = (power: number) => many.reduce((a, b) => a + b ** power, 0) / many.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(moment(2)).toBeCloseTo(1, 1);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.15);
    expect(normals(7, 9)).toEqual(normals(7, 9));
    expect(normals(7, 9)).not.toEqual(normals(8, 9));
  });

  it('leads to another along a sphere, with ends that are exact', () => {
    fc.assert(
      fc.property(seed, seed, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, part) => {
        const [from, to] = [normals(a, 32), normals(b, 32)];
        expect(between(from, to, 0)).toEqual(from);
        expect(between(from, to, 1)).toEqual(to);
        const length = norm(between(from, to, part));
        expect(length).toBeCloseTo(norm(from) + part * (norm(to) - norm(from)), 3);
      }),
    );
  });

  it('moves along directions, or in its first numbers', () => {
    const at = Float32Array.of(1, 2, 3);
    expect([...moved(at, [0, 2])]).toEqual([1, 4, 3]);
    expect([
      ...moved(
        at,
        [0, 2],
        [
          [1, 0, 0],
          [0.5, 0, 0.5],
        ],
      ),
    ]).toEqual([2, 2, 4]);
    expect([...at]).toEqual([1, 2, 3]);
  });
});

describe('a choice kept by the browser', () => {
  it('is read as it was written, and is none where it is something else', () => {
    const text = '{"from":3,"to":4,"part":0.5,"moves":[0,1]}';
    expect(JSON.stringify(parseChoice(text, 2))).toBe(text);
    for (const other of [null, '', '[]', text.replace('3', '-3'), text.replace('0.5', '2')]) {
      expect(parseChoice(other, 2)).toBeUndefined();
    }
    expect(parseChoice(text, 3)).toBeUndefined();
  });
});

describe('what a network is fed', () => {
  const ask = (condition: CatalogueModel['inputs']['condition'], given: Float32Array | Uint8Array) =>
    toFeeds({ inputs: { condition: condition! }, range: [0, 255] }, { condition: given }).x!;

  it('is a picture in its range', () => {
    const { data } = ask({ name: 'x', type: 'float32', shape: [1, 1, 1, 3] }, Float32Array.of(-1, 0, 1));
    expect([...data]).toEqual([0, 127.5, 255]);
  });

  it('is a plane for each label, and one for edges', () => {
    const input = { name: 'x', type: 'float32', shape: [1, 3, 2, 2] } as const;
    const labels = ask({ ...input, shape: [1, 3, 2, 2] }, Uint8Array.of(0, 2, 1, 2));
    expect([...labels.data]).toEqual([1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1]);
    const edged = ask({ ...input, shape: [1, 3, 2, 2] }, Uint8Array.of(0, 1, 1, 0, 1, 0, 0, 1));
    expect([...edged.data]).toEqual([1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1]);
  });

  it('is a class as one of several numbers, or as its own number where the network wants that', () => {
    expect([...ask({ name: 'x', type: 'float32', shape: [1, 4] }, Uint8Array.of(2)).data]).toEqual([
      0, 0, 1, 0,
    ]);
    const { data, type, shape } = ask({ name: 'x', type: 'int64', shape: [1] }, Uint8Array.of(2));
    expect([[...data], type, shape]).toEqual([[2n], 'int64', [1]]);
  });

  it('is a class besides a picture or labels, as planes of 0 and 1 behind it or in an input of its own', () => {
    const besides = Float32Array.of(0, 1);
    const input = (name: string, ...shape: number[]) => ({ name, type: 'float32' as const, shape });
    const picture = { condition: Float32Array.of(-1, 1), besides };
    const behind = toFeeds({ inputs: { condition: input('x', 1, 3, 1, 2) }, range: [0, 255] }, picture);
    expect([...behind.x!.data]).toEqual([0, 255, 0, 0, 1, 1]);
    const edged = { condition: Uint8Array.of(0, 0, 0, 1), besides };
    const labels = toFeeds({ inputs: { condition: input('x', 1, 4, 1, 2) }, range: [-1, 1] }, edged);
    expect([...labels.x!.data]).toEqual([1, 1, 0, 1, 0, 0, 1, 1]);
    const inputs = { condition: input('x', 1, 1, 1, 2), class: input('y', 1, 2) };
    const apart = toFeeds({ inputs, range: [0, 255] }, picture);
    expect([...apart.x!.data]).toEqual([0, 255]);
    expect(apart.y).toMatchObject({ shape: [1, 2], data: besides });
    const number = { ...inputs, class: { name: 'y', type: 'int64' as const, shape: [1] } };
    expect([...toFeeds({ inputs: number, range: [0, 255] }, picture).y!.data]).toEqual([1n]);
  });

  it('is the latent as it is', () => {
    const latent = Float32Array.of(0.5, -2);
    const feeds = toFeeds(
      { inputs: { latent: { name: 'z', type: 'float32', shape: [1, 2] } }, range: [-1, 1] },
      { latent },
    );
    expect(feeds.z).toMatchObject({ type: 'float32', shape: [1, 2], data: latent });
  });
});
