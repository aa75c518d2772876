import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBatch } from '../data/batch.ts';
import type { Graph } from '../graph/graph.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import { prune } from '../graph/prune.ts';
import { loadOnnx } from '../ops/import-onnx.ts';
import { writeFileAtomic } from '../util/atomic.ts';
import { GanletError } from '../util/errors.ts';
import { sha256File } from '../util/hash.ts';
import { rng } from '../util/rng.ts';
import type { Card } from './card.ts';
import { describeModel, writeCard } from './card.ts';
import type { RunContext } from './context.ts';
import { compileGenerator } from './generate.ts';
import { markStageDone, stageIsDone } from './run-directory.ts';

/** What the toolkit calls a trained network, and the file it is exported to. */
const exports = [
  { stage: 'distill', role: 'student', file: 'student.onnx' },
  { stage: 'naive', role: 'naive', file: 'naive.onnx' },
] as const;

/** Largest difference allowed between a network as it was trained and as it was exported, on the [−1, 1] scale. */
const tolerance = 1e-5;

/**
 * Writes the trained networks as static ONNX files with their cards, after checking that each file makes the pictures its
 * network made: the network is run in the form in which it is trained, weights fed, against the file as a user loads it.
 * Throws EXPORT_MISMATCH when they differ by more than 1e-5, EXPORT_NOTHING when nothing has been trained.
 */
export async function exportStudents(context: RunContext): Promise<void> {
  const { out, recipe } = context;
  if (!recipe.student) return;
  const present = exports.filter(({ stage }) => existsSync(join(out, stage, 'network.onnx')));
  if (present.length === 0) {
    throw new GanletError('EXPORT_NOTHING', `${out} must hold a trained student, it has none`, {
      hint: `train it first: ganlet distill ${context.loaded.file}`,
    });
  }
  for (const { stage, role, file } of present)
    await exportOne(context, join(stage, 'network.onnx'), role, file);
}

async function exportOne(context: RunContext, from: string, role: Card['role'], file: string): Promise<void> {
  const { out, log } = context;
  const inputs = await sha256File(join(out, from));
  if (await stageIsDone(out, `export-${role}`, inputs)) {
    log.info(`export ${role}: done before, nothing changed`);
    return;
  }
  const trained = await loadOnnx(join(out, from));
  const target = join(out, file);
  const bytes = encodeOnnx(prune(await loadOnnx(join(out, from))));
  await checkParity(context, trained, await loadOnnx(bytes, file), file);
  await writeFileAtomic(target, bytes);
  const known = JSON.parse(readFileSync(join(out, from.replace('.onnx', '.json')), 'utf8')) as Partial<Card>;
  await writeCard(target, { ...(await describeModel(context, trained, target)), ...known, role });
  await markStageDone(out, `export-${role}`, inputs, [file]);
}

async function checkParity(
  context: RunContext,
  trained: Graph,
  exported: Graph,
  file: string,
): Promise<void> {
  const source = await context.source();
  const { size } = context.recipe.data;
  const count = Math.min(4, source.counts.train);
  const { condition } = await makeBatch(
    source,
    'train',
    Array.from({ length: count }, (_, i) => i),
    {},
    rng(0, 'parity'),
  );
  const before = await compileGenerator(trained, size, context.backend, { replaceable: true });
  const after = await compileGenerator(exported, size, context.backend);
  const [a, b] = [await before.generate(condition), await after.generate(condition)];
  await before.dispose();
  await after.dispose();
  const worst = a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
  if (!(worst <= tolerance)) {
    throw new GanletError(
      'EXPORT_MISMATCH',
      `${file} must make the pictures of the trained network to ${tolerance}, they differ by ${worst}`,
    );
  }
  context.log.debug(`${file}: differs from the trained network by at most ${worst.toExponential(1)}`);
}
