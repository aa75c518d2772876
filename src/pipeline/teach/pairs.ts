import { buildGenerator } from '../../models/generator.ts';
import { lasting } from '../../recipe/lasting.ts';
import { flatSettings } from '../../train/changed-settings.ts';
import { finishedNetwork, withWeights } from '../../train/trained-network.ts';
import { judgedInputs } from '../check/discriminator.ts';
import type { RunContext } from '../context.ts';
import { startedEncoder } from '../train/encoder.ts';
import { trainGenerator } from '../train/generator.ts';
import { started, startedDiscriminator } from '../train/started.ts';
import { teachStage } from './stage.ts';
import type { BuiltTeacher, Training } from './training.ts';

/** Adversarial training with what the data tells of each picture: by itself, of a class, or beside the true one. */
export const pairsTraining: Training = { fits: () => true, teach: teachPairs };

/**
 * Trains the teacher a recipe describes on the truth: adversarial loss and reconstruction, as pix2pix (Isola et al. 2017), with
 * latent vectors of an encoder where the recipe asks for one (Park et al. 2019). Writes `teacher.onnx` (averaged weights) with its
 * card, and `discriminator.onnx`.
 */
async function teachPairs(context: RunContext, teacher: BuiltTeacher): Promise<void> {
  const { recipe } = context;
  const { generator: architecture, train: config } = teacher;
  const source = await context.source();
  await teachStage(context, teacher, {
    training: config,
    generators: { 'teacher.onnx': {} },
    async train() {
      const { condition, image, classes } = source.channels;
      const sides = { inputChannels: condition, outputChannels: image, classes };
      const generator = started(buildGenerator(architecture, recipe.data.size, sides), config, recipe.seed);
      const discriminator = startedDiscriminator(context, config, judgedInputs(source), recipe.seed + 1);
      const state = await trainGenerator(context, {
        stage: 'teach',
        generator,
        discriminator,
        encoder: await startedEncoder(context, config),
        config,
        settings: {
          ...flatSettings('teacher.generator', architecture),
          ...flatSettings('teacher.train', lasting(config)),
        },
      });
      return {
        networks: {
          'teacher.onnx': finishedNetwork(generator, state, 'g', { ema: config.ema > 0 }),
          'discriminator.onnx': withWeights(discriminator, state, 'd'),
        },
      };
    },
  });
}
