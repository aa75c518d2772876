import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tensor } from '../graph/graph.ts';
import { decodeSafetensors, encodeSafetensors } from '../graph/safetensors.ts';
import { writeFileAtomic } from '../util/atomic.ts';

/** Everything a training needs to go on as if it had not stopped. Random draws are keyed by the step and need no state. */
export interface Checkpoint {
  /** Steps done. */
  step: number;
  /** Hash of what the training depends on: program, settings, data, initial weights. */
  fingerprint: string;
  /** Sums of the losses since the last tick. */
  sums: Record<string, number>;
  /** Seconds trained so far, over all sessions. */
  seconds: number;
  state: Map<string, Tensor>;
}

const fileOf = (directory: string) => join(directory, 'checkpoint.safetensors');

/** Writes the checkpoint whole: the one before stays until the new one is on disk. */
export async function writeCheckpoint(directory: string, { state, ...rest }: Checkpoint): Promise<void> {
  await writeFileAtomic(fileOf(directory), encodeSafetensors(state, { ganlet: JSON.stringify(rest) }));
}

/** The checkpoint in a directory, or undefined. Throws TENSORS_INVALID when it is damaged. */
export function readCheckpoint(directory: string): Checkpoint | undefined {
  const file = fileOf(directory);
  if (!existsSync(file)) return undefined;
  const { tensors, metadata } = decodeSafetensors(readFileSync(file), file);
  return { ...(JSON.parse(metadata.ganlet ?? '{}') as Omit<Checkpoint, 'state'>), state: tensors };
}

export async function removeCheckpoint(directory: string): Promise<void> {
  await rm(fileOf(directory), { force: true });
}
