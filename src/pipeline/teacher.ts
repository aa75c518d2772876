import { basename, dirname, join } from 'node:path';
import { makeBatch } from '../data/batch.ts';
import type { Graph } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { exists } from '../util/exists.ts';
import { sha256File } from '../util/hash.ts';
import { rng } from '../util/rng.ts';
import type { Card } from './card.ts';
import { loadGenerator, needCard } from './card.ts';
import { checkGenerator } from './check/generator.ts';
import type { RunContext } from './context.ts';
import { compileGenerator } from './generate.ts';
import { pictureLatents } from './given.ts';

export interface Teacher {
  file: string;
  graph: Graph;
  card: Card | undefined;
  sha256: string;
}

/** The teacher's file: the recipe's, or the one this run trains. */
export function teacherFile({ recipe, out }: Pick<RunContext, 'recipe' | 'out'>): string {
  return 'model' in recipe.teacher ? recipe.teacher.model : join(out, 'teacher.onnx');
}

/**
 * Loads the teacher, in the form of our own networks where its card declares another. Throws TEACHER_MISSING before it has been
 * trained, TEACHER_UNFIT for a fixed batch, and what `loadGenerator`, `checkGenerator` and `needCard` throw.
 */
export async function loadTeacher(context: RunContext): Promise<Teacher> {
  const file = teacherFile(context);
  if (!exists(file)) {
    throw new GanletError('TEACHER_MISSING', `the teacher must be at ${file}, there is none`, {
      hint: `train it first: ganlet teach ${context.loaded.file} --out ${context.out}`,
    });
  }
  const sha256 = await sha256File(file);
  const card = needCard(file, sha256);
  const graph = loadGenerator(file, card);
  checkGenerator(graph, file, await context.source());
  if (graph.inputs.some(({ shape }) => typeof shape[0] === 'number')) {
    throw new GanletError(
      'TEACHER_UNFIT',
      `the teacher ${file} must take any number of pictures at a time, it takes exactly 1`,
      { hint: 'export it with an open batch axis (dynamic_axes in PyTorch)' },
    );
  }
  return { file, graph, card, sha256 };
}

/** Pictures of the training split on which a teacher is tried before it is learned from. */
const tried = 4;

/**
 * Throws TEACHER_UNFIT for a teacher whose pictures are not finite or lie far outside of [−1, 1]; warns when they fill only a
 * part of it that the data's pictures exceed, as those of a network made for [0, 1] do.
 */
export async function tryTeacher(
  context: Pick<RunContext, 'source' | 'backend' | 'log'>,
  { file, graph }: Pick<Teacher, 'file' | 'graph'>,
): Promise<void> {
  const source = await context.source();
  const indices = Array.from({ length: Math.min(tried, source.counts.train) }, (_, i) => i);
  const { condition, image } = await makeBatch(source, 'train', indices, {}, rng(0, 'unused'));
  const making = await compileGenerator(graph, source.size, context.backend);
  const latents = pictureLatents(graph, 'train', indices);
  const pictures = await making.generate(condition, latents).finally(() => making.dispose());
  const [low, high] = extremes(pictures);
  const found = `[${low.toPrecision(3)}, ${high.toPrecision(3)}]`;
  if (!pictures.every(Number.isFinite)) {
    throw new GanletError('TEACHER_UNFIT', `the teacher ${file} must make finite pictures, it does not`, {
      hint: 'its training diverged, or the file is damaged',
    });
  }
  if (low < -2 || high > 2) {
    throw new GanletError(
      'TEACHER_UNFIT',
      `the teacher ${file} must make pictures in [−1, 1], it makes values in ${found}`,
      { hint: 'add what brings them there to the network before it is exported, as x / 127.5 − 1' },
    );
  }
  if (low > -0.1 && extremes(image)[0] < -0.5) {
    context.log.warn(
      `the pictures of the teacher lie in ${found}, those of the data in [−1, 1]: a teacher made for [0, 1] must be exported with 2x − 1 at its end`,
    );
  }
}

function extremes(values: Float32Array): [low: number, high: number] {
  return values.reduce<[number, number]>(
    ([low, high], x) => [Math.min(low, x), Math.max(high, x)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

/** The discriminator that was trained with the teacher, where it is kept beside it: that of `teacher-reverse.onnx` is called likewise. */
export function teacherDiscriminator(teacher: string): string | undefined {
  const reverse = basename(teacher) === 'teacher-reverse.onnx';
  const file = join(dirname(teacher), reverse ? 'discriminator-reverse.onnx' : 'discriminator.onnx');
  return exists(file) ? file : undefined;
}
