import { join } from 'node:path';
import { makeBatch, stepBatch } from '../../data/batch.ts';
import { type PictureColumn, sampleSheet } from '../../data/sheet.ts';
import type { Source } from '../../data/source.ts';
import type { Tensor } from '../../graph/graph.ts';
import type { CycleConfig } from '../../recipe/cycle.ts';
import type { TrainConfig } from '../../recipe/schema.ts';
import { flatSettings, type Settings } from '../../train/changed-settings.ts';
import { cycleFeeds, cycleLossNames, cycleProgram, type Direction } from '../../train/cycle-step.ts';
import { runSteps } from '../../train/loop.ts';
import { rng } from '../../util/rng.ts';
import type { RunContext } from '../context.ts';
import { compileGenerator, type Generating } from '../generate.ts';
import { makeDirectory } from '../run-directory.ts';
import {
  keepSnapshots,
  type ReadState,
  shownPictures,
  shownWeights,
  stageTraining,
  stepName,
} from './stage-training.ts';

export interface CycleTraining {
  /** Folder inside the run, and label of the progress display. */
  stage: string;
  forward: Direction;
  reverse: Direction;
  config: TrainConfig;
  cycle: CycleConfig;
  /** What the training depends on besides data and seed, by the names in the recipe. */
  settings: Settings;
}

/**
 * Trains generators of both directions on unpaired data as a stage of a run (see `cycleProgram`): statistics, checkpoints,
 * snapshots and sample sheets in `<out>/<stage>/`. Returns the final state.
 */
export async function trainCycle(context: RunContext, training: CycleTraining): Promise<Map<string, Tensor>> {
  const { stage, forward, reverse, config, cycle, settings } = training;
  const source = await context.source();
  const program = cycleProgram({
    ...config,
    ...cycle,
    forward,
    reverse,
    size: context.recipe.data.size,
    ema: config.ema > 0,
  });
  const common = await stageTraining(context, {
    ...{ stage, program, config },
    settings: { ...flatSettings('teacher.train.cycle', cycle), ...settings },
    also: { cycle },
  });
  const { directory, progress } = common;
  const sheet = await cycleSheet(context, source, training, directory);
  const generators = [
    { graph: forward.generator, state: 'g' },
    { graph: reverse.generator, state: 'gReverse', suffix: '-reverse' },
  ];
  try {
    return await runSteps({
      ...common,
      losses: cycleLossNames,
      shown: ['gan', 'cycle', 'ganReverse', 'cycleReverse'],
      feeds: async (step) => {
        const pictures = await stepBatch(source, step, common);
        return cycleFeeds(program.graph, pictures, step, { ...common, pool: cycle.pool });
      },
      onTick: async (step, readState) => {
        await sheet.write(step, readState);
        await keepSnapshots(directory, generators, config, step, readState);
        return undefined;
      },
    });
  } finally {
    progress.end();
    await sheet.dispose();
  }
}

/** Writes `samples/step-N.png` at each tick: A, B made from it, A made again from that; B, and A made from it. */
async function cycleSheet(
  { recipe, backend }: RunContext,
  source: Source,
  { forward, reverse, config }: CycleTraining,
  directory: string,
) {
  const { size } = recipe.data;
  const { split, indices } = shownPictures(recipe, source, config.samples);
  if (indices.length === 0) return { write: async () => {}, dispose: async () => {} };
  const folder = makeDirectory(join(directory, 'samples'));
  const { condition, image } = await makeBatch(source, split, indices, {}, rng(0, 'unused'));
  const sides = source.channels as { condition: 1 | 3; image: 1 | 3 };
  const compile = (graph: Direction['generator']) =>
    compileGenerator(graph, size, backend, { replaceable: true });
  const toB = await compile(forward.generator);
  const toA: Generating = await compile(reverse.generator);
  return {
    async write(step: number, readState: ReadState) {
      await toB.setWeights(await shownWeights(forward.generator, 'g', readState));
      await toA.setWeights(await shownWeights(reverse.generator, 'gReverse', readState));
      const made = await toB.generate(condition);
      const columns: PictureColumn[] = [
        { title: 'A', images: condition, channels: sides.condition },
        { title: 'made B', images: made, channels: sides.image },
        { title: 'A again', images: await toA.generate(made), channels: sides.condition },
        { title: 'B', images: image, channels: sides.image },
        { title: 'made A', images: await toA.generate(image), channels: sides.condition },
      ];
      await sampleSheet(columns, size, join(folder, `step-${stepName(step)}.png`));
    },
    async dispose() {
      await toB.dispose();
      await toA.dispose();
    },
  };
}
