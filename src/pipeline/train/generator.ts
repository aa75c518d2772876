import { join } from 'node:path';
import type { Feeds } from '../../backend/backend.ts';
import { widestSymbols } from '../../compress/elastic.ts';
import { makeBatch } from '../../data/batch.ts';
import { conditionColumn } from '../../data/draw-condition.ts';
import { type SheetColumn, sampleSheet } from '../../data/sheet.ts';
import { hasTruth, type Source } from '../../data/source.ts';
import type { Graph, Tensor } from '../../graph/graph.ts';
import { withFeatures } from '../../models/discriminator-features.ts';
import type { TrainConfig } from '../../recipe/schema.ts';
import type { Settings } from '../../train/changed-settings.ts';
import type { Distillation } from '../../train/distillation.ts';
import type { Elastic } from '../../train/elastic-students.ts';
import type { Encoder } from '../../train/encoded-latent.ts';
import { train } from '../../train/loop.ts';
import { stepProgram } from '../../train/step.ts';
import { teacherCache } from '../../train/teacher-cache.ts';
import { rng } from '../../util/rng.ts';
import type { RunContext } from '../context.ts';
import { compileGenerator } from '../generate.ts';
import { pictureLatents } from '../given.ts';
import { makeDirectory } from '../run-directory.ts';
import { loadPerceptual } from './perceptual.ts';
import {
  keepSnapshots,
  type ReadState,
  shownPictures,
  shownWeights,
  stageTraining,
  stepName,
} from './stage-training.ts';

export interface GeneratorTraining {
  /** Folder inside the run, and label of the progress display. */
  stage: string;
  generator: Graph;
  discriminator: Graph;
  config: TrainConfig;
  /** What the training depends on besides data and seed, by the names in the recipe. */
  settings: Settings;
  distillation?: Distillation;
  /** Takes the latent vectors from the true pictures. It is thrown away afterwards. */
  encoder?: Encoder | undefined;
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
  latents?: Float32Array,
) => Promise<{ title: string; images: Float32Array }[]>;

/**
 * Trains one generator as a stage of a run: builds the step, goes through the data, keeps statistics, checkpoints and a sample
 * sheet each tick in `<out>/<stage>/`. Returns the final state.
 */
export async function trainGenerator(
  context: RunContext,
  training: GeneratorTraining,
): Promise<Map<string, Tensor>> {
  const { stage, generator, discriminator, config, settings, distillation, encoder, elastic, pictures } =
    training;
  const { recipe, backend } = context;
  const source = await context.source();
  const program = stepProgram({
    ...config,
    generator,
    discriminator: config.lambdaFeature ? withFeatures(discriminator) : discriminator,
    perceptual: await loadPerceptual(context, config),
    size: recipe.data.size,
    ema: config.ema > 0,
    seed: recipe.seed,
    ...(distillation && { distillation }),
    encoder,
    ...(elastic && { elastic: elastic.elastic }),
  });
  const common = await stageTraining(context, {
    ...{ stage, program, config, settings },
    also: pictures && { pictures },
    ...(elastic && { symbols: widestSymbols(program.graph, elastic.elastic.space) }),
  });
  const { directory, progress } = common;
  const sheet = await sheetWriter(context, source, training, directory);
  const cache = distillation?.cached ? await teacherCache(distillation, source, backend) : undefined;
  try {
    return await train({
      ...common,
      source,
      ...(cache && { targets: cache.targets }),
      pictures,
      more: elastic?.widths,
      onTick: async (step, readState) => {
        await sheet.write(step, readState);
        await keepSnapshots(directory, [{ graph: generator, state: 'g' }], config, step, readState);
        return training.probe?.(readState);
      },
    });
  } finally {
    progress.end();
    await sheet.dispose();
    await cache?.dispose();
  }
}

/** Writes `samples/step-N.png` at each tick: condition, truth where there is one, teacher, and the network as it is (its moving average). */
async function sheetWriter(
  { recipe, backend }: RunContext,
  source: Source,
  { generator, config, distillation, show }: GeneratorTraining,
  directory: string,
) {
  const { size } = recipe.data;
  const teacher = distillation?.teacher;
  const { split, indices } = shownPictures(recipe, source, config.samples);
  if (indices.length === 0) return { write: async () => {}, dispose: async () => {} };
  const folder = makeDirectory(join(directory, 'samples'));
  const pairs = await makeBatch(source, split, indices, {}, rng(0, 'unused'));
  const latents = pictureLatents(generator, split, indices);
  const network = show ? undefined : await compileGenerator(generator, size, backend, { replaceable: true });
  const title = teacher ? 'student' : 'generator';
  const making: Show =
    show ??
    (async (weights, conditions, latents) => {
      await network!.setWeights(weights);
      return [{ title, images: await network!.generate(conditions, latents) }];
    });
  const given = conditionColumn(source, pairs.condition);
  const pictures = (made: { title: string; images: Float32Array }): SheetColumn => ({
    ...made,
    channels: source.channels.image,
  });
  const columns = given ? [given] : [];
  if (hasTruth(source, split)) columns.push(pictures({ title: 'truth', images: pairs.image }));
  if (teacher) {
    const taught = await compileGenerator(teacher, size, backend);
    const images = await taught.generate(pairs.condition, pictureLatents(teacher, split, indices));
    columns.push(pictures({ title: 'teacher', images }));
    await taught.dispose();
  }
  return {
    async write(step: number, readState: ReadState) {
      const weights = await shownWeights(generator, 'g', readState);
      const made = (await making(weights, pairs.condition, latents)).map(pictures);
      await sampleSheet([...columns, ...made], size, join(folder, `step-${stepName(step)}.png`));
    },
    dispose: async () => network?.dispose(),
  };
}
