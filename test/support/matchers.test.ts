import { expect, it } from 'vitest';

const message = (check: () => void): string => {
  try {
    check();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('expected the check to fail');
};

it('toBeAllclose accepts arrays and typed arrays within atol + rtol·|expected|', () => {
  expect([1, 2]).toBeAllclose(Float32Array.of(1, 2));
  expect(Float32Array.of(100.09)).toBeAllclose([100], { atol: 0, rtol: 1e-3 });
  expect([100.11]).not.toBeAllclose([100], { atol: 0, rtol: 1e-3 });
  expect([0.05]).toBeAllclose([0], { atol: 0.05 });
});

it('toBeAllclose names the worst element', () => {
  expect(message(() => expect([1, 2.5, 3.1]).toBeAllclose([1, 2, 3], { atol: 0, rtol: 0.01 }))).toBe(
    '2 of 3 elements differ by more than atol 0, rtol 0.01; worst at index 1: got 2.5, expected 2 (difference 0.5)',
  );
});

it('toBeAllclose treats NaN and infinity as far from everything but themselves', () => {
  expect([Number.NaN, Number.POSITIVE_INFINITY]).toBeAllclose([Number.NaN, Number.POSITIVE_INFINITY]);
  expect([Number.NaN]).not.toBeAllclose([0], { atol: 1e9 });
  expect([0]).not.toBeAllclose([Number.NaN], { atol: 1e9 });
  expect([0]).not.toBeAllclose([Number.POSITIVE_INFINITY], { atol: 1e9 });
  expect(message(() => expect([9, Number.NaN, 5]).toBeAllclose([0, 0, 0]))).toContain('worst at index 1');
});

it('toBeAllclose fails on another length and on what is no array', () => {
  expect(message(() => expect([1]).toBeAllclose([1, 2]))).toBe('expected 2 elements, got 1');
  expect(message(() => expect('12').toBeAllclose([1, 2]))).toContain('expected an array of numbers');
});
