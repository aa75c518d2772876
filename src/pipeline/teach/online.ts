import { join } from 'node:path';
import { makeStudent } from '../../compress/student.ts';
import { makeBatch, trainIndices } from '../../data/batch.ts';
import type { Graph, Tensor } from '../../graph/graph.ts';
import { encodeOnnx } from '../../graph/onnx.ts';
import { buildDiscriminator, buildGenerator, distillTaps } from '../../models/generator.ts';
import { initialise } from '../../models/init.ts';
import { loadOnnx } from '../../ops/import-onnx.ts';
import type { OnlineConfig } from '../../recipe/schema.ts';
import { flatSettings } from '../../train/changed-settings.ts';
import { runSteps } from '../../train/loop.ts';
import { onlineFeeds, onlineLossNames, onlineProgram } from '../../train/online-step.ts';
import { finishedNetwork, withWeights } from '../../train/trained-network.ts';
import { writeFileAtomic, writeJsonAtomic } from '../../util/atomic.ts';
import { GanletError } from '../../util/errors.ts';
import { sha256File, sha256Json } from '../../util/hash.ts';
import { rng } from '../../util/rng.ts';
import { describeModel, hasCard, writeCard } from '../card.ts';
import type { RunContext } from '../context.ts';
import { markStageDone, stageIsDone } from '../run-directory.ts';
import { loadOnlinePerceptual } from '../train/perceptual.ts';
import { recalibrated } from '../train/recalibrated.ts';
import { keepSnapshots, stageTraining } from '../train/stage-training.ts';
import { onlineSheet } from './online-sheet.ts';

/**
 * Trains a teacher and its student together (Ren et al. 2021; see `onlineProgram`). Writes `teacher.onnx` with its card,
 * `discriminator.onnx`, and the student where `distill` would leave it, `distill/network.onnx`. Throws ONLINE_UNPAIRED for data
 * without pairs, and TAP_UNKNOWN.
 */
export async function teachOnline(context: RunContext): Promise<void> {
  const { recipe, out, log } = context;
  const { online, student: wanted, discriminator: judge, seed } = recipe;
  if (!('generator' in recipe.teacher) || !online || !wanted) return;
  const { generator: architecture, train: config } = recipe.teacher;
  const source = await context.source();
  if (source.unpaired) {
    throw new GanletError('ONLINE_UNPAIRED', 'online must come with pairs of images, the data has none', {
      hint: 'train the teacher first (teacher.train) and the student after it (distill)',
    });
  }
  const inputs = sha256Json({
    ...{ teacher: recipe.teacher, student: wanted, online, discriminator: judge, data: source.hash },
    ...{ flip: recipe.data.flip, jitter: recipe.data.jitter, seed },
  });
  const file = join(out, 'teacher.onnx');
  const describe = async (generator: Graph) => {
    const known = await describeModel(context, generator, file);
    const taps = distillTaps(generator);
    await writeCard(file, { ...known, role: 'teacher', architecture, taps, training: config });
  };
  if (await stageIsDone(out, 'teach', inputs)) {
    if (!(await hasCard(file))) await describe(loadOnnx(file));
    log.info('teach: done before, nothing changed');
    return;
  }

  const { condition, image } = source.channels;
  const start = { init: config.init, gain: config.initGain };
  const sides = { inputChannels: condition, outputChannels: image };
  const teacher = initialise(buildGenerator(architecture, recipe.data.size, sides), { ...start, seed });
  const discriminator = initialise(buildDiscriminator(judge, recipe.data.size, condition + image), {
    ...start,
    seed: seed + 1,
  });
  const student = makeStudent({
    ...{ teacher, architecture, student: { ...wanted, initFrom: 'random' }, size: recipe.data.size },
    ...{ seed: seed + 2, init: config.init, initGain: config.initGain },
  });
  const state = await trainOnline(context, { teacher, discriminator, student: student.graph, online });

  const ema = config.ema > 0;
  const finished = await recalibrated(context, finishedNetwork(teacher, state, 't', { ema }));
  await writeFileAtomic(file, encodeOnnx(finished));
  await writeFileAtomic(join(out, 'discriminator.onnx'), encodeOnnx(withWeights(discriminator, state, 'd')));
  await describe(finished);
  const network = await recalibrated(context, withWeights(student.graph, state, 'g', { ema }));
  await writeFileAtomic(join(out, 'distill', 'network.onnx'), encodeOnnx(network));
  await writeJsonAtomic(join(out, 'distill', 'network.json'), {
    architecture: student.architecture,
    training: { ...config, online },
    teacher: { sha256: await sha256File(file) },
  });
  const left = ['teacher.onnx', 'discriminator.onnx', 'distill/network.onnx', 'distill/network.json'];
  await markStageDone(out, 'teach', inputs, left);
}

interface OnlineNetworks {
  teacher: Graph;
  student: Graph;
  discriminator: Graph;
  online: OnlineConfig;
}

async function trainOnline(context: RunContext, networks: OnlineNetworks): Promise<Map<string, Tensor>> {
  const { recipe } = context;
  const { teacher, student, online } = networks;
  if (!('generator' in recipe.teacher)) throw new TypeError('only a teacher that is built is trained online');
  const { generator: architecture, train: config } = recipe.teacher;
  const source = await context.source();
  const program = onlineProgram({
    ...config,
    ...networks,
    ...online,
    taps: knownTaps(online.taps ?? distillTaps(teacher), teacher, student),
    perceptual: await loadOnlinePerceptual(context, online),
    size: recipe.data.size,
    ema: config.ema > 0,
    seed: recipe.seed,
  });
  const common = await stageTraining(context, {
    ...{ stage: 'teach', program, config },
    settings: {
      ...flatSettings('teacher.generator', architecture),
      ...flatSettings('teacher.train', { ...config, checkpointSeconds: undefined }),
      ...flatSettings('student', recipe.student!),
      ...flatSettings('online', online),
    },
    also: { online },
  });
  const { directory, progress, seed, batch } = common;
  const sheet = await onlineSheet(context, source, networks, config.samples, directory);
  const generators = [
    { graph: student, state: 'g' },
    { graph: teacher, state: 't', suffix: '-teacher' },
  ];
  try {
    return await runSteps({
      ...common,
      losses: onlineLossNames,
      shown: ['gan', 'recon', 'ssim', 'channel'],
      feeds: async (step) => {
        const indices = trainIndices(seed, step, batch, source.counts.train);
        const random = rng(seed, 'augment', step);
        const pictures = await makeBatch(source, 'train', indices, common.augment, random);
        return onlineFeeds(program.graph, pictures, step, { ...common, teacherEvery: online.teacherEvery });
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

/** Taps that both networks have. */
function knownTaps(taps: readonly string[], ...networks: readonly Graph[]): readonly string[] {
  for (const network of networks) {
    const names = new Set(network.nodes.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
    const unknown = taps.find((tap) => !names.has(tap));
    if (unknown !== undefined) {
      throw new GanletError(
        'TAP_UNKNOWN',
        `online.taps must name values of both networks, they have no "${unknown}"`,
        {
          hint: `among their values are ${[...names]
            .filter((name) => !name.includes(':'))
            .slice(0, 12)
            .join(', ')}`,
        },
      );
    }
  }
  return taps;
}
