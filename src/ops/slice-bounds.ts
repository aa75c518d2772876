import { addDim } from '../graph/dims.ts';
import type { Dim } from '../graph/graph.ts';

/** ONNX's "to the end" for slices. */
export const END = 2 ** 31 - 1;

/** A read of `count` elements first, first + step, …; step is not 0. */
export interface Reading {
  first: number;
  step: number;
  count: number;
}

/** What `x[start:end:step]` reads on an axis of known size, with ONNX's clamping. */
export function readingOf(size: number, start: number, end: number, step: number): Reading {
  const clamp = (v: number, lo: number, hi: number) => Math.min(Math.max(v < 0 ? v + size : v, lo), hi);
  const [lo, hi] = step > 0 ? [0, size] : [-1, size - 1];
  const first = clamp(start, lo, hi);
  const last = clamp(end, lo, hi);
  return { first, step, count: Math.max(0, Math.ceil((last - first) / step)) };
}

/** Size of `x[start:end:step]`; undefined when it depends on a symbol in a way that cannot be spelled. */
export function slicedDim(size: Dim, start: number, end: number, step: number): Dim | undefined {
  if (typeof size === 'number') return readingOf(size, start, end, step).count;
  if (step === -1 && start === -1 && end < -END) return size;
  if (step !== 1) return undefined;
  if (start >= 0 && end >= END) return addDim(size, -start);
  if (start >= 0 && end < 0) return addDim(size, end - start);
  if (start < 0 && end >= END) return -start;
  return start >= 0 && end >= start ? end - start : undefined;
}
