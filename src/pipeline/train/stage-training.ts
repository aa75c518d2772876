import { join } from 'node:path';
import type { Program } from '../../backend/backend.ts';
import type { Augment } from '../../data/batch.ts';
import type { Source, Split } from '../../data/source.ts';
import type { Graph, Tensor } from '../../graph/graph.ts';
import { encodeOnnx } from '../../graph/onnx.ts';
import { printGraph } from '../../graph/print.ts';
import { peakActivationBytes } from '../../metrics/profile/memory.ts';
import { lasting } from '../../recipe/lasting.ts';
import type { DataConfig, Recipe, TrainConfig } from '../../recipe/schema.ts';
import { batchHint, batchThatFits } from '../../train/batch-that-fits.ts';
import { flatSettings, type Settings } from '../../train/changed-settings.ts';
import type { StepTraining } from '../../train/loop.ts';
import { finishedNetwork } from '../../train/trained-network.ts';
import { writeFileAtomic } from '../../util/atomic.ts';
import { sha256, sha256Json } from '../../util/hash.ts';
import { needMemory } from '../../util/memory.ts';
import { rng } from '../../util/rng.ts';
import type { RunContext } from '../context.ts';
import { makeDirectory } from '../run-directory.ts';

/** A training of networks as a stage of a run, whatever its step does. */
export interface StageTraining {
  /** Folder inside the run, and label of the progress display. */
  stage: string;
  program: Program;
  config: TrainConfig;
  /** What the training depends on besides data and seed, by the names in the recipe. */
  settings: Settings;
  /** The same where only its hash counts. */
  also?: object | undefined;
  /** Sizes of the program's open axes. */
  symbols?: ReadonlyMap<string, number>;
}

/** All of a `StepTraining` that is the same for every kind of step. */
export type CommonTraining = TrainConfig &
  Pick<
    StepTraining,
    'program' | 'backend' | 'directory' | 'symbols' | 'fingerprint' | 'settings' | 'progress'
  > & {
    seed: number;
    augment: Augment;
  };

/**
 * Makes the stage's folder and gives what its training is run with, and what identifies it when it is resumed. The progress
 * display is the caller's to end. Throws MEMORY_SHORT where a step does not fit.
 */
export async function stageTraining(
  context: RunContext,
  { stage, program, config, settings, also, symbols = new Map() }: StageTraining,
): Promise<CommonTraining> {
  const { recipe, backend } = context;
  const source = await context.source();
  const directory = makeDirectory(join(context.out, stage));
  if (backend.description.provider === 'cpu')
    needMemory(`a step of ${stage}`, peakActivationBytes(program.graph, symbols), (most) =>
      batchHint(batchThatFits(program, config.batch, most, symbols)),
    );
  return {
    ...config,
    program,
    backend,
    symbols,
    augment: augmentOf(recipe.data),
    seed: recipe.seed,
    directory,
    progress: context.progress(config.steps, stage),
    fingerprint: sha256Json({
      program: programHash(program),
      config: lasting(config),
      data: source.hash,
      seed: recipe.seed,
      ...also,
    }),
    settings: {
      seed: recipe.seed,
      'data.size': recipe.data.size,
      'data.flip': recipe.data.flip,
      'data.jitter': recipe.data.jitter,
      'the set of pictures': source.hash,
      ...flatSettings('discriminator', recipe.discriminator),
      ...settings,
    },
  };
}

export type ReadState = (names?: readonly string[]) => Promise<Map<string, Tensor>>;

/** `0000500` for step 500: names of files in order. */
export const stepName = (step: number): string => String(step).padStart(7, '0');

/**
 * Writes `snapshots/step-N.onnx` (its name ended by the suffix of each network) at the first tick at or after each multiple of
 * `snapshot` steps. `state` is the network's name in the state.
 */
export async function keepSnapshots(
  directory: string,
  networks: readonly { graph: Graph; state: string; suffix?: string }[],
  { snapshot, tick, ema }: TrainConfig,
  step: number,
  readState: ReadState,
): Promise<void> {
  if (snapshot === 0 || Math.floor(step / snapshot) === Math.floor((step - tick) / snapshot)) return;
  const folder = makeDirectory(join(directory, 'snapshots'));
  const values = await readState();
  for (const { graph, state, suffix = '' } of networks) {
    const network = finishedNetwork(graph, values, state, { ema: ema > 0 });
    await writeFileAtomic(join(folder, `step-${stepName(step)}${suffix}.onnx`), encodeOnnx(network));
  }
}

/** The pictures on a sample sheet: some of the validation split, without one of the training split. */
export function shownPictures(
  { seed }: Pick<Recipe, 'seed'>,
  { counts }: Pick<Source, 'counts'>,
  most: number,
): { split: Split; indices: number[] } {
  const split = counts.val > 0 ? 'val' : 'train';
  const order = Array.from({ length: counts[split] }, (_, i) => i);
  return { split, indices: rng(seed, 'samples').shuffle(order).slice(0, most) };
}

/** The weights of a network as it would be kept: its moving average where there is one. */
export async function shownWeights(
  network: Graph,
  state: string,
  readState: ReadState,
): Promise<Map<string, Tensor>> {
  const names = [...network.constants.keys()];
  const values = await readState(names.flatMap((name) => [`${state}/${name}`, `${state}/ema/${name}`]));
  return new Map(
    names.flatMap((name) => {
      const tensor = values.get(`${state}/ema/${name}`) ?? values.get(`${state}/${name}`);
      return tensor ? [[name, tensor] as const] : [];
    }),
  );
}

export function augmentOf(data: DataConfig): Augment {
  return { flip: data.flip, jitter: data.jitter };
}

/** Of the listing and all initial weights: the same program from the same start. */
export function programHash({ graph, state }: Program): string {
  const parts = [printGraph(graph)];
  for (const { tensor } of graph.constants.values())
    if (tensor && tensor.data.length > 8) parts.push(sha256(bytesOf(tensor)));
  for (const { name, initial } of state) parts.push(name, sha256(bytesOf(initial)));
  return sha256(parts.join('\n'));
}

function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}
