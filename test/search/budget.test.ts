import { expect, test } from 'vitest';
import { checkReachable, limitsOf, needFeasible } from '../../src/search/budget.ts';
import type { CostModel } from '../../src/search/cost.ts';
import { fits } from '../../src/search/feasible.ts';
import { chosenSearcher } from '../../src/search/run-search.ts';
import { channels32 } from './landscape.ts';

const { space, limit } = channels32();
const costs = {
  macs: limit.cost,
  params: (v) => 1000 * v[0]!,
  activationBytes: (v) => 4096 * v[1]!,
} as CostModel;
const teacherMacs = 10e9;

test('every kind of limit of a budget must be kept', () => {
  const latency = (vector: readonly number[]) => vector[2]! / 4;
  const budget = { ofTeacher: 0.3, params: 24_000, memory: 24 * 4096, latency: 6 };
  const limits = limitsOf(budget, { costs, teacherMacs, latency });
  expect(limits.map(({ name, most }) => [name, most])).toEqual([
    ['ofTeacher', 0.3],
    ['params', 24_000],
    ['memory', 98_304],
    ['latency', 6],
  ]);
  expect(limits.every(({ monotone }) => monotone)).toBe(true);
  checkReachable(limits, space);
  // Times scatter: of a limit above what the widest takes the search is not told off.
  checkReachable(limitsOf({ latency: 9 }, { costs, teacherMacs, latency }), space);
  const vector = [24, 24, 24, 32, 32, 16, 16, 16];
  expect(fits(limits, vector)).toBe(true);
  for (const i of [0, 1, 2]) expect(fits(limits, vector.with(i, 32))).toBe(false);
});

test.each([
  [
    { macs: 1e6 },
    'search.budget (macs) must be from 955M to 3.12G, which is what supernet.widths reach, got 1.00M',
  ],
  [
    { ofTeacher: 0.9 },
    'search.budget (ofTeacher) must be from 0.0955x to 0.312x, which is what supernet.widths reach, got 0.9x',
  ],
  [
    { params: 40_000 },
    'search.budget (params) must be from 16.0k to 32.0k, which is what supernet.widths reach, got 40.0k',
  ],
])('%j is out of reach', (budget, message) => {
  expect(() => checkReachable(limitsOf(budget, { costs, teacherMacs }), space)).toThrow(
    expect.objectContaining({ code: 'BUDGET_UNREACHABLE', message }),
  );
});

test('limits that no vector keeps together are an error', () => {
  const widest = String(space.map(() => 32));
  const cost = (vector: readonly number[]) => (String(vector) === widest ? 0.5 : 2);
  const odd = { name: 'latency', cost, most: 1, monotone: false };
  expect(() => needFeasible([limit, odd], space, 0)).toThrow(/macs 2.20G and latency 1ms, none do/);
  const slow = { ...odd, cost: () => 2 };
  expect(() => needFeasible([slow], space, 0)).toThrow('search.budget (latency) must be from 2ms to 2ms');
});

test('auto tries every vector where at most 512 fit, and evolution elsewhere', () => {
  const auto = { searcher: 'auto' } as const;
  expect(chosenSearcher(auto, { space, limits: [limit] })).toBe('evolution');
  expect(chosenSearcher(auto, { space, limits: [{ ...limit, most: 1.2e9 }] })).toBe('exhaustive');
  expect(chosenSearcher({ searcher: 'random' }, { space, limits: [limit] })).toBe('random');
});
