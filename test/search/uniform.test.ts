import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uniformVector } from '../../src/search/uniform.ts';
import { channels32 } from './landscape.ts';

const { space, limit } = channels32();

test('even widths come within 2 percent of any cost, from below, and stay even', () => {
  const [least, most] = [4, 32].map((width) => limit.cost(space.map(() => width)));
  fc.assert(
    fc.property(fc.double({ min: least!, max: most!, noNaN: true }), (wanted) => {
      const vector = uniformVector(space, limit.cost, wanted);
      const cost = limit.cost(vector);
      expect(cost).toBeLessThanOrEqual(wanted);
      expect(cost).toBeGreaterThan(0.98 * wanted);
      expect(Math.max(...vector) - Math.min(...vector)).toBeLessThanOrEqual(4);
    }),
    { numRuns: 60 },
  );
});

test('a cost that even widths have exactly gives exactly these', () => {
  for (const width of [5, 16, 32]) {
    const even = space.map(() => width);
    expect(uniformVector(space, limit.cost, limit.cost(even))).toEqual(even);
  }
});

test('entries of unlike full widths keep their proportions', () => {
  const mixed = space.map((entry, i) => ({ ...entry, full: i % 2 === 0 ? 64 : 16 }));
  const cost = (vector: readonly number[]) => vector.reduce((sum, width) => sum + width, 0);
  expect(uniformVector(mixed, cost, cost(mixed.map(({ full }) => full / 2)))).toEqual(
    mixed.map(({ full }) => full / 2),
  );
});
