import type { Feeds } from '../../backend/backend.ts';
import { foldBatchNorm } from '../../compress/fold-batch-norm.ts';
import { proposeTaps } from '../../compress/taps.ts';
import { hasTruth, type Source } from '../../data/source.ts';
import type { Graph } from '../../graph/graph.ts';
import { generatorInputs, latentSize } from '../../models/generator-inputs.ts';
import { inputSymbols } from '../../ops/cost.ts';
import { loadOnnx } from '../../ops/import-onnx.ts';
import { lasting } from '../../recipe/lasting.ts';
import type { DistillConfig } from '../../recipe/schema.ts';
import type { Settings } from '../../train/changed-settings.ts';
import { flatSettings } from '../../train/changed-settings.ts';
import type { Distillation } from '../../train/distillation.ts';
import { cacheBudget, cacheBytes } from '../../train/teacher-cache.ts';
import { withWeights } from '../../train/trained-network.ts';
import { GanletError } from '../../util/errors.ts';
import { formatBytes } from '../../util/format.ts';
import { rng } from '../../util/rng.ts';
import { checkDiscriminator, judgedInputs } from '../check/discriminator.ts';
import type { RunContext } from '../context.ts';
import { givenBatch } from '../given.ts';
import type { Teacher } from '../teacher.ts';
import { teacherDiscriminator } from '../teacher.ts';
import { startedEncoder } from './encoder.ts';
import { trainGenerator } from './generator.ts';
import { recalibrated } from './recalibrated.ts';
import { startedDiscriminator } from './started.ts';

export interface StudentTraining {
  /** Folder inside the run, and label of the progress display. */
  stage: string;
  /** The section of the recipe that `config` is from, for messages. */
  section: string;
  teacher: Teacher;
  /** The student as it starts; its weights are replaced. */
  student: Graph;
  discriminator: Graph;
  config: DistillConfig;
  /** False for a student that learns from the true pictures alone. */
  distilled: boolean;
  /** What the start depends on, by the names in the recipe. */
  settings: Settings;
}

/** Trains a student of a fixed width against its teacher as a stage of a run, and gives it with its trained weights and statistics of them. */
export async function trainStudent(context: RunContext, training: StudentTraining): Promise<Graph> {
  const { stage, section, teacher, student, discriminator, config, distilled, settings } = training;
  const source = await context.source();
  const distillation = distilled
    ? await planDistillation(context, teacher, student, config, source.counts.train)
    : undefined;
  const encoder = distilled ? undefined : await startedEncoder(context, config);
  // Without a teacher, images that are not those of the conditions, or of the vectors, only show what images look like.
  const drawn = latentSize(student) > 0 && !encoder;
  const compared = distilled || (hasTruth(source, 'train') && !drawn);
  const alone = compared ? {} : { lambdaRecon: 0, lambdaPerceptual: 0, ...(drawn && { lambdaFeature: 0 }) };
  const state = await trainGenerator(context, {
    stage,
    generator: student,
    discriminator,
    config: { ...config, ...alone },
    settings: {
      'the teacher': teacher.sha256,
      ...settings,
      ...flatSettings(section, lasting(config)),
    },
    ...(distillation && { distillation }),
    encoder,
  });
  return recalibrated(context, withWeights(student, state, 'g', { ema: config.ema > 0 }));
}

/** Training pictures on which the importance of channels is measured. */
const calibrationPictures = 16;

/** Some pictures of the training split, as a generator is fed. */
export async function calibrationFeeds(
  { recipe, source: open }: RunContext,
  generator: Graph,
): Promise<Feeds> {
  const source = await open();
  const count = Math.min(calibrationPictures, source.counts.train);
  const order = rng(recipe.seed, 'calibration').shuffle(
    Array.from({ length: source.counts.train }, (_, i) => i),
  );
  const { condition, latent } = generatorInputs(generator);
  const given = await givenBatch(source, generator, 'train', order.slice(0, count));
  return {
    ...(condition && given.condition && { [condition.name]: given.condition }),
    ...(latent && given.latent && { [latent.name]: given.latent }),
  };
}

/**
 * The discriminator a student begins with: the one trained with the teacher, as `initDiscriminator` says, or a random one. `own`
 * is one from an earlier stage of the run, which `auto` prefers. Throws DISCRIMINATOR_MISSING, DISCRIMINATOR_UNFIT.
 */
export async function startDiscriminator(
  { recipe, source }: RunContext,
  teacher: Teacher,
  section: string,
  config: Pick<DistillConfig, 'init' | 'initGain' | 'initDiscriminator'>,
  own?: string,
): Promise<Graph> {
  const data = await source();
  const wanted = config.initDiscriminator;
  const taught = wanted === 'random' ? undefined : teacherDiscriminator(teacher.file);
  const file = wanted === 'auto' ? (own ?? taught) : taught;
  if (file) {
    const graph = loadOnnx(file);
    checkDiscriminator(graph, file, data);
    return graph;
  }
  if (wanted === 'teacher') {
    throw new GanletError(
      'DISCRIMINATOR_MISSING',
      `${section}.initDiscriminator teacher needs discriminator.onnx beside ${teacher.file}, there is none`,
      { hint: `set ${section}.initDiscriminator to random, or train the teacher in this run` },
    );
  }
  return startedDiscriminator({ recipe }, config, judgedInputs(data), recipe.seed + 1);
}

/** What of the teacher a student is compared with, and whether the teacher's side is kept in memory. */
export async function planDistillation(
  { recipe, log, source }: RunContext,
  teacher: Teacher,
  student: Graph,
  config: DistillConfig,
  pictures: number,
): Promise<Distillation> {
  const latent = latentSize(teacher.graph);
  const target = reconTarget(config, await source(), latent);
  const chosen = config.taps ?? teacher.card?.taps;
  const symbols = inputSymbols(student, { size: recipe.data.size });
  const taps = config.distill === 'none' ? [] : (chosen ?? proposeTaps(student, symbols));
  const plan: Distillation = {
    teacher: foldBatchNorm(teacher.graph, taps),
    distill: config.distill,
    lambdaDistill: config.lambdaDistill,
    taps: taps.map((tap) => ({ teacher: tap, student: tap })),
    reconTarget: target,
    cached: false,
  };
  const repeats = recipe.data.jitter === 0 && latent === 0;
  if (config.cacheTeacher === false || !repeats) return plan;
  const bytes = cacheBytes(plan, recipe.data.size, pictures, recipe.data.flip);
  const cached = bytes > 0 && (config.cacheTeacher === true || bytes <= cacheBudget);
  if (bytes > 0)
    log.debug(
      `teacher activations take ${formatBytes(bytes)}: ${cached ? 'kept in memory' : 'computed at every step'}`,
    );
  return { ...plan, cached };
}

/**
 * What the reconstruction compares with: `auto` is the truth where the data has one. What a latent vector should give, no data
 * tells: then it is the teacher's picture for the same vector.
 */
export function reconTarget(
  { reconTarget }: Pick<DistillConfig, 'reconTarget'>,
  source: Pick<Source, 'truth' | 'unpaired'>,
  latent: number,
): 'truth' | 'teacher' {
  if (reconTarget !== 'auto') return reconTarget;
  return hasTruth(source, 'train') && latent === 0 ? 'truth' : 'teacher';
}
