import { join } from 'node:path';
import type { Backend, Program } from '../backend/backend.ts';
import type { Augment } from '../data/batch.ts';
import { makeBatch, trainIndices } from '../data/batch.ts';
import type { PairedSource } from '../data/source.ts';
import type { Tensor } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { makeFolder } from '../util/folder.ts';
import { appendLine, truncateJsonLines } from '../util/json-lines.ts';
import type { Progress } from '../util/progress.ts';
import { rng } from '../util/rng.ts';
import { changedSettings, type Settings } from './changed-settings.ts';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { FeedOptions } from './feeds.ts';
import { stepFeeds } from './feeds.ts';
import { learningRate } from './optimiser.ts';
import { lossNames } from './step.ts';

export interface Training extends FeedOptions {
  program: Program;
  backend: Backend;
  source: PairedSource;
  augment: Augment;
  batch: number;
  /** Steps between lines of `stats.jsonl`. */
  tick: number;
  checkpointSeconds: number;
  /** Where `stats.jsonl` and the checkpoint live. */
  directory: string;
  /** Hash of everything the result depends on; a checkpoint of another training is refused. */
  fingerprint: string;
  /** The same by name, as far as the user knows it, for that refusal. */
  settings?: Settings;
  progress: Progress;
  /** The teacher's activations for a batch, when they are not computed by the program. */
  targets?: (indices: Int32Array, mirrored: readonly boolean[]) => Promise<Record<string, Tensor>>;
  /** Called after each tick with the state, for sample sheets and snapshots. */
  onTick?: (
    step: number,
    readState: (names?: readonly string[]) => Promise<Map<string, Tensor>>,
  ) => Promise<void>;
}

/** One line of `stats.jsonl`: mean losses since the line before. */
export interface TickStats {
  step: number;
  kimg: number;
  lr: number;
  seconds: number;
  imagesPerSecond: number;
  [loss: string]: number;
}

/**
 * Trains to the end and returns the final state. Called again after an interruption at any moment it goes on from the last
 * checkpoint and ends with the same bits, on the same machine with the same threads.
 *
 * Throws TRAINING_DIVERGED when a loss or weight is not finite (the last good state stays on disk), and RUN_MISMATCH when the
 * checkpoint belongs to other settings or data.
 */
export async function train(training: Training): Promise<Map<string, Tensor>> {
  const { program, backend, source, directory, steps, batch, tick, seed, progress, fingerprint } = training;
  const statsFile = join(directory, 'stats.jsonl');
  makeFolder(directory);

  // Resume.
  const resumed = readCheckpoint(directory);
  if (resumed) needSameTraining(resumed, training);
  if (resumed && resumed.step >= steps) return resumed.state;
  let step = resumed?.step ?? 0;
  let sums = resumed?.sums ?? {};
  await truncateJsonLines<TickStats>(statsFile, (line) => line.step <= step);
  const compiled = await backend.compile(program);
  try {
    if (resumed) await compiled.writeState(resumed.state);
    const secondsBefore = resumed?.seconds ?? 0;
    const started = performance.now();
    const seconds = () => secondsBefore + (performance.now() - started) / 1000;
    let savedAt = performance.now();
    let tickAt = { step, seconds: seconds() };
    const save = async () => {
      const state = await compiled.readState();
      const broken = firstNotFinite(state);
      if (broken) throw diverged(step, `weight ${broken}`, directory);
      await writeCheckpoint(directory, {
        step,
        fingerprint,
        ...(training.settings && { settings: training.settings }),
        sums,
        seconds: seconds(),
        state,
      });
      savedAt = performance.now();
    };

    // Train.
    while (step < steps) {
      const indices = trainIndices(seed, step, batch, source.counts.train);
      const pairs = await makeBatch(source, 'train', indices, training.augment, rng(seed, 'augment', step));
      const feeds = stepFeeds(program.graph, pairs, step, training);
      if (training.targets) Object.assign(feeds, await training.targets(indices, pairs.mirrored));
      const results = await compiled.run(feeds);
      for (const name of lossNames) {
        const loss = results[name]?.data[0] as number | undefined;
        if (loss === undefined) continue;
        if (!Number.isFinite(loss)) throw diverged(step + 1, `the ${name} loss`, directory);
        sums[name] = (sums[name] ?? 0) + loss;
      }
      step++;

      // Once per tick: a line of statistics, samples.
      const kimg = (step * batch) / 1000;
      const shown = (['gan', 'recon', 'distill'] as const)
        .flatMap((name) => (results[name] ? [`${name} ${(results[name].data[0] as number).toFixed(3)}`] : []))
        .join('  ');
      const speed = ((step - tickAt.step) * batch) / Math.max(1e-9, seconds() - tickAt.seconds);
      progress.update(step, `${kimg.toFixed(1)} kimg  ${shown}  ${speed.toFixed(1)} images/s`);
      if (step % tick === 0 || step === steps) {
        const ticked = step % tick || tick;
        const means = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / ticked]));
        const lr = learningRate(training.lr, training.schedule, training.constantFraction, step - 1, steps);
        appendLine(statsFile, {
          step,
          kimg,
          ...means,
          lr,
          seconds: round(seconds(), 2),
          imagesPerSecond: round(speed, 2),
        });
        sums = {};
        await training.onTick?.(step, (names) => compiled.readState(names));
        tickAt = { step, seconds: seconds() };
      }
      if (step === steps || performance.now() - savedAt > training.checkpointSeconds * 1000) await save();
    }
    return await compiled.readState();
  } finally {
    await compiled.dispose();
  }
}

function round(x: number, digits: number): number {
  return Number(x.toFixed(digits));
}

function firstNotFinite(state: ReadonlyMap<string, Tensor>): string | undefined {
  for (const [name, { data }] of state) {
    for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i] as number)) return name;
  }
  return undefined;
}

function needSameTraining(
  { settings: before = {}, fingerprint: old }: Checkpoint,
  { settings = {}, fingerprint, directory }: Training,
): void {
  const changes = changedSettings(before, settings);
  const known = Object.keys(before).length > 0 && Object.keys(settings).length > 0;
  if (old === fingerprint && (!known || changes.length === 0)) return;
  const why =
    known && changes.length > 0
      ? `since then ${changes.slice(0, 5).join(', ')}${changes.length > 5 ? `, and ${changes.length - 5} more` : ''}`
      : 'it comes from other networks, or from another version of ganlet';
  throw new GanletError(
    'RUN_MISMATCH',
    `the training state in ${directory} must come from the same settings, ${why}`,
    { hint: `change that back, give another --out, or delete ${directory} to train again from the start` },
  );
}

function diverged(step: number, what: string, directory: string): GanletError {
  const kept = readCheckpoint(directory);
  const last = kept
    ? `the state after step ${kept.step} is kept in ${directory}`
    : 'no state had been saved yet';
  return new GanletError(
    'TRAINING_DIVERGED',
    `training must stay finite, ${what} was not at step ${step}; ${last}`,
    {
      hint: 'train with a lower lr, less lambdaGan or another seed, and with another --out: the same settings would end the same way',
    },
  );
}
