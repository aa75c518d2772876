import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packCondition, unpackCondition } from '../compress/pack-condition.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import { prune } from '../graph/prune.ts';
import { loadOnnx } from '../ops/import-onnx.ts';
import { type Baseline, baselines, type Stage } from '../recipe/names.ts';
import { architectureSchema } from '../recipe/networks.ts';
import type { Recipe } from '../recipe/schema.ts';
import { writeFileAtomic } from '../util/atomic.ts';
import { GanletError } from '../util/errors.ts';
import { exists } from '../util/exists.ts';
import { sha256File } from '../util/hash.ts';
import type { Card } from './card.ts';
import { describeModel, hasCard, writeCard } from './card.ts';
import type { RunContext } from './context.ts';
import { compileGenerator } from './generate.ts';
import { givenBatch } from './given.ts';
import { markStageDone, stageIsDone } from './run-directory.ts';
import { trainedSteps } from './trained-steps.ts';

/** Where the student of a recipe comes from: the last stage that makes one. */
export function studentStageOf({ finetune, search }: Pick<Recipe, 'finetune' | 'search'>): Stage {
  return finetune ? 'finetune' : search ? 'search' : 'distill';
}

/** Largest difference allowed between a network as it was trained and as it was exported, on the [−1, 1] scale. */
const tolerance = 1e-5;

/**
 * Writes the trained networks as static ONNX files with their cards, after checking that each file makes the pictures its
 * network made. Throws EXPORT_MISMATCH when they differ by more than 1e-5, EXPORT_NOTHING when nothing has been trained.
 */
export async function exportStudents(context: RunContext): Promise<void> {
  const { out, recipe } = context;
  if (!recipe.student) return;
  const last = studentStageOf(recipe);
  const made = [
    { stage: last, role: 'student' },
    ...baselines.map((role) => ({ stage: role, role })),
  ] as const;
  const present = made.filter(({ stage }) => exists(join(out, stage, 'network.onnx')));
  if (present.length === 0) {
    throw new GanletError('EXPORT_NOTHING', `${out} must hold a trained student, it has none`, {
      hint: `train it first: ganlet ${last} ${context.loaded.file} --out ${out}`,
    });
  }
  for (const { stage, role } of present) await exportOne(context, stage, role);
}

async function exportOne(
  context: RunContext,
  stage: Stage | Baseline,
  role: 'student' | Baseline,
): Promise<void> {
  const { out, log } = context;
  const from = join(stage, 'network.onnx');
  const file = `${role}.onnx`;
  const inputs = await sha256File(join(out, from));
  const target = join(out, file);
  const describe = async (network: Graph) => {
    const run = `ganlet ${stage === 'naive' || stage === 'uniform' ? 'run' : stage} ${context.loaded.file} --out ${out}`;
    const known = readNotes(join(out, stage, 'network.json'), run);
    const steps = trainedSteps(context.recipe, role);
    // Fine-tuning that did not help is not in the network.
    if (known.search && 'finetuned' in known.search && !known.search.finetuned) delete steps.finetune;
    await writeCard(target, { ...(await describeModel(context, network, target)), ...known, steps, role });
  };
  if (await stageIsDone(out, `export-${role}`, inputs)) {
    if (!(await hasCard(target))) await describe(packCondition(loadOnnx(target)));
    log.info(`export ${role}: done before, nothing changed`);
    return;
  }
  const trained = loadOnnx(join(out, from));
  const bytes = encodeOnnx(unpackCondition(prune(loadOnnx(join(out, from)))));
  await checkParity(context, trained, packCondition(loadOnnx(bytes, file)), file);
  await writeFileAtomic(target, bytes);
  await describe(trained);
  await markStageDone(out, `export-${role}`, inputs, [file]);
}

/** What the training noted of its network. Throws NOTES_INVALID where that is lost. */
function readNotes(
  path: string,
  run: string,
): Pick<Card, 'architecture' | 'training' | 'teacher' | 'search'> {
  try {
    return notes.parse(JSON.parse(readFileSync(path, 'utf8'))) as ReturnType<typeof readNotes>;
  } catch (cause) {
    throw new GanletError(
      'NOTES_INVALID',
      `${path} must be what the training wrote, it is missing or damaged`,
      {
        hint: `write it again from the last training state: ${run}`,
        cause,
      },
    );
  }
}

const notes = z.object({
  architecture: architectureSchema.optional(),
  training: z.looseObject({}),
  teacher: z.looseObject({}),
  search: z.looseObject({}).optional(),
});

/**
 * The file, run with its weights fed, must make what the trained network makes: nothing was lost on the way. As a user runs
 * it, with its weights constant, the engine picks other kernels, which round differently; that may differ a little more.
 */
async function checkParity(
  context: RunContext,
  trained: Graph,
  exported: Graph,
  file: string,
): Promise<void> {
  const source = await context.source();
  const { size } = context.recipe.data;
  const indices = Array.from({ length: Math.min(4, source.counts.train) }, (_, i) => i);
  const { condition, latent } = await givenBatch(source, trained, 'train', indices);
  const numbers = (tensor: Tensor | undefined) => tensor?.data as Float32Array | undefined;
  const pictures = async (network: Graph, replaceable: boolean) => {
    const generator = await compileGenerator(network, size, context.backend, { replaceable });
    try {
      return await generator.generate(numbers(condition) ?? new Float32Array(0), numbers(latent));
    } finally {
      await generator.dispose();
    }
  };
  const before = await pictures(trained, true);
  for (const [replaceable, allowed] of [
    [true, tolerance],
    [false, 100 * tolerance],
  ] as const) {
    const after = await pictures(exported, replaceable);
    const worst = before.reduce((most, x, i) => Math.max(most, Math.abs(x - after[i]!)), 0);
    if (!(worst <= allowed)) {
      throw new GanletError(
        'EXPORT_MISMATCH',
        `${file} must make the pictures of the trained network to ${allowed}, they differ by ${worst}`,
      );
    }
    context.log.debug(`${file}: differs from the trained network by at most ${worst.toExponential(1)}`);
  }
}
