import { join } from 'node:path';
import type { Graph } from '../../graph/graph.ts';
import { encodeOnnx } from '../../graph/onnx.ts';
import { buildDiscriminator, buildGenerator, distillTaps } from '../../models/generator.ts';
import { initialise } from '../../models/init.ts';
import { loadOnnx } from '../../ops/import-onnx.ts';
import { resolveCycle } from '../../recipe/cycle.ts';
import type { TrainConfig } from '../../recipe/schema.ts';
import { flatSettings } from '../../train/changed-settings.ts';
import { withWeights } from '../../train/trained-network.ts';
import { writeFileAtomic } from '../../util/atomic.ts';
import { sha256Json } from '../../util/hash.ts';
import { describeModel, hasCard, writeCard } from '../card.ts';
import type { RunContext } from '../context.ts';
import { markStageDone, stageIsDone } from '../run-directory.ts';
import { trainCycle } from '../train/cycle.ts';
import { recalibrated } from '../train/recalibrated.ts';

/**
 * Trains the teacher a recipe describes on unpaired pictures, with a generator that goes back, as CycleGAN (Zhu et al. 2017).
 * Writes `teacher.onnx` (A to B) and `teacher-reverse.onnx` (averaged weights) with their cards, and beside each the
 * discriminator of what it makes, `discriminator.onnx` and `discriminator-reverse.onnx`.
 */
export async function teachCycle(context: RunContext): Promise<void> {
  const { recipe, out, log } = context;
  if (!('generator' in recipe.teacher)) return;
  const { generator: architecture, train: config } = recipe.teacher;
  const source = await context.source();
  const cycle = resolveCycle(config.cycle, source.channels);
  const inputs = sha256Json({
    teacher: recipe.teacher,
    cycle,
    discriminator: recipe.discriminator,
    data: source.hash,
    flip: recipe.data.flip,
    jitter: recipe.data.jitter,
    seed: recipe.seed,
  });
  const training = { ...config, cycle };
  const files = { forward: 'teacher.onnx', reverse: 'teacher-reverse.onnx' } as const;
  const describe = async (direction: keyof typeof files, generator: Graph) => {
    const file = join(out, files[direction]);
    const known = await describeModel(context, generator, file);
    const taps = distillTaps(generator);
    const reverse = direction === 'reverse' && { reverse: true };
    await writeCard(file, {
      ...known,
      role: 'teacher',
      ...reverse,
      architecture,
      taps,
      training,
      steps: { teach: config.steps },
    });
  };
  if (await stageIsDone(out, 'teach', inputs)) {
    for (const direction of ['forward', 'reverse'] as const) {
      const file = join(out, files[direction]);
      if (!(await hasCard(file))) await describe(direction, loadOnnx(file));
    }
    log.info('teach: done before, nothing changed');
    return;
  }
  const { condition, image } = source.channels;
  const generator = (from: number, to: number, seed: number) =>
    started(config, seed, buildGenerator(architecture, recipe.data.size, channels(from, to)));
  const forward = {
    generator: generator(condition, image, recipe.seed),
    discriminator: startedDiscriminator(context, config, image, recipe.seed + 1),
  };
  const reverse = {
    generator: generator(image, condition, recipe.seed + 2),
    discriminator: startedDiscriminator(context, config, condition, recipe.seed + 3),
  };
  const state = await trainCycle(context, {
    ...{ stage: 'teach', forward, reverse, config, cycle },
    settings: {
      ...flatSettings('teacher.generator', architecture),
      ...flatSettings('teacher.train', { ...config, cycle: undefined, checkpointSeconds: undefined }),
    },
  });

  const ema = config.ema > 0;
  const written: [string, Graph][] = [
    [files.forward, await recalibrated(context, withWeights(forward.generator, state, 'g', { ema }))],
    [files.reverse, withWeights(reverse.generator, state, 'gReverse', { ema })],
    ['discriminator.onnx', withWeights(forward.discriminator, state, 'd')],
    ['discriminator-reverse.onnx', withWeights(reverse.discriminator, state, 'dReverse')],
  ];
  for (const [file, network] of written) await writeFileAtomic(join(out, file), encodeOnnx(network));
  await describe('forward', forward.generator);
  await describe('reverse', reverse.generator);
  await markStageDone(
    out,
    'teach',
    inputs,
    written.map(([file]) => file),
  );
}

/** A discriminator of pictures with so many channels, without their conditions, as it starts. */
export function startedDiscriminator(
  { recipe }: Pick<RunContext, 'recipe'>,
  config: Pick<TrainConfig, 'init' | 'initGain'>,
  pictureChannels: number,
  seed: number,
): Graph {
  return started(config, seed, buildDiscriminator(recipe.discriminator, recipe.data.size, pictureChannels));
}

function started(
  { init, initGain: gain }: Pick<TrainConfig, 'init' | 'initGain'>,
  seed: number,
  graph: Graph,
) {
  return initialise(graph, { init, gain, seed });
}

const channels = (inputChannels: number, outputChannels: number) => ({ inputChannels, outputChannels });
