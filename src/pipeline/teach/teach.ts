import { join } from 'node:path';
import type { Graph } from '../../graph/graph.ts';
import { encodeOnnx } from '../../graph/onnx.ts';
import { buildDiscriminator, buildGenerator, distillTaps } from '../../models/generator.ts';
import { initialise } from '../../models/init.ts';
import { loadOnnx } from '../../ops/import-onnx.ts';
import { flatSettings } from '../../train/changed-settings.ts';
import { finishedNetwork, withWeights } from '../../train/trained-network.ts';
import { writeFileAtomic } from '../../util/atomic.ts';
import { sha256Json } from '../../util/hash.ts';
import { describeModel, hasCard, writeCard } from '../card.ts';
import { judgedInputs } from '../check/discriminator.ts';
import type { RunContext } from '../context.ts';
import { markStageDone, stageIsDone } from '../run-directory.ts';
import { trainGenerator } from '../train/generator.ts';
import { recalibrated } from '../train/recalibrated.ts';
import { teachCycle } from './cycle.ts';
import { teachOnline } from './online.ts';

/**
 * Trains the teacher a recipe describes, on the truth: adversarial loss and reconstruction, as pix2pix (Isola et al. 2017); on
 * unpaired data by cycles (see `teachCycle`), and with `online` together with the student (see `teachOnline`).
 * Writes `teacher.onnx` (averaged weights) with its card, and `discriminator.onnx`.
 */
export async function teach(context: RunContext): Promise<void> {
  const { recipe, out, log } = context;
  if (!('generator' in recipe.teacher)) return;
  const { generator: architecture, train: config } = recipe.teacher;
  const source = await context.source();
  if (recipe.online) return teachOnline(context);
  if (source.unpaired) return teachCycle(context);
  const inputs = sha256Json({
    teacher: recipe.teacher,
    discriminator: recipe.discriminator,
    data: source.hash,
    flip: recipe.data.flip,
    jitter: recipe.data.jitter,
    seed: recipe.seed,
  });
  const file = join(out, 'teacher.onnx');
  const describe = async (generator: Graph) => {
    const known = await describeModel(context, generator, file);
    const taps = distillTaps(generator);
    await writeCard(file, {
      ...known,
      role: 'teacher',
      architecture,
      taps,
      training: config,
      steps: { teach: config.steps },
    });
  };
  if (await stageIsDone(out, 'teach', inputs)) {
    if (!(await hasCard(file))) await describe(loadOnnx(file));
    log.info('teach: done before, nothing changed');
    return;
  }
  const { size } = recipe.data;
  const { condition, image } = source.channels;
  const judged = judgedInputs(source);
  const start = { init: config.init, gain: config.initGain };
  const generator = initialise(
    buildGenerator(architecture, size, { inputChannels: condition, outputChannels: image }),
    { ...start, seed: recipe.seed },
  );
  const discriminator = initialise(
    buildDiscriminator(recipe.discriminator, size, judged.channels, judged.classes),
    {
      ...start,
      seed: recipe.seed + 1,
    },
  );
  const state = await trainGenerator(context, {
    stage: 'teach',
    generator,
    discriminator,
    config,
    settings: {
      ...flatSettings('teacher.generator', architecture),
      ...flatSettings('teacher.train', { ...config, checkpointSeconds: undefined }),
    },
  });

  const averaged = finishedNetwork(generator, state, 'g', { ema: config.ema > 0 });
  const teacher = await recalibrated(context, averaged);
  await writeFileAtomic(file, encodeOnnx(teacher));
  await writeFileAtomic(join(out, 'discriminator.onnx'), encodeOnnx(withWeights(discriminator, state, 'd')));
  await describe(teacher);
  await markStageDone(out, 'teach', inputs, ['teacher.onnx', 'discriminator.onnx']);
}
