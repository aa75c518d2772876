import { join } from 'node:path';
import type { Backend, Feeds, Program } from '../backend/backend.ts';
import type { Augment } from '../data/batch.ts';
import { stepBatch } from '../data/batch.ts';
import type { Source } from '../data/source.ts';
import type { Tensor } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { makeFolder } from '../util/folder.ts';
import { appendLine, truncateJsonLines } from '../util/json-lines.ts';
import type { Progress } from '../util/progress.ts';
import { changedSettings, type Settings, sinceThen } from './changed-settings.ts';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { FeedOptions } from './feeds.ts';
import { stepFeeds } from './feeds.ts';
import { summing } from './loss-sums.ts';
import { learningRate, type Schedule } from './optimiser.ts';
import { lossNames } from './step.ts';
import { stepFailed } from './step-failed.ts';

/** A program that is run step by step, whatever it trains. */
export interface StepTraining {
  program: Program;
  backend: Backend;
  /** What step number `step` (0, 1, …) feeds, whichever steps ran before it in this process. */
  feeds: (step: number) => Promise<Record<string, Tensor>>;
  /** Scalars of the program that are losses; those in `shown` stand in the progress line. */
  losses: readonly string[];
  shown: readonly string[];
  steps: number;
  lr: number;
  schedule: Schedule;
  constantFraction: number;
  batch: number;
  /** Steps between lines of `stats.jsonl`. */
  tick: number;
  checkpointSeconds: number;
  /** Sizes of the program's open axes, for what is said of its memory. */
  symbols?: ReadonlyMap<string, number> | undefined;
  /** Where `stats.jsonl` and the checkpoint live. */
  directory: string;
  /** Hash of everything the result depends on; a checkpoint of another training is refused. */
  fingerprint: string;
  /** The same by name, as far as the user knows it, for that refusal. */
  settings?: Settings;
  progress: Progress;
  /** Called at each tick with the state, for sample sheets and snapshots; numbers it returns go on the tick's line. */
  onTick?: (
    step: number,
    readState: (names?: readonly string[]) => Promise<Map<string, Tensor>>,
  ) => Promise<Record<string, number> | undefined>;
}

/** The training of a generator on pairs. */
export interface Training extends FeedOptions, Omit<StepTraining, 'feeds' | 'losses' | 'shown'> {
  source: Source;
  augment: Augment;
  /** The pictures of the training split that are trained on; all when left out. */
  pictures?: readonly number[] | undefined;
  /** The teacher's activations for a batch, when they are not computed by the program. */
  targets?: (indices: Int32Array, mirrored: readonly boolean[]) => Promise<Record<string, Tensor>>;
  /** What a step feeds besides, such as widths. */
  more?: ((step: number) => Feeds) | undefined;
}

/** Milliseconds between two looks at the losses of an engine on a device, for the progress line. */
const lookInterval = 1000;

/** One line of `stats.jsonl`: mean losses of all steps since the line before. */
export interface TickStats {
  step: number;
  kimg: number;
  lr: number;
  seconds: number;
  imagesPerSecond: number;
  [loss: string]: number;
}

/** Trains a generator: `runSteps` with batches of pairs, their augmentation and schedules. Throws as that. */
export async function train(training: Training): Promise<Map<string, Tensor>> {
  const { program, source, targets, more } = training;
  return runSteps({
    ...training,
    losses: lossNames,
    shown: ['gan', 'feature', 'perceptual', 'recon', 'kl', 'distill'],
    feeds: async (step) => {
      const pairs = await stepBatch(source, step, training);
      const feeds = { ...stepFeeds(program.graph, pairs, step, training), ...more?.(step) };
      return targets ? Object.assign(feeds, await targets(pairs.indices, pairs.mirrored)) : feeds;
    },
  });
}

/**
 * Trains to the end and returns the final state. Called again after an interruption at any moment it goes on from the last
 * checkpoint and ends with the same bits, on the same machine with the same threads.
 *
 * Losses are read at every step. On a device, where that waits for the step, it adds them up by itself: the sums are read at each
 * tick and checkpoint, single losses once a second for the progress line, and a loss that was not finite is found at the next of
 * those ticks and checkpoints.
 *
 * Throws TRAINING_DIVERGED when a loss or weight is not finite (the last good state stays on disk), RUN_MISMATCH when the
 * checkpoint belongs to other settings or data, and as `stepFailed` when the engine gives up: another one goes on from the
 * same checkpoint.
 */
export async function runSteps(training: StepTraining): Promise<Map<string, Tensor>> {
  const { program, backend, directory, steps, batch, tick, progress, fingerprint } = training;
  const statsFile = join(directory, 'stats.jsonl');
  makeFolder(directory);

  // Resume.
  const resumed = readCheckpoint(directory);
  if (resumed) needSameTraining(resumed, training);
  if (resumed && resumed.step >= steps) return resumed.state;
  let step = resumed?.step ?? 0;
  let sums = resumed?.sums ?? {};
  await truncateJsonLines<TickStats>(statsFile, (line) => line.step <= step);
  const summed = backend.remote ? summing(program, training.losses) : undefined;
  const compiled = await backend.compile(summed?.program ?? program);
  const own = program.state.map((s) => s.name);
  // What goes wrong on a device may show only when something is read from it.
  const failing = (at: number) => (error: unknown) => {
    throw stepFailed(error, { program, batch, step: at, directory, symbols: training.symbols });
  };
  const readState = (names: readonly string[] = own) => compiled.readState(names).catch(failing(step));
  try {
    if (resumed) await compiled.writeState(resumed.state);
    const secondsBefore = resumed?.seconds ?? 0;
    const started = performance.now();
    const seconds = () => secondsBefore + (performance.now() - started) / 1000;
    let savedAt = performance.now();
    let tickAt = { step, seconds: seconds() };
    let checkedAt = step;
    /** The sums of the losses since the last tick. */
    const finiteSums = async () => {
      const now = summed ? await summed.sums(readState, sums) : sums;
      const broken = Object.keys(now).find((name) => !Number.isFinite(now[name]));
      if (broken) throw diverged(`in steps ${checkedAt + 1} to ${step}`, `the ${broken} loss`, directory);
      checkedAt = step;
      return now;
    };
    const save = async () => {
      const sumsNow = await finiteSums();
      const state = await readState();
      const broken = firstNotFinite(state);
      if (broken) throw diverged(`at step ${step}`, `weight ${broken}`, directory);
      await writeCheckpoint(directory, {
        step,
        fingerprint,
        ...(training.settings && { settings: training.settings }),
        sums: sumsNow,
        seconds: seconds(),
        state,
      });
      savedAt = performance.now();
    };

    // Train.
    let [lookedAt, shown, speed] = [Number.NEGATIVE_INFINITY, '', 0];
    while (step < steps) {
      const feeds = await training.feeds(step);
      const ticks = (step + 1) % tick === 0 || step + 1 === steps;
      const looks = !summed || ticks || performance.now() - lookedAt > lookInterval;
      const wanted = summed && { results: looks ? training.shown : [] };
      const results = await compiled.run(feeds, wanted).catch(failing(step + 1));
      step++;
      for (const name of summed ? [] : training.losses) {
        const loss = results[name]?.data[0] as number | undefined;
        if (loss === undefined) continue;
        if (!Number.isFinite(loss)) throw diverged(`at step ${step}`, `the ${name} loss`, directory);
        sums[name] = (sums[name] ?? 0) + loss;
      }

      // Once per tick: a line of statistics, samples.
      const kimg = (step * batch) / 1000;
      if (looks) {
        lookedAt = performance.now();
        speed = ((step - tickAt.step) * batch) / Math.max(1e-9, seconds() - tickAt.seconds);
        shown = training.shown
          .flatMap((name) =>
            results[name] ? [`${name} ${(results[name].data[0] as number).toFixed(3)}`] : [],
          )
          .join('  ');
      }
      progress.update(step, `${kimg.toFixed(1)} kimg  ${shown}  ${speed.toFixed(1)} images/s`);
      if (ticks) {
        const ticked = step % tick || tick;
        const means = Object.fromEntries(
          Object.entries(await finiteSums()).map(([name, sum]) => [name, sum / ticked]),
        );
        const lr = learningRate(training.lr, training.schedule, training.constantFraction, step - 1, steps);
        const measured = await training.onTick?.(step, readState);
        appendLine(statsFile, {
          step,
          kimg,
          ...means,
          ...measured,
          lr,
          seconds: round(seconds(), 2),
          imagesPerSecond: round(speed, 2),
        });
        sums = {};
        await summed?.clear(compiled);
        tickAt = { step, seconds: seconds() };
      }
      if (step === steps || performance.now() - savedAt > training.checkpointSeconds * 1000) await save();
    }
    return await readState();
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
  { settings = {}, fingerprint, directory }: StepTraining,
): void {
  const changes = changedSettings(before, settings);
  const known = Object.keys(before).length > 0 && Object.keys(settings).length > 0;
  if (old === fingerprint && (!known || changes.length === 0)) return;
  const why =
    known && changes.length > 0
      ? sinceThen(changes)
      : 'it comes from other networks, or from another version of ganlet';
  throw new GanletError(
    'RUN_MISMATCH',
    `the training state in ${directory} must come from the same settings, ${why}`,
    { hint: `change that back, give another --out, or delete ${directory} to train again from the start` },
  );
}

/** `when`: "at step 3", "in steps 1 to 3". */
function diverged(when: string, what: string, directory: string): GanletError {
  const kept = readCheckpoint(directory);
  const last = kept
    ? `the state after step ${kept.step} is kept in ${directory}`
    : 'no state had been saved yet';
  return new GanletError('TRAINING_DIVERGED', `training must stay finite, ${what} was not ${when}; ${last}`, {
    hint: 'train with a lower lr, less lambdaGan or another seed, and with another --out: the same settings would end the same way',
  });
}
