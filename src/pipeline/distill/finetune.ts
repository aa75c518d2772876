import { join } from 'node:path';
import { parseWidths } from '../../compress/width-space.ts';
import type { Graph } from '../../graph/graph.ts';
import { encodeOnnx } from '../../graph/onnx.ts';
import { loadOnnx } from '../../ops/import-onnx.ts';
import { lasting } from '../../recipe/lasting.ts';
import { writeFileAtomic, writeJsonAtomic } from '../../util/atomic.ts';
import { exists } from '../../util/exists.ts';
import { sha256File, sha256Json } from '../../util/hash.ts';
import type { RunContext } from '../context.ts';
import { openScoring, type ScoredPictures } from '../measure/score-pictures.ts';
import { markStageDone, stageIsDone } from '../run-directory.ts';
import { searchMetric, searchPictures } from '../search/metric.ts';
import { readResult, summaryOf } from '../search/result.ts';
import { cutSupernet, loadSupernet } from '../supernet/file.ts';
import { loadTeacher, type Teacher, tryTeacher } from '../teacher.ts';
import { startDiscriminator, trainStudent } from '../train/student.ts';
import { searchBaselines } from './baselines.ts';

/**
 * Trains the student that a search has chosen on, by distillation on the whole training split, and keeps it as it was where
 * that did not help. Then trains the baselines the recipe compares it with. Leaves `finetune/network.onnx` and what is known of
 * it. Throws SEARCH_MISSING before there is a student.
 */
export async function finetune(context: RunContext): Promise<void> {
  if (!context.recipe.search) return;
  if (context.recipe.finetune) await finetuneStudent(context);
  await searchBaselines(context);
}

async function finetuneStudent(context: RunContext): Promise<void> {
  const { recipe, out, log } = context;
  const config = recipe.finetune!;
  const result = readResult(context);
  const supernet = loadSupernet(context);
  const teacher = await loadTeacher(context);
  const source = await context.source();
  const own = join(out, 'supernet', 'discriminator.onnx');
  const from = join(out, 'search', 'network.onnx');
  const judged = await comparedPictures(context);
  const start = await sha256File(from);
  const inputs = sha256Json({
    start,
    discriminator: exists(own) ? await sha256File(own) : recipe.discriminator,
    teacher: teacher.sha256,
    config: lasting(config),
    data: source.hash,
    flip: recipe.data.flip,
    jitter: recipe.data.jitter,
    seed: recipe.seed,
    judged,
  });
  if (await stageIsDone(out, 'finetune', inputs)) {
    log.info('finetune: done before, nothing changed');
    return;
  }
  await tryTeacher(context, teacher);
  const { architecture } = cutSupernet(supernet, parseWidths(supernet.space, result.vector));
  const tuned = await trainStudent(context, {
    stage: 'finetune',
    section: 'finetune',
    teacher,
    student: loadOnnx(from),
    discriminator: await startDiscriminator(
      context,
      teacher,
      'finetune',
      config,
      exists(own) ? own : undefined,
    ),
    config,
    distilled: true,
    settings: { 'the student that was chosen': start },
  });
  const before = loadOnnx(from);
  const scores = await compare(context, teacher, judged, [before, tuned]);
  const helped = scores.after < scores.before;
  const told = `${scores.metric} ${scores.before.toPrecision(4)} before, ${scores.after.toPrecision(4)} after, on ${judged.indices.length} pictures of ${judged.name}`;
  if (helped) log.info(`finetune: ${told}`);
  else log.warn(`fine-tuning did not help, the student stays as it was searched: ${told}`);
  await writeFileAtomic(join(out, 'finetune', 'network.onnx'), encodeOnnx(helped ? tuned : before));
  await writeJsonAtomic(join(out, 'finetune', 'network.json'), {
    architecture,
    training: helped ? config : recipe.supernet,
    teacher: { sha256: teacher.sha256, macs: teacher.card?.macs?.true },
    search: {
      ...summaryOf(result),
      finetuned: helped,
      finetuning: { ...scores, pictures: judged.indices.length, of: judged.name },
    },
  });
  const files = ['network.onnx', 'network.json'].map((name) => `finetune/${name}`);
  await markStageDone(out, 'finetune', inputs, files);
}

/**
 * What the student is compared on before and after: the validation split, of which neither has seen anything; without one, the
 * finalists' pictures, on which fine-tuning has trained too.
 */
async function comparedPictures({
  recipe,
  source: open,
}: RunContext): Promise<ScoredPictures & { name: string }> {
  const source = await open();
  const { val } = source.counts;
  if (val >= 2) {
    const count = Math.min(val, recipe.search!.pictures);
    const indices = Array.from({ length: count }, (_, i) => Math.floor((i * val) / count));
    return { split: 'val', indices, name: 'the val split' };
  }
  const { finalists } = searchPictures(recipe, source);
  return { split: 'train', indices: finalists, name: 'the train split' };
}

async function compare(
  context: RunContext,
  teacher: Teacher,
  pictures: ScoredPictures,
  [before, after]: readonly [Graph, Graph],
): Promise<{ metric: string; before: number; after: number }> {
  const { backend } = context;
  const metric = await searchMetric(context, pictures.indices.length);
  const scoring = await openScoring({
    ...metric,
    ...pictures,
    source: await context.source(),
    teacher: () => teacher.graph,
    backend,
  });
  try {
    return {
      metric: scoring.metric,
      before: await scoring.score(before),
      after: await scoring.score(after),
    };
  } finally {
    await scoring.dispose();
  }
}
