import { expect } from 'vitest';

interface Tolerance {
  /** Absolute tolerance, default 1e-6. */
  atol?: number;
  /** Relative to the expected value, default 1e-5. */
  rtol?: number;
}

interface AllcloseMatcher<R> {
  /**
   * |actual − expected| <= atol + rtol·|expected| for every element (numpy's rule); equal infinities pass and
   * NaN passes only where NaN is expected. Lengths must agree.
   */
  toBeAllclose(expected: ArrayLike<number>, tolerance?: Tolerance): R;
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: the declaration must repeat vitest's own parameter list
  interface Matchers<T = any> extends AllcloseMatcher<T> {}
}

expect.extend({
  toBeAllclose(actual: unknown, expected: ArrayLike<number>, { atol = 1e-6, rtol = 1e-5 }: Tolerance = {}) {
    if (!isNumbers(actual)) {
      return {
        pass: false,
        message: () => `expected an array of numbers, got ${this.utils.printReceived(actual)}`,
      };
    }
    if (actual.length !== expected.length) {
      return { pass: false, message: () => `expected ${expected.length} elements, got ${actual.length}` };
    }
    let worst = -1;
    let worstExcess = 0;
    let wrong = 0;
    let largest = 0;
    for (let i = 0; i < expected.length; i++) {
      const [got, wanted] = [actual[i]!, expected[i]!];
      if (Object.is(got, wanted) || got === wanted) continue;
      const difference = Math.abs(got - wanted);
      const excess = difference / (atol + rtol * Math.abs(wanted));
      if (difference > largest) largest = difference;
      if (excess <= 1) continue;
      wrong++;
      // A NaN or infinite difference compares false with everything: it counts as the worst.
      if (worst < 0 || excess > worstExcess || !Number.isFinite(excess)) {
        worst = i;
        worstExcess = Number.isFinite(excess) ? excess : Number.POSITIVE_INFINITY;
      }
    }
    const bounds = `atol ${atol}, rtol ${rtol}`;
    return {
      pass: wrong === 0,
      message: () =>
        wrong === 0
          ? `expected arrays to differ by more than ${bounds}, largest difference is ${largest}`
          : `${wrong} of ${expected.length} elements differ by more than ${bounds}; worst at index ${worst}: ` +
            `got ${actual[worst]}, expected ${expected[worst]} (difference ${Math.abs(actual[worst]! - expected[worst]!)})`,
    };
  },
});

function isNumbers(value: unknown): value is ArrayLike<number> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}
