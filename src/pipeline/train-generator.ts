import { join } from 'node:path';
import type { Feeds } from '../backend/backend.ts';
import { widestSymbols } from '../compress/elastic.ts';
import type { Augment } from '../data/batch.ts';
import { makeBatch } from '../data/batch.ts';
import { sampleSheet } from '../data/sheet.ts';
import type { PairedSource } from '../data/source.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import { printGraph } from '../graph/print.ts';
import { peakActivationBytes } from '../metrics/profile-memory.ts';
import type { DataConfig, TrainConfig } from '../recipe/schema.ts';
import { flatSettings, type Settings } from '../train/changed-settings.ts';
import type { Distillation } from '../train/distillation.ts';
import type { Elastic } from '../train/elastic-students.ts';
import { train } from '../train/loop.ts';
import { stepProgram } from '../train/step.ts';
import { teacherCache } from '../train/teacher-cache.ts';
import { withWeights } from '../train/trained-network.ts';
import { writeFileAtomic } from '../util/atomic.ts';
import { sha256, sha256Json } from '../util/hash.ts';
import { needMemory } from '../util/memory.ts';
import { rng } from '../util/rng.ts';
import type { RunContext } from './context.ts';
import { compileGenerator } from './generate.ts';
import { makeDirectory } from './run-directory.ts';

export interface GeneratorTraining {
  /** Folder inside the run, and label of the progress display. */
  stage: string;
  generator: Graph;
  discriminator: Graph;
  config: TrainConfig;
  /** What the training depends on besides data and seed, by the names in the recipe. */
  settings: Settings;
  distillation?: Distillation;
  /** Of a generator trained at many widths: the program's part in it, and what its steps feed for it. */
  elastic?: { elastic: Elastic; widths: (step: number) => Feeds };
  /** Pictures of the training split that are trained on; all when left out. */
  pictures?: readonly number[];
  /** Measured at each tick, for its line of `stats.jsonl`. */
  probe?: (readState: ReadState) => Promise<Record<string, number>>;
  /** The network's columns of the sample sheet; by default what it makes as it is. */
  show?: Show;
}

type Show = (
  weights: ReadonlyMap<string, Tensor>,
  conditions: Float32Array,
) => Promise<{ title: string; images: Float32Array }[]>;

/**
 * Trains one generator as a stage of a run: builds the step, goes through the data, keeps statistics, checkpoints and a sample
 * sheet each tick in `<out>/<stage>/`. Returns the final state.
 */
export async function trainGenerator(
  context: RunContext,
  training: GeneratorTraining,
): Promise<Map<string, Tensor>> {
  const { stage, generator, discriminator, config, settings, distillation, elastic, pictures } = training;
  const { recipe, backend } = context;
  const source = await context.source();
  const { size } = recipe.data;
  const directory = makeDirectory(join(context.out, stage));
  const program = stepProgram({
    ...config,
    generator,
    discriminator,
    size,
    ema: config.ema > 0,
    seed: recipe.seed,
    ...(distillation && { distillation }),
    ...(elastic && { elastic: elastic.elastic }),
  });
  if (backend.description.provider === 'cpu')
    needMemory(
      `a step of ${stage}`,
      peakActivationBytes(
        program.graph,
        elastic ? widestSymbols(program.graph, elastic.elastic.space) : new Map(),
      ),
    );
  const progress = context.progress(config.steps, stage);
  const sheet = await sheetWriter(context, source, training, directory);
  const cache = distillation?.cached ? await teacherCache(distillation, source, backend) : undefined;
  try {
    return await train({
      ...config,
      program,
      backend,
      source,
      augment: augmentOf(recipe.data),
      seed: recipe.seed,
      directory,
      progress,
      fingerprint: sha256Json({
        program: programHash(program),
        config: { ...config, checkpointSeconds: 0 },
        data: source.hash,
        seed: recipe.seed,
        ...(pictures && { pictures }),
      }),
      settings: {
        seed: recipe.seed,
        'data.size': size,
        'data.flip': recipe.data.flip,
        'data.jitter': recipe.data.jitter,
        'the set of pictures': source.hash,
        ...flatSettings('discriminator', recipe.discriminator),
        ...settings,
      },
      ...(cache && { targets: cache.targets }),
      pictures,
      more: elastic?.widths,
      onTick: async (step, readState) => {
        await sheet.write(step, readState);
        await keepSnapshot(directory, generator, config, step, readState);
        return training.probe?.(readState);
      },
    });
  } finally {
    progress.end();
    await sheet.dispose();
    await cache?.dispose();
  }
}

export type ReadState = (names?: readonly string[]) => Promise<Map<string, Tensor>>;

/** Writes `snapshots/step-N.onnx` at the first tick at or after each multiple of `snapshot` steps. */
async function keepSnapshot(
  directory: string,
  generator: Graph,
  { snapshot, tick, ema }: TrainConfig,
  step: number,
  readState: ReadState,
): Promise<void> {
  if (snapshot === 0 || Math.floor(step / snapshot) === Math.floor((step - tick) / snapshot)) return;
  const folder = makeDirectory(join(directory, 'snapshots'));
  const network = withWeights(generator, await readState(), 'g', { ema: ema > 0 });
  await writeFileAtomic(join(folder, `step-${String(step).padStart(7, '0')}.onnx`), encodeOnnx(network));
}

export function augmentOf(data: DataConfig): Augment {
  return { flip: data.flip, jitter: data.jitter };
}

/** Of the listing and all initial weights: the same program from the same start. */
export function programHash({ graph, state }: ReturnType<typeof stepProgram>): string {
  const parts = [printGraph(graph)];
  for (const { tensor } of graph.constants.values())
    if (tensor && tensor.data.length > 8) parts.push(sha256(bytesOf(tensor)));
  for (const { name, initial } of state) parts.push(name, sha256(bytesOf(initial)));
  return sha256(parts.join('\n'));
}

function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}

/** Writes `samples/step-N.png` at each tick: condition, truth, teacher, and the network as it is (its moving average). */
async function sheetWriter(
  { recipe, backend }: RunContext,
  source: PairedSource,
  { generator, config, distillation, show }: GeneratorTraining,
  directory: string,
) {
  const { size } = recipe.data;
  const teacher = distillation?.teacher;
  const split = source.counts.val > 0 ? 'val' : 'train';
  const count = Math.min(config.samples, source.counts[split]);
  if (count === 0) return { write: async () => {}, dispose: async () => {} };
  const folder = makeDirectory(join(directory, 'samples'));
  const order = rng(recipe.seed, 'samples').shuffle(
    Array.from({ length: source.counts[split] }, (_, i) => i),
  );
  const pairs = await makeBatch(source, split, order.slice(0, count), {}, rng(0, 'unused'));
  const network = show ? undefined : await compileGenerator(generator, size, backend, { replaceable: true });
  const title = teacher ? 'student' : 'generator';
  const making: Show =
    show ??
    (async (weights, conditions) => {
      await network!.setWeights(weights);
      return [{ title, images: await network!.generate(conditions) }];
    });
  const columns = [
    { title: 'condition', images: pairs.condition, channels: source.channels.condition },
    { title: 'truth', images: pairs.image },
  ];
  if (teacher) {
    const taught = await compileGenerator(teacher, size, backend);
    columns.push({ title: 'teacher', images: await taught.generate(pairs.condition) });
    await taught.dispose();
  }
  const names = [...generator.constants.keys()];
  return {
    async write(step: number, readState: ReadState) {
      const state = await readState(names.flatMap((name) => [`g/${name}`, `g/ema/${name}`]));
      const weights = new Map<string, Tensor>();
      for (const name of names) {
        const tensor = state.get(`g/ema/${name}`) ?? state.get(`g/${name}`);
        if (tensor) weights.set(name, tensor);
      }
      await sampleSheet(
        [...columns, ...(await making(weights, pairs.condition))],
        size,
        join(folder, `step-${String(step).padStart(7, '0')}.png`),
      );
    },
    dispose: async () => network?.dispose(),
  };
}
