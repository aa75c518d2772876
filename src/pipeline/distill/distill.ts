import { join } from 'node:path';
import { depthwiseStatistics, meanActivations } from '../../compress/calibrate.ts';
import { separationOf } from '../../compress/separation.ts';
import type { Student } from '../../compress/student.ts';
import { makeStudent } from '../../compress/student.ts';
import { encodeOnnx } from '../../graph/onnx.ts';
import { lasting } from '../../recipe/lasting.ts';
import type { DistillConfig, StudentConfig } from '../../recipe/schema.ts';
import { flatSettings, type Settings } from '../../train/changed-settings.ts';
import { writeFileAtomic, writeJsonAtomic } from '../../util/atomic.ts';
import { sha256Json } from '../../util/hash.ts';
import type { RunContext } from '../context.ts';
import { markStageDone, stageIsDone } from '../run-directory.ts';
import { trainingFor } from '../teach/trainings.ts';
import type { Teacher } from '../teacher.ts';
import { loadTeacher, tryTeacher } from '../teacher.ts';
import { calibrationFeeds, startDiscriminator, trainStudent } from '../train/student.ts';

/**
 * Trains the student against its teacher (Li et al. 2020, §3.1: reconstruction, inner features, conditional GAN). Where no
 * search follows, trains the baselines the recipe asks for too. Leaves `distill/network.onnx` and what is known of it.
 */
export async function distill(context: RunContext): Promise<void> {
  const { recipe } = context;
  const { student, distill: config } = recipe;
  if (!student || !config) return;
  const teacher = await loadTeacher(context);
  const common = { teacher, section: 'distill', config, settings: flatSettings('student', student) };
  await studentStage(context, {
    ...common,
    stage: 'distill',
    distilled: true,
    start: () => startStudent(context, teacher, config, student),
  });
  if (recipe.search) return;
  for (const stage of recipe.baselines) {
    await studentStage(context, {
      ...common,
      stage,
      distilled: false,
      start: () => startStudent(context, teacher, config, { ...student, initFrom: 'random' }),
    });
  }
}

export interface StudentStage {
  /** Folder inside the run. */
  stage: string;
  teacher: Teacher;
  /** Makes the student as it starts. */
  start(): Promise<Student>;
  /** What that depends on besides teacher and seed, by the names in the recipe. */
  settings: Settings;
  /** The section of the recipe that `config` is from, for messages. */
  section: string;
  config: DistillConfig;
  /** False: trained on the true pictures alone, without a teacher. */
  distilled: boolean;
}

/** Trains a student of a fixed width and writes `<stage>/network.onnx` and `network.json`; skipped when done before. */
export async function studentStage(context: RunContext, options: StudentStage): Promise<void> {
  const { recipe, out, log } = context;
  const { stage, teacher, settings, section, config, distilled } = options;
  const source = await context.source();
  const naive = distilled ? undefined : trainingFor(recipe, source).naive;
  const inputs = sha256Json({
    stage,
    teacher: teacher.sha256,
    settings,
    ...naive?.depends(recipe, source),
    config: lasting(config),
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
  if (distilled) await tryTeacher(context, teacher);
  const start = await options.start();
  const fresh = distilled ? config : { ...config, initDiscriminator: 'random' as const };
  const network = naive
    ? await naive.train(context, { stage, student: start, config, settings })
    : await trainStudent(context, {
        stage,
        section,
        teacher,
        student: start.graph,
        discriminator: await startDiscriminator(context, teacher, section, fresh),
        config,
        distilled,
        settings,
      });
  await writeFileAtomic(join(out, stage, 'network.onnx'), encodeOnnx(network));
  await writeJsonAtomic(join(out, stage, 'network.json'), {
    architecture: start.architecture,
    training: distilled ? config : { ...config, distill: 'none', lambdaDistill: 0 },
    teacher: { sha256: teacher.sha256, macs: teacher.card?.macs?.true },
  });
  await markStageDone(out, stage, inputs, [`${stage}/network.onnx`, `${stage}/network.json`]);
}

/** A student as it starts: cut from the teacher, or random. */
export async function startStudent(
  context: RunContext,
  { graph, card }: Teacher,
  { init, initGain }: Pick<DistillConfig, 'init' | 'initGain'>,
  student: StudentConfig,
): Promise<Student> {
  const { recipe, backend } = context;
  const feeds = student.initFrom === 'teacher' ? await calibrationFeeds(context, graph) : undefined;
  const separation = separationOf(graph, student.separable, recipe.data.size);
  const which = typeof separation === 'function' && { which: separation };
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
      statistics: await depthwiseStatistics(graph, feeds, { backend, ...which }),
    }),
  });
}
