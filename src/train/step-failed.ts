import type { Program } from '../backend/backend.ts';
import { failed } from '../backend/failure.ts';
import { GanletError } from '../util/errors.ts';
import { batchHint, batchThatFits } from './batch-that-fits.ts';
import { readCheckpoint } from './checkpoint.ts';

interface FailedStep {
  program: Program;
  batch: number;
  /** Counted from 1. */
  step: number;
  directory: string;
  /** Sizes of the program's open axes. */
  symbols?: ReadonlyMap<string, number> | undefined;
}

/**
 * What ended a training, with the state that is left: MEMORY_SHORT says which batch would fit, taken as the one of half the
 * memory; DEVICE_LOST and RUN_FAILED say how to go on. Errors of other kinds are returned as they are.
 */
export function stepFailed(
  error: unknown,
  { program, batch, step, directory, symbols }: FailedStep,
): GanletError {
  const cause = error instanceof GanletError ? error : failed('the engine', `"${program.graph.name}"`, error);
  const { code, message } = cause;
  if (code === 'MEMORY_SHORT') {
    const hint = batchHint(batchThatFits(program, batch, 0.5, symbols));
    return new GanletError(code, `${message} (step ${step})`, { hint, cause });
  }
  if (code !== 'DEVICE_LOST' && code !== 'RUN_FAILED') return cause;
  const kept = readCheckpoint(directory);
  const left = kept
    ? `the state after step ${kept.step} is kept in ${directory}`
    : 'no state had been saved yet';
  const goOn =
    'run the same command again to go on from there; another engine takes over: --backend, --provider';
  return new GanletError(code, `${message} (step ${step}); ${left}`, {
    hint: kept ? goOn : 'run the same command again, on another engine: --backend, --provider',
    cause,
  });
}
