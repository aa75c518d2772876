import { describe, expect, test } from 'vitest';
import { budgetSchema } from '../../src/recipe/budget.ts';
import { searchSchema } from '../../src/recipe/search.ts';

describe('a budget', () => {
  test.each([
    ['0.1x', { ofTeacher: 0.1 }],
    ['500M', { macs: 5e8 }],
    ['2.5G', { macs: 2.5e9 }],
    [500_000_000, { macs: 5e8 }],
    ['12ms', { latency: 12 }],
    ['1.5 s', { latency: 1500 }],
    [{ params: '200k' }, { params: 2e5 }],
    [
      { params: 200_000, memory: '4MiB' },
      { params: 2e5, memory: 4 * 2 ** 20 },
    ],
    [
      { memory: '4MB', latency: 8 },
      { memory: 4e6, latency: 8 },
    ],
    [{ ofTeacher: '0.25x' }, { ofTeacher: 0.25 }],
  ])('%j', (written, read) => {
    expect(budgetSchema.parse(written)).toEqual(read);
    expect(budgetSchema.parse(read), 'what is read is written the same way').toEqual(read);
  });

  test.each([
    '',
    'x',
    '-1x',
    '0x',
    '1.5x',
    '0ms',
    '12 apples',
    '5mx',
    0,
    -3,
    {},
    { macs: '1ms' },
    { macs: 1, ofTeacher: 0.1 },
    [1],
    { size: 3 },
  ])('%j is refused', (written) => {
    const { success, error } = budgetSchema.safeParse(written);
    expect(success).toBe(false);
    expect(error!.issues[0]!.message).toMatch(/^must/);
  });
});

test('a search has the published settings of evolution unless told otherwise', () => {
  expect(searchSchema.parse({ budget: '0.1x' })).toEqual({
    budget: { ofTeacher: 0.1 },
    searcher: 'auto',
    objectives: ['quality'],
    evaluations: 500,
    finalists: 5,
    pictures: 256,
    evolution: {
      population: 100,
      generations: 500,
      parents: 0.25,
      mutations: 0.5,
      mutationProbability: 0.2,
      weights: 'uniform',
      ratio: 2,
      patience: 5,
    },
  });
});
