import type { Source } from '../../data/source.ts';
import { buildGenerator } from '../../models/generator.ts';
import { lasting } from '../../recipe/lasting.ts';
import type { Recipe } from '../../recipe/schema.ts';
import { flatSettings } from '../../train/changed-settings.ts';
import { finishedNetwork, withWeights } from '../../train/trained-network.ts';
import type { RunContext } from '../context.ts';
import { cycleOf, trainNaiveCycle } from '../distill/naive-cycle.ts';
import { trainCycle } from '../train/cycle.ts';
import { started, startedDiscriminator } from '../train/started.ts';
import { teachStage } from './stage.ts';
import type { BuiltTeacher, Training } from './training.ts';

/** Training by cycles, for pictures without pairs. */
export const cycleTraining: Training = {
  fits: (_, source) => source.unpaired !== undefined,
  teach: teachCycle,
  naive: {
    depends: (recipe, source) => ({ cycle: cycleOf(recipe, source) }),
    train: trainNaiveCycle,
  },
  check: checkCycle,
};

/**
 * Trains the teacher a recipe describes on unpaired pictures, with a generator that goes back, as CycleGAN (Zhu et al. 2017).
 * Writes `teacher.onnx` (A to B) and `teacher-reverse.onnx` (averaged weights) with their cards, and beside each the
 * discriminator of what it makes, `discriminator.onnx` and `discriminator-reverse.onnx`.
 */
async function teachCycle(context: RunContext, teacher: BuiltTeacher): Promise<void> {
  const { recipe } = context;
  const { generator: architecture, train: config } = teacher;
  const source = await context.source();
  const cycle = cycleOf(recipe, source);
  await teachStage(context, teacher, {
    depends: { cycle },
    training: { ...config, cycle },
    generators: { 'teacher.onnx': {}, 'teacher-reverse.onnx': { reverse: true } },
    async train() {
      const { condition, image } = source.channels;
      const direction = (inputChannels: number, outputChannels: number, seed: number) => {
        const sides = { inputChannels, outputChannels };
        const judged = { channels: outputChannels, classes: 0 };
        return {
          generator: started(buildGenerator(architecture, recipe.data.size, sides), config, seed),
          discriminator: startedDiscriminator(context, config, judged, seed + 1),
        };
      };
      const forward = direction(condition, image, recipe.seed);
      const reverse = direction(image, condition, recipe.seed + 2);
      const state = await trainCycle(context, {
        ...{ stage: 'teach', forward, reverse, config, cycle },
        settings: {
          ...flatSettings('teacher.generator', architecture),
          ...flatSettings('teacher.train', { ...lasting(config), cycle: undefined }),
        },
      });
      const ema = config.ema > 0;
      return {
        networks: {
          'teacher.onnx': finishedNetwork(forward.generator, state, 'g', { ema }),
          'teacher-reverse.onnx': finishedNetwork(reverse.generator, state, 'gReverse', { ema }),
          'discriminator.onnx': withWeights(forward.discriminator, state, 'd'),
          'discriminator-reverse.onnx': withWeights(reverse.discriminator, state, 'dReverse'),
        },
      };
    },
  });
}

function checkCycle(
  { teacher }: Recipe,
  source: Source,
  fail: (path: readonly string[], message: string) => void,
): void {
  if (!('generator' in teacher)) return;
  const { generator, train } = teacher;
  if (source.unpaired && 'latent' in generator && generator.latent > 0)
    fail(['teacher', 'generator', 'latent'], 'must be 0 on unpaired data: a cycle gives no vector back');
  const { cycle } = train;
  if (!cycle) return;
  const path = ['teacher', 'train', 'cycle'];
  if (!source.unpaired)
    fail(path, `must be left out for the data source ${source.name}, whose pictures are pairs`);
  const { condition, image } = source.channels;
  if (source.unpaired && (cycle.lambdaIdentity ?? 0) > 0 && condition !== image)
    fail(
      [...path, 'lambdaIdentity'],
      `must be 0 where the domains differ in channels, which are ${condition} and ${image}`,
    );
}
