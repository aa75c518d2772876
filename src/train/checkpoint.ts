import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '../graph/graph.ts';
import { decodeSafetensors, encodeSafetensors } from '../graph/safetensors.ts';
import { writeFileAtomic } from '../util/atomic.ts';
import { GanletError } from '../util/errors.ts';
import { exists } from '../util/exists.ts';
import { fileError } from '../util/file-error.ts';
import { sha256Parts } from '../util/hash.ts';
import type { Settings } from './changed-settings.ts';

/** Everything a training needs to go on as if it had not stopped. Random draws are keyed by the step and need no state. */
export interface Checkpoint {
  /** Steps done. */
  step: number;
  /** Hash of what the training depends on: program, settings, data, initial weights. */
  fingerprint: string;
  /** The settings by name, to say which of them changed. */
  settings?: Settings;
  /** Sums of the losses since the last tick. */
  sums: Record<string, number>;
  /** Seconds trained so far, over all sessions. */
  seconds: number;
  state: Map<string, Tensor>;
}

const fileOf = (directory: string) => join(directory, 'checkpoint.safetensors');

/** Writes the checkpoint whole: the one before stays until the new one is on disk. */
export async function writeCheckpoint(directory: string, { state, ...rest }: Checkpoint): Promise<void> {
  const ganlet = JSON.stringify(rest);
  const metadata = { ganlet, sha256: digest(ganlet, state) };
  await writeFileAtomic(fileOf(directory), encodeSafetensors(state, metadata));
}

/** The checkpoint in a directory, or undefined. Throws CHECKPOINT_DAMAGED for one that is not as it was written. */
export function readCheckpoint(directory: string): Checkpoint | undefined {
  const file = fileOf(directory);
  if (!exists(file)) return undefined;
  try {
    const { tensors, metadata } = decodeSafetensors(readFileSync(file), file);
    const { ganlet, sha256 } = metadata;
    const rest = JSON.parse(String(ganlet)) as Omit<Checkpoint, 'state'>;
    if (typeof rest?.step !== 'number' || typeof rest.sums !== 'object' || typeof rest.seconds !== 'number')
      throw new Error('it lacks the number of its step');
    if (sha256 !== undefined && digest(ganlet!, tensors) !== sha256)
      throw new Error('its contents have changed');
    return { ...rest, state: tensors };
  } catch (error) {
    throw damaged(file, error as Error);
  }
}

function digest(ganlet: string, state: ReadonlyMap<string, Tensor>): string {
  const bytes = [...state].flatMap(([name, { shape, data }]) => [
    `${name} [${shape}]`,
    new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  ]);
  return sha256Parts([ganlet, ...bytes]);
}

function damaged(file: string, error: Error): GanletError {
  if ('syscall' in error) return fileError('read', file, error);
  const reason = error instanceof GanletError ? error.message.split(', ').slice(1).join(', ') : error.message;
  return new GanletError('CHECKPOINT_DAMAGED', `the training state ${file} is damaged: ${reason}`, {
    hint: 'delete that file to train again from the start; an older copy of it does as well',
    cause: error,
  });
}
