export interface TrimmedMean {
  mean: number;
  /** Standard deviation of what is kept, divisor kept − ddof; null where that is 0. */
  sd: number | null;
  /** The smallest and largest value kept. */
  low: number;
  high: number;
  kept: number;
  count: number;
}

/**
 * Mean of the values between two percentiles, borders kept. The lower percentile is taken from the sample at or below it
 * (numpy's method `lower`), the upper from the one at or above it (`higher`), or below it too with `upperMethod: 'lower'`.
 * Throws RangeError for no values.
 */
export function trimmedMean(
  values: ArrayLike<number>,
  {
    lower = 1,
    upper = 99,
    upperMethod = 'higher',
    ddof = 0,
  }: { lower?: number; upper?: number; upperMethod?: 'higher' | 'lower'; ddof?: 0 | 1 } = {},
): TrimmedMean {
  if (values.length === 0) throw new RangeError('a mean needs at least one value');
  const sorted = Float64Array.from(values).sort();
  const at = (percentile: number) => ((sorted.length - 1) * percentile) / 100;
  const low = sorted[Math.floor(at(lower))]!;
  const high = sorted[upperMethod === 'higher' ? Math.ceil(at(upper)) : Math.floor(at(upper))]!;
  const kept = sorted.filter((x) => x >= low && x <= high);
  const mean = kept.reduce((sum, x) => sum + x, 0) / kept.length;
  const squares = kept.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  const sd = kept.length > ddof ? Math.sqrt(squares / (kept.length - ddof)) : null;
  return { mean, sd, low, high, kept: kept.length, count: sorted.length };
}
