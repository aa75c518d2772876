import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Graph } from '../graph/graph.ts';
import { loadOnnx } from '../ops/import-onnx.ts';
import { GanletError } from '../util/errors.ts';
import { sha256File } from '../util/hash.ts';
import type { Card } from './card.ts';
import { readCard } from './card.ts';
import type { RunContext } from './context.ts';

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

/** Loads the teacher. Throws TEACHER_MISSING before it has been trained, and what `loadOnnx` throws. */
export async function loadTeacher(context: RunContext): Promise<Teacher> {
  const file = teacherFile(context);
  if (!existsSync(file)) {
    throw new GanletError('TEACHER_MISSING', `the teacher must be at ${file}, there is none`, {
      hint: `train it first: ganlet teach ${context.loaded.file}`,
    });
  }
  const graph = await loadOnnx(file);
  const { size, channels } = await context.source();
  const [condition] = graph.inputs;
  if (graph.inputs.length !== 1 || condition!.shape.length !== 4 || condition!.dtype !== 'float32') {
    throw new GanletError(
      'TEACHER_UNFIT',
      `a teacher must take one float32 picture [batch, channels, height, width], ${file} takes ${describeInputs(graph)}`,
    );
  }
  const wanted = [channels.condition, size, size];
  const unfit = condition!.shape.slice(1).some((d, i) => typeof d === 'number' && d !== wanted[i]);
  if (unfit) {
    throw new GanletError(
      'TEACHER_UNFIT',
      `the teacher must take pictures of ${wanted.join(' × ')}, ${file} takes ${condition!.shape.slice(1).join(' × ')}`,
      {
        hint: 'set data.size and data.channels to what the teacher takes',
      },
    );
  }
  return { file, graph, card: readCard(file), sha256: await sha256File(file) };
}

function describeInputs(graph: Graph): string {
  return graph.inputs.map((v) => `"${v.name}" ${v.dtype} [${v.shape.join(', ')}]`).join(', ') || 'nothing';
}

/** The discriminator that was trained with the teacher, where it is kept beside it. */
export function teacherDiscriminator(teacher: string): string | undefined {
  const file = join(dirname(teacher), 'discriminator.onnx');
  return existsSync(file) ? file : undefined;
}
