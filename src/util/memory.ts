import { totalmem } from 'node:os';
import { GanletError } from './errors.ts';
import { formatBytes } from './format.ts';

/** Bytes of memory this process can have: the machine's, or what a container allows of it. */
export function machineMemory(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

/** Estimates of what a graph takes ignore that engines work in place. */
const slack = 2;

/**
 * Throws MEMORY_SHORT where `what`, estimated to take `bytes`, takes more than this process can ever have. `hint` is told the
 * most that an estimate may be.
 */
export function needMemory(
  what: string,
  bytes: number,
  hint = (_most: number): string => 'use smaller images, batches or networks',
): void {
  const most = machineMemory();
  if (bytes <= slack * most) return;
  throw new GanletError(
    'MEMORY_SHORT',
    `${what} must fit in memory, it takes about ${formatBytes(bytes)} and there are ${formatBytes(most)}`,
    { hint: hint(slack * most) },
  );
}
