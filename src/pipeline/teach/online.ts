import { join } from 'node:path';
import { makeStudent } from '../../compress/student.ts';
import { stepBatch } from '../../data/batch.ts';
import type { Graph, Tensor } from '../../graph/graph.ts';
import { encodeOnnx } from '../../graph/onnx.ts';
import { buildGenerator, distillTaps } from '../../models/generator.ts';
import { lasting } from '../../recipe/lasting.ts';
import type { OnlineConfig } from '../../recipe/schema.ts';
import { flatSettings } from '../../train/changed-settings.ts';
import { runSteps } from '../../train/loop.ts';
import { onlineFeeds, onlineLossNames, onlineProgram } from '../../train/online-step.ts';
import { finishedNetwork, withWeights } from '../../train/trained-network.ts';
import { writeFileAtomic, writeJsonAtomic } from '../../util/atomic.ts';
import { GanletError } from '../../util/errors.ts';
import { sha256File } from '../../util/hash.ts';
import { judgedInputs } from '../check/discriminator.ts';
import type { RunContext } from '../context.ts';
import { loadOnlinePerceptual } from '../train/perceptual.ts';
import { recalibrated } from '../train/recalibrated.ts';
import { keepSnapshots, stageTraining } from '../train/stage-training.ts';
import { started, startedDiscriminator } from '../train/started.ts';
import { onlineSheet } from './online-sheet.ts';
import { teachStage } from './stage.ts';
import type { BuiltTeacher, Training } from './training.ts';

/** Training together with the student, where the recipe has a section `online`. */
export const onlineTraining: Training = {
  fits: ({ online }) => online !== undefined,
  teach: teachOnline,
  check({ online }, source, fail) {
    if (online && source.unpaired)
      fail(['online'], 'must be left out on unpaired data: it learns from true pictures');
  },
};

/**
 * Trains a teacher and its student together (Ren et al. 2021; see `onlineProgram`). Writes `teacher.onnx` with its card,
 * `discriminator.onnx`, and the student where `distill` would leave it, `distill/network.onnx`. Throws ONLINE_UNPAIRED for data
 * without pairs, and TAP_UNKNOWN.
 */
async function teachOnline(context: RunContext, built: BuiltTeacher): Promise<void> {
  const { recipe, out } = context;
  const { online, student: wanted, seed } = recipe;
  if (!online || !wanted) return;
  const { generator: architecture, train: config } = built;
  const source = await context.source();
  if (source.unpaired) {
    throw new GanletError('ONLINE_UNPAIRED', 'online must come with pairs of images, the data has none', {
      hint: 'train the teacher first (teacher.train) and the student after it (distill)',
    });
  }
  await teachStage(context, built, {
    depends: { student: wanted, online },
    training: config,
    generators: { 'teacher.onnx': {} },
    async train() {
      const { condition, image, classes } = source.channels;
      const sides = { inputChannels: condition, outputChannels: image, classes };
      const teacher = started(buildGenerator(architecture, recipe.data.size, sides), config, seed);
      const discriminator = startedDiscriminator(context, config, judgedInputs(source), seed + 1);
      const student = makeStudent({
        ...{ teacher, architecture, student: { ...wanted, initFrom: 'random' }, size: recipe.data.size },
        ...{ seed: seed + 2, init: config.init, initGain: config.initGain },
      });
      const networks = { teacher, discriminator, student: student.graph };
      const state = await trainOnline(context, built, { ...networks, online });
      const ema = config.ema > 0;
      return {
        networks: {
          'teacher.onnx': finishedNetwork(teacher, state, 't', { ema }),
          'discriminator.onnx': withWeights(discriminator, state, 'd'),
        },
        async more() {
          const files = ['distill/network.onnx', 'distill/network.json'] as const;
          const network = await recalibrated(context, withWeights(student.graph, state, 'g', { ema }));
          await writeFileAtomic(join(out, files[0]), encodeOnnx(network));
          await writeJsonAtomic(join(out, files[1]), {
            architecture: student.architecture,
            training: { ...config, online },
            teacher: { sha256: await sha256File(join(out, 'teacher.onnx')) },
          });
          return files;
        },
      };
    },
  });
}

interface OnlineNetworks {
  teacher: Graph;
  student: Graph;
  discriminator: Graph;
  online: OnlineConfig;
}

async function trainOnline(
  context: RunContext,
  { generator: architecture, train: config }: BuiltTeacher,
  networks: OnlineNetworks,
): Promise<Map<string, Tensor>> {
  const { recipe } = context;
  const { teacher, student, online } = networks;
  const source = await context.source();
  const program = onlineProgram({
    ...config,
    ...networks,
    ...online,
    taps: knownTaps(online.taps ?? distillTaps(teacher, architecture.type), teacher, student),
    perceptual: await loadOnlinePerceptual(context, online),
    size: recipe.data.size,
    ema: config.ema > 0,
    seed: recipe.seed,
  });
  const common = await stageTraining(context, {
    ...{ stage: 'teach', program, config },
    settings: {
      ...flatSettings('teacher.generator', architecture),
      ...flatSettings('teacher.train', lasting(config)),
      ...flatSettings('student', recipe.student!),
      ...flatSettings('online', online),
    },
    also: { online },
  });
  const { directory, progress } = common;
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
        const pictures = await stepBatch(source, step, common);
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
