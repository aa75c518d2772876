import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatWidths } from '../../src/compress/width-space.ts';
import { evolutionSearch } from '../../src/search/evolution.ts';
import { exhaustiveSearch } from '../../src/search/exhaustive.ts';
import { countFeasible, drawFeasible, feasibleVectors, fits, uniformly } from '../../src/search/feasible.ts';
import { paretoFront, paretoOrder } from '../../src/search/pareto.ts';
import { randomSearch } from '../../src/search/random.ts';
import { rng } from '../../src/util/rng.ts';
import { channels32, landscape } from './landscape.ts';

const published = {
  population: 100,
  generations: 500,
  parents: 0.25,
  mutations: 0.5,
  mutationProbability: 0.2,
  weights: uniformly,
  patience: 5,
};
const small = { ...published, population: 24, patience: 4 };
const seeds = [0, 1, 2, 3, 4];

describe('vectors within a limit', () => {
  test('are all found, branches that cannot fit being skipped', () => {
    const { space, limit } = channels32(1.4e9);
    let calls = 0;
    const counting = {
      ...limit,
      cost(vector: readonly number[]) {
        calls++;
        return limit.cost(vector);
      },
    };
    const found = [...feasibleVectors(space, [counting])].map(formatWidths);
    let all: number[][] = [[]];
    for (const { choices } of space) all = all.flatMap((start) => choices.map((width) => [...start, width]));
    const expected = all.filter((vector) => limit.cost(vector) <= limit.most).map(formatWidths);
    expect(found).toEqual(expected);
    expect(expected.length).toBeGreaterThan(100);
    expect(calls).toBeLessThan(all.length / 3);
    expect([...feasibleVectors(space, [{ ...limit, monotone: false }])]).toHaveLength(expected.length);
    expect(countFeasible(space, [limit], 100)).toBe(100);
  });

  test('can be drawn where only one in thousands fits', () => {
    const { space, limit } = channels32();
    const cheapest = limit.cost(space.map(() => 16));
    const tight = { ...limit, most: 1.02 * cheapest };
    const seen = new Set<string>();
    const total = countFeasible(space, [tight], 1e6);
    expect(total).toBeLessThan(10);
    for (let i = 0; i < total; i++) {
      const vector = drawFeasible(space, [tight], rng(i, 'tight'), seen)!;
      expect(fits([tight], vector)).toBe(true);
      seen.add(formatWidths(vector));
    }
    expect(seen.size).toBe(total);
    expect(drawFeasible(space, [tight], rng(9, 'tight'), seen)).toBeUndefined();
  });
});

describe('evolution', () => {
  test.each(seeds)('finds a vector within 5 percent of the best (seed %i)', async (seed) => {
    const problem = landscape(seed);
    const best = Math.min(...[...feasibleVectors(problem.space, problem.limits)].map(problem.distance));
    const { scored, ended } = await evolutionSearch(problem, published);
    expect(ended).toBe('no progress');
    expect(scored.length).toBeLessThan(countFeasible(problem.space, problem.limits, 1e6));
    expect(scored[0]!.quality).toBeLessThanOrEqual(1.05 * best);
  });

  test('beats as many random vectors for at least four of five seeds', async () => {
    let better = 0;
    for (const seed of seeds) {
      const evolved = await evolutionSearch(landscape(seed), small);
      const drawn = await randomSearch(landscape(seed), { evaluations: evolved.scored.length });
      expect(drawn.scored).toHaveLength(evolved.scored.length);
      if (evolved.scored[0]!.quality < drawn.scored[0]!.quality) better++;
    }
    expect(better).toBeGreaterThanOrEqual(4);
  });

  test('asks for no vector twice, keeps the limits, and depends on nothing but its seed', async () => {
    const [a, b] = [landscape(3), landscape(3)];
    const [first, second] = [await evolutionSearch(a, small), await evolutionSearch(b, small)];
    expect([...a.asked.values()].every((times) => times === 1)).toBe(true);
    expect(first.scored.every(({ vector }) => fits(a.limits, vector))).toBe(true);
    expect(second).toEqual(first);
    const other = await evolutionSearch({ ...landscape(3), seed: 4 }, small);
    expect(other.scored.map(({ vector }) => vector)).not.toEqual(first.scored.map(({ vector }) => vector));
  });

  test('its best never gets worse from one generation to the next', async () => {
    const best: number[] = [];
    await evolutionSearch({ ...landscape(1), onGeneration: (_g, { quality }) => best.push(quality) }, small);
    expect(best.length).toBeGreaterThan(3);
    expect(best).toEqual([...best].sort((a, b) => b - a));
  });

  test('stops when every vector has been seen', async () => {
    const problem = landscape(0);
    const [limit] = problem.limits;
    const tight = { ...limit!, most: 1.05 * limit!.cost(problem.space.map(() => 16)) };
    const total = countFeasible(problem.space, [tight], 1e6);
    const { scored, ended } = await evolutionSearch(
      { ...problem, limits: [tight] },
      { ...published, population: 8, patience: 100 },
    );
    expect(ended).toBe('complete');
    expect(scored).toHaveLength(total);
  });

  test('with two objectives it keeps a front from small to good', async () => {
    const problem = landscape(2);
    const { cost } = problem.limits[0]!;
    const { scored } = await evolutionSearch({ ...problem, objectives: [cost] }, small);
    const points = scored.map(({ vector, quality }) => [quality, cost(vector)]);
    const front = paretoFront(points).map((i) => points[i]!);
    expect(front.length).toBeGreaterThan(8);
    const plain = await evolutionSearch(landscape(2), small);
    const cheapest = (outcome: typeof plain) => Math.min(...outcome.scored.map(({ vector }) => cost(vector)));
    expect(cheapest({ ...plain, scored })).toBeLessThan(cheapest(plain));
  });
});

test('exhaustive search evaluates every vector once and puts the best first', async () => {
  const problem = landscape(5);
  const { scored, ended } = await exhaustiveSearch(problem);
  expect(ended).toBe('complete');
  expect(problem.asked.size).toBe(countFeasible(problem.space, problem.limits, 1e6));
  expect(scored[0]!.quality).toBe(Math.min(...scored.map(({ quality }) => quality)));
});

describe('fronts', () => {
  const points = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), {
    minLength: 1,
    maxLength: 30,
  });

  test('hold what nothing is better than in every way', () => {
    fc.assert(
      fc.property(points, (all) => {
        const front = paretoFront(all).map((i) => all[i]!);
        for (const [x, y] of all) {
          const beaten = all.some(([a, b]) => a <= x && b <= y && (a < x || b < y));
          expect(front.some(([a, b]) => a === x && b === y)).toBe(!beaten);
        }
        expect(new Set(front.map(String)).size).toBe(front.length);
      }),
    );
  });

  test('come before what they beat', () => {
    fc.assert(
      fc.property(points, (all) => {
        const order = paretoOrder(all);
        expect([...order].sort((a, b) => a - b)).toEqual(all.map((_, i) => i));
        const place = new Map(order.map((index, rank) => [index, rank]));
        for (const [i, [x, y]] of all.entries()) {
          for (const [j, [a, b]] of all.entries()) {
            if (a <= x && b <= y && (a < x || b < y)) expect(place.get(j)!).toBeLessThan(place.get(i)!);
          }
        }
      }),
    );
  });
});
