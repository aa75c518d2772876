import type { Program } from '../backend/backend.ts';
import { sizeOf } from '../graph/graph.ts';
import { bytesOf, peakActivationBytes } from '../metrics/profile/memory.ts';
import type { Symbols } from '../ops/cost.ts';

/** What a training step is estimated to take at its batch, and at the largest one that takes no more than allowed. */
export interface FittingBatch {
  /** Bytes at the program's own batch. */
  bytes: number;
  /** 0 where a single picture takes too much. */
  batch: number;
  bytesThen: number;
}

/**
 * The largest batch below a program's own whose step takes at most `allowed` bytes, a part of what it takes now where that is
 * below 1. All but the state is taken to grow with the batch. An estimate: see `peakActivationBytes`.
 */
export function batchThatFits(
  { graph, state }: Program,
  batch: number,
  allowed: number,
  symbols: Symbols = new Map(),
): FittingBatch {
  const bytes = peakActivationBytes(graph, symbols);
  const held = state.reduce(
    (sum, { initial }) => sum + 2 * sizeOf(initial.shape) * bytesOf[initial.dtype],
    0,
  );
  const fixed = Math.min(held, bytes);
  const each = Math.max(1, (bytes - fixed) / batch);
  const most = allowed < 1 ? allowed * bytes : allowed;
  const fitting = Math.max(0, Math.min(batch - 1, Math.floor((most - fixed) / each)));
  return { bytes, batch: fitting, bytesThen: fixed + fitting * each };
}

/** What to do about a step that is too large. */
export function batchHint({ batch, bytes, bytesThen }: FittingBatch): string {
  if (batch === 0) return 'use smaller images or networks: a batch of 1 is too large already';
  return `set batch to ${batch}, whose step takes about ${show(bytesThen)} in the place of ${show(bytes)}, or use smaller images or networks`;
}

function show(bytes: number): string {
  return bytes < 2 ** 30 ? `${Math.ceil(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
