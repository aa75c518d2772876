import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../src/recipe/nearest.ts';

test('the edit distance counts insertions, deletions, changes and swaps', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('szie', 'size')).toBe(1);
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('ca', 'abc')).toBe(3);
});

test('the edit distance is symmetric, zero for equal words only, and never more than the longer word', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
    }),
  );
});

test('a misspelt word finds its neighbour, another word does not', () => {
  const keys = ['steps', 'batch', 'lambdaGan', 'lambdaRecon', 'ema'];
  expect(nearest('step', keys)).toBe('steps');
  expect(nearest('lambda_gan', keys)).toBe('lambdaGan');
  expect(nearest('lambda-recon', keys)).toBe('lambdaRecon');
  expect(nearest('EMA', keys)).toBe('ema');
  expect(nearest('colour', keys)).toBeUndefined();
});
