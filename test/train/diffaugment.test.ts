import { describe, expect, it } from 'vitest';
import { runGraph } from '../../src/backend/onnxruntime.ts';
import { float32, Graph } from '../../src/graph/graph.ts';
import type { AugmentDraw, Policy } from '../../src/train/diffaugment.ts';
import { augmentFeeds, augmentInputs, diffAugment, drawAugment } from '../../src/train/diffaugment.ts';
import { rng } from '../../src/util/rng.ts';

const size = 8;
const plain: AugmentDraw = {
  brightness: [0],
  saturation: [1],
  contrast: [1],
  rows: [0],
  columns: [0],
  cutRow: [-99],
  cutColumn: [-99],
};

async function augment(
  policy: Policy[],
  change: Partial<AugmentDraw>,
  image: Float32Array,
): Promise<{ condition: Float32Array; image: Float32Array }> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1, 3, size, size]);
  const y = diffAugment(x, x, augmentInputs(graph, 'a', policy, 1, size));
  if (y.condition !== x) graph.output(y.condition, 'condition');
  graph.output(y.image, 'image');
  const result = await runGraph(graph, {
    x: float32([1, 3, size, size], image),
    ...augmentFeeds('a', { ...plain, ...change }, policy, size),
  });
  return {
    condition: (result.condition?.data ?? image) as Float32Array,
    image: result.image!.data as Float32Array,
  };
}

const picture = rng(1, 'picture').fillUniform(new Float32Array(3 * size * size), -1, 1);
const at = (x: Float32Array, c: number, i: number, j: number) => x[(c * size + i) * size + j]!;

describe('DiffAugment', () => {
  it('shifts condition and picture alike, with zeros moved in', async () => {
    const { condition, image } = await augment(['translation'], { rows: [1], columns: [-1] }, picture);
    expect(image).toEqual(condition);
    for (const [c, i, j] of [
      [0, 2, 3],
      [2, 0, 1],
      [1, 6, 7],
    ] as const)
      expect(at(image, c, i, j)).toBe(at(picture, c, i + 1, j - 1));
    expect(at(image, 0, size - 1, 4)).toBe(0);
    expect(at(image, 0, 3, 0)).toBe(0);
  });

  it('cuts a box of half the size that may hang over the edge', async () => {
    const { image } = await augment(['cutout'], { cutRow: [0], cutColumn: [4] }, picture);
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++)
        expect(at(image, 1, i, j) + 0).toBe(i < 2 && j >= 2 && j < 6 ? 0 : at(picture, 1, i, j));
  });

  it('changes colours of the picture only: saturation 0 is grey, contrast 0 the mean, brightness a shift', async () => {
    const grey = await augment(['color'], { saturation: [0] }, picture);
    expect(at(grey.image, 0, 3, 3)).toBeCloseTo(at(grey.image, 2, 3, 3), 5);
    expect(grey.condition).toEqual(picture);
    const flat = await augment(['color'], { contrast: [0] }, picture);
    expect(flat.image).toBeAllclose(
      new Float32Array(picture.length).fill(picture.reduce((a, b) => a + b, 0) / picture.length),
      { atol: 1e-5 },
    );
    const bright = await augment(['color'], { brightness: [0.25] }, picture);
    expect(bright.image).toBeAllclose(
      picture.map((x) => x + 0.25),
      { atol: 1e-5 },
    );
  });

  it('draws within the ranges of the paper and covers on average 18.9 % of a 64 px picture', () => {
    const draw = drawAugment(rng(3, 'draw'), 20_000, 64);
    const within = (values: number[], lo: number, hi: number) =>
      expect([Math.min(...values) >= lo, Math.max(...values) <= hi]).toEqual([true, true]);
    within(draw.brightness, -0.5, 0.5);
    within(draw.saturation, 0, 2);
    within(draw.contrast, 0.5, 1.5);
    within(draw.rows, -8, 8);
    within(draw.cutRow, 0, 64);
    expect(new Set(draw.rows).size).toBe(17);
    expect(new Set(draw.cutRow).size).toBe(65);
    const { 'a/mask': mask } = augmentFeeds(
      'a',
      { ...draw, brightness: draw.brightness.slice(0, 4000), cutRow: draw.cutRow.slice(0, 4000) },
      ['cutout'],
      64,
    );
    const cut = 1 - (mask!.data as Float32Array).reduce((a, b) => a + b, 0) / mask!.data.length;
    expect(cut).toBeCloseTo(0.1889, 2);
  });
});
