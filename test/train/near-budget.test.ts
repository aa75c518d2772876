import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { smallest } from '../../src/compress/width-space.ts';
import { drawNearBudget } from '../../src/train/near-budget.ts';
import { channels32 } from '../search/landscape.ts';

describe('widths drawn near a budget', () => {
  const narrowest = channels32().limit.cost(smallest(channels32().space));

  test('cost 75 to 100 % of it wherever the space reaches that', () => {
    fc.assert(
      fc.property(fc.double({ min: 1.4e9, max: 3.5e9, noNaN: true }), fc.nat(5000), (most, step) => {
        const { space, limit } = channels32(most);
        const vector = drawNearBudget(space, [limit], 7, step);
        const cost = limit.cost(vector);
        expect(vector.every((width, i) => space[i]!.choices.includes(width))).toBe(true);
        expect(cost).toBeLessThanOrEqual(most);
        expect(cost).toBeGreaterThan(Math.max(0.75 * most, narrowest - 1));
      }),
      { numRuns: 60 },
    );
  });

  test('follow from the seed and the step alone, and differ between them', () => {
    const { space, limit } = channels32();
    const draw = (seed: number, step: number) => String(drawNearBudget(space, [limit], seed, step));
    expect(draw(1, 5)).toBe(draw(1, 5));
    const drawn = new Set(Array.from({ length: 200 }, (_, step) => draw(1, step)));
    expect(drawn.size).toBeGreaterThan(100);
    expect(draw(2, 5)).not.toBe(draw(1, 5));
  });

  test('use every choice of every entry that a vector within the budget may have', () => {
    const { space, limit } = channels32();
    const vectors = Array.from({ length: 400 }, (_, step) => drawNearBudget(space, [limit], 0, step));
    for (const [i, { choices }] of space.entries())
      expect(new Set(vectors.map((vector) => vector[i])).size).toBe(choices.length);
  });

  test('keep the tightest of several limits', () => {
    const { space, limit } = channels32();
    const tight = { ...limit, name: 'half', most: limit.most * 0.8 };
    const cost = limit.cost(drawNearBudget(space, [limit, tight], 0, 0));
    expect(cost).toBeLessThanOrEqual(tight.most);
    expect(cost).toBeGreaterThanOrEqual(0.75 * tight.most);
  });

  test('are the narrowest where even they cost too much', () => {
    const { space, limit } = channels32(1e6);
    expect(drawNearBudget(space, [limit], 0, 0)).toEqual([...smallest(space)]);
  });
});
