import type { Backend, Feeds } from '../../backend/backend.ts';
import { type Graph, sizeOf, type Tensor, type TensorData } from '../../graph/graph.ts';
import { type Symbols, staticShape } from '../../ops/cost.ts';
import { GanletError } from '../../util/errors.ts';
import { rng } from '../../util/rng.ts';

/** Milliseconds of one run, feeding and fetching included. */
export interface Latency {
  median: number;
  p5: number;
  p95: number;
  /** Runs that were timed, and those before them that were not. */
  runs: number;
  warmUp: number;
}

const window = 5;
const warmUpLimit = 5_000;
const timedLimit = 60_000;
/** So many runs are enough, however short they are. */
const enoughRuns = 1_000;

/**
 * Times a network on a backend with random images in [−1, 1]. First it runs until the medians of two successive windows of
 * five runs differ by less than 5 % (5 s at most), then it is timed `runs` times (30 when left out) and for at least
 * `atLeastMs` (2 s when left out) or 1,000 runs; a slow one stops after 60 s. Throws OPTION_INVALID for `runs` below 1, and what the
 * backend throws.
 */
export async function measureLatency(
  graph: Graph,
  backend: Backend,
  { symbols, runs = 30, atLeastMs = 2_000 }: { symbols: Symbols; runs?: number; atLeastMs?: number },
): Promise<Latency> {
  if (!Number.isInteger(runs) || runs < 1) {
    throw new GanletError('OPTION_INVALID', `runs must be a whole number of at least 1, got ${runs}`);
  }
  const compiled = await backend.compile({ graph, state: [] });
  try {
    const feeds = randomFeeds(graph, symbols);
    const once = async () => {
      const start = performance.now();
      await compiled.run(feeds);
      return performance.now() - start;
    };
    const first: number[] = [];
    const began = performance.now();
    do first.push(await once());
    while (!isStable(first) && performance.now() - began < warmUpLimit);

    const times: number[] = [];
    const start = performance.now();
    const more = (spent: number) => times.length < runs || (spent < atLeastMs && times.length < enoughRuns);
    for (let spent = 0; spent < timedLimit && more(spent); ) {
      times.push(await once());
      spent = performance.now() - start;
    }
    times.sort((a, b) => a - b);
    const [p5, median, p95] = [0.05, 0.5, 0.95].map((q) => quantile(times, q)) as [number, number, number];
    return { median, p5, p95, runs: times.length, warmUp: first.length };
  } finally {
    await compiled.dispose();
  }
}

/** The `q` quantile of ascending numbers, interpolated between neighbours (numpy's default). */
export function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}

function isStable(times: readonly number[]): boolean {
  if (times.length < 2 * window) return false;
  const middle = (from: number, to?: number) =>
    quantile(
      times.slice(from, to).sort((a, b) => a - b),
      0.5,
    );
  const [before, now] = [middle(-2 * window, -window), middle(-window)];
  return Math.abs(now - before) <= 0.05 * before;
}

function randomFeeds(graph: Graph, symbols: Symbols): Feeds {
  const random = rng(0, 'profile');
  const feeds: Record<string, Tensor> = {};
  for (const value of graph.inputs) {
    const shape = staticShape(value, symbols);
    const count = sizeOf(shape);
    feeds[value.name] = {
      dtype: value.dtype,
      shape,
      data: contents(value.dtype, count, () => random.uniform(-1, 1)),
    };
  }
  return feeds;
}

/** Images of any float type; whole numbers (labels, indices) are zeros, which are always in range. */
function contents(dtype: Tensor['dtype'], count: number, draw: () => number): TensorData {
  switch (dtype) {
    case 'float32':
      return Float32Array.from({ length: count }, draw);
    case 'float64':
      return Float64Array.from({ length: count }, draw);
    case 'float16':
      return new Uint16Array(count);
    case 'int64':
      return new BigInt64Array(count);
    case 'int32':
      return new Int32Array(count);
    case 'int8':
      return new Int8Array(count);
    default:
      return new Uint8Array(count);
  }
}
