import { join } from 'node:path';
import type { Feeds } from '../backend/backend.ts';
import { depthwiseStatistics, meanActivations } from '../compress/calibrate.ts';
import type { Student } from '../compress/student.ts';
import { makeStudent } from '../compress/student.ts';
import { makeBatch } from '../data/batch.ts';
import type { Graph } from '../graph/graph.ts';
import { float32 } from '../graph/graph.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import { buildDiscriminator, distillTaps } from '../models/generator.ts';
import { initialise } from '../models/init.ts';
import { loadOnnx } from '../ops/import-onnx.ts';
import type { DistillConfig } from '../recipe/schema.ts';
import { flatSettings } from '../train/changed-settings.ts';
import type { Distillation } from '../train/distillation.ts';
import { cacheBudget, cacheBytes } from '../train/teacher-cache.ts';
import { withWeights } from '../train/trained-network.ts';
import { writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import { GanletError } from '../util/errors.ts';
import { formatBytes } from '../util/format.ts';
import { sha256Json } from '../util/hash.ts';
import { rng } from '../util/rng.ts';
import { checkDiscriminator } from './check-discriminator.ts';
import type { RunContext } from './context.ts';
import { markStageDone, stageIsDone } from './run-directory.ts';
import type { Teacher } from './teacher.ts';
import { loadTeacher, teacherDiscriminator, tryTeacher } from './teacher.ts';
import { trainGenerator } from './train-generator.ts';

/**
 * Trains the student against its teacher (Li et al. 2020, §3.1: reconstruction, inner features, conditional GAN), and the
 * baselines the recipe asks for. Leaves `distill/network.onnx`, `naive/network.onnx` and what is known of them.
 */
export async function distill(context: RunContext): Promise<void> {
  const { recipe } = context;
  if (!recipe.student || !recipe.distill) return;
  const teacher = await loadTeacher(context);
  await trainStudent(context, teacher, 'distill', recipe.distill);
  for (const baseline of recipe.baselines) await trainStudent(context, teacher, baseline, recipe.distill);
}

/** Training pictures on which the importance of channels is measured. */
const calibrationPictures = 16;

/** The student as it starts: cut from the teacher, or random for the naive baseline, which has no teacher. */
async function startStudent(
  context: RunContext,
  { graph, card }: Teacher,
  stage: 'distill' | 'naive',
): Promise<Student> {
  const { recipe, backend } = context;
  const { init, initGain } = recipe.distill!;
  const student = stage === 'naive' ? { ...recipe.student!, initFrom: 'random' as const } : recipe.student!;
  const feeds = student.initFrom === 'teacher' ? await calibrationFeeds(context, graph) : undefined;
  return makeStudent({
    teacher: graph,
    ...(card?.architecture && { architecture: card.architecture }),
    student,
    size: recipe.data.size,
    seed: recipe.seed,
    init,
    initGain,
    ...(feeds && {
      activations: await meanActivations(graph, feeds, { backend }),
      statistics: await depthwiseStatistics(graph, feeds, { backend }),
    }),
  });
}

async function calibrationFeeds({ recipe, source: open }: RunContext, teacher: Graph): Promise<Feeds> {
  const source = await open();
  const count = Math.min(calibrationPictures, source.counts.train);
  const order = rng(recipe.seed, 'calibration').shuffle(
    Array.from({ length: source.counts.train }, (_, i) => i),
  );
  const { condition } = await makeBatch(source, 'train', order.slice(0, count), {}, rng(0, 'calibration'));
  const shape = [count, source.channels.condition, source.size, source.size];
  return { [teacher.inputs[0]!.name]: float32(shape, condition) };
}

async function trainStudent(
  context: RunContext,
  teacher: Teacher,
  stage: 'distill' | 'naive',
  config: DistillConfig,
): Promise<void> {
  const { recipe, out, log } = context;
  const source = await context.source();
  const inputs = sha256Json({
    stage,
    teacher: teacher.sha256,
    student: recipe.student,
    config: { ...config, checkpointSeconds: 0 },
    discriminator: recipe.discriminator,
    data: source.hash,
    flip: recipe.data.flip,
    jitter: recipe.data.jitter,
    seed: recipe.seed,
  });
  if (await stageIsDone(out, stage, inputs)) {
    log.info(`${stage}: done before, nothing changed`);
    return;
  }
  if (stage === 'distill') await tryTeacher(context, teacher);
  const student = await startStudent(context, teacher, stage);
  const discriminator = await startDiscriminator(context, teacher, stage, config);
  const distillation =
    stage === 'naive'
      ? undefined
      : planDistillation(context, teacher, student.graph, config, source.counts.train);
  const state = await trainGenerator(context, {
    stage,
    generator: student.graph,
    discriminator,
    config,
    settings: {
      'the teacher': teacher.sha256,
      ...flatSettings('student', recipe.student!),
      ...flatSettings('distill', { ...config, checkpointSeconds: undefined }),
    },
    ...(distillation && { distillation }),
  });
  const network = withWeights(student.graph, state, 'g', { ema: config.ema > 0 });
  await writeFileAtomic(join(out, stage, 'network.onnx'), encodeOnnx(network));
  await writeJsonAtomic(join(out, stage, 'network.json'), {
    architecture: student.architecture,
    training: stage === 'naive' ? { ...config, distill: 'none', lambdaDistill: 0 } : config,
    teacher: { sha256: teacher.sha256, macs: teacher.card?.macs?.true },
  });
  await markStageDone(out, stage, inputs, [`${stage}/network.onnx`, `${stage}/network.json`]);
}

async function startDiscriminator(
  { recipe, source }: RunContext,
  teacher: Teacher,
  stage: string,
  config: DistillConfig,
): Promise<Graph> {
  const { channels } = await source();
  const file =
    stage === 'naive' || config.initDiscriminator === 'random'
      ? undefined
      : teacherDiscriminator(teacher.file);
  if (!file && config.initDiscriminator === 'teacher' && stage !== 'naive') {
    throw new GanletError(
      'DISCRIMINATOR_MISSING',
      `distill.initDiscriminator teacher needs discriminator.onnx beside ${teacher.file}, there is none`,
      {
        hint: 'set distill.initDiscriminator to random, or train the teacher in this run',
      },
    );
  }
  if (file) {
    const graph = loadOnnx(file);
    checkDiscriminator(graph, file, recipe.data.size, channels);
    return graph;
  }
  const built = buildDiscriminator(
    recipe.discriminator,
    recipe.data.size,
    channels.condition + channels.image,
  );
  return initialise(built, { init: config.init, gain: config.initGain, seed: recipe.seed + 1 });
}

function planDistillation(
  { recipe, log }: RunContext,
  teacher: Teacher,
  student: Graph,
  config: DistillConfig,
  pictures: number,
): Distillation {
  const taps = config.distill === 'none' ? [] : (config.taps ?? teacher.card?.taps ?? distillTaps(student));
  const plan: Distillation = {
    teacher: teacher.graph,
    distill: config.distill,
    lambdaDistill: config.lambdaDistill,
    taps: taps.map((tap) => ({ teacher: tap, student: tap })),
    reconTarget: config.reconTarget === 'teacher' ? 'teacher' : 'truth',
    cached: false,
  };
  if (config.cacheTeacher === false || recipe.data.jitter > 0) return plan;
  const bytes = cacheBytes(plan, recipe.data.size, pictures, recipe.data.flip);
  const cached = bytes > 0 && (config.cacheTeacher === true || bytes <= cacheBudget);
  if (bytes > 0)
    log.debug(
      `teacher activations take ${formatBytes(bytes)}: ${cached ? 'kept in memory' : 'computed at every step'}`,
    );
  return { ...plan, cached };
}
