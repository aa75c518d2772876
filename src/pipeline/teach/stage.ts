import { join } from 'node:path';
import type { Graph } from '../../graph/graph.ts';
import { encodeOnnx } from '../../graph/onnx.ts';
import { distillTaps } from '../../models/generator.ts';
import { loadOnnx } from '../../ops/import-onnx.ts';
import { lasting } from '../../recipe/lasting.ts';
import { writeFileAtomic } from '../../util/atomic.ts';
import { sha256Json } from '../../util/hash.ts';
import { type Card, describeModel, hasCard, writeCard } from '../card.ts';
import type { RunContext } from '../context.ts';
import { markStageDone, stageIsDone } from '../run-directory.ts';
import { recalibrated } from '../train/recalibrated.ts';
import type { BuiltTeacher } from './training.ts';

/** What is particular to one way of training teachers. */
export interface TeachStage {
  /** What the result depends on besides the recipe's teacher and discriminator, the data and the seed. */
  depends?: object;
  /** Settings of the training, for the cards. */
  training: object;
  /** The generators that are left, by file, with what their cards say besides. */
  generators: Readonly<Record<string, Pick<Card, 'reverse'>>>;
  train(): Promise<Taught>;
}

/** What a training leaves. */
export interface Taught {
  /** Networks as they are written (see `finishedNetwork`), by file. */
  networks: Readonly<Record<string, Graph>>;
  /** Writes what else there is, once these are written, and gives the names of the files. */
  more?(): Promise<readonly string[]>;
}

/**
 * The stage `teach`: trains, writes the networks and a card beside each generator. Done before with the same settings, it only
 * writes cards that are missing or damaged.
 */
export async function teachStage(
  context: RunContext,
  teacher: BuiltTeacher,
  { depends, training, generators, train }: TeachStage,
): Promise<void> {
  const { recipe, out, log } = context;
  const { hash } = await context.source();
  const inputs = sha256Json({
    ...depends,
    teacher: { ...teacher, train: lasting(teacher.train) },
    discriminator: recipe.discriminator,
    data: hash,
    flip: recipe.data.flip,
    jitter: recipe.data.jitter,
    seed: recipe.seed,
  });
  const describe = async (name: string, generator: Graph) => {
    const file = join(out, name);
    const { generator: architecture, train } = teacher;
    await writeCard(file, {
      ...(await describeModel(context, generator, file)),
      role: 'teacher',
      ...generators[name],
      architecture,
      taps: distillTaps(generator, architecture.type),
      training,
      steps: { teach: train.steps },
    });
  };
  if (await stageIsDone(out, 'teach', inputs)) {
    for (const name of Object.keys(generators)) {
      const file = join(out, name);
      if (!(await hasCard(file))) await describe(name, loadOnnx(file));
    }
    log.info('teach: done before, nothing changed');
    return;
  }
  const { networks: trained, more } = await train();
  const networks = { ...trained };
  for (const [name, { reverse = false }] of Object.entries(generators))
    networks[name] = await recalibrated(context, trained[name]!, { reverse });
  for (const [name, network] of Object.entries(networks))
    await writeFileAtomic(join(out, name), encodeOnnx(network));
  for (const name of Object.keys(generators)) await describe(name, networks[name]!);
  const files = [...Object.keys(networks), ...((await more?.()) ?? [])];
  await markStageDone(out, 'teach', inputs, files);
}
