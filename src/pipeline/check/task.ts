import { separationOf } from '../../compress/separation.ts';
import { hasTruth } from '../../data/source.ts';
import { latentSize } from '../../models/generator-inputs.ts';
import type { Stage } from '../../recipe/names.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';
import type { RunContext } from '../context.ts';
import { segmentationMetrics, tellsLabels } from '../measure/segmentation.ts';
import { varietyMetrics } from '../measure/variety.ts';
import { plannedTeacher } from '../planned-teacher.ts';
import { teacherFile } from '../teacher.ts';
import { checkGenerator } from './generator.ts';

const trainings: readonly Stage[] = ['teach', 'distill', 'supernet', 'search', 'finetune'];

/**
 * Before a run trains anything: the teacher must be a network for such data, and the recipe must not ask for what the two cannot
 * give. Throws MODEL_MISMATCH as `checkGenerator`, STUDENT_INVALID as `separationOf`, and RECIPE_INVALID with a line for every problem.
 */
export async function checkTask(context: RunContext, stages: readonly Stage[]): Promise<void> {
  if (!stages.some((stage) => trainings.includes(stage))) return;
  const { recipe, loaded } = context;
  const source = await context.source();
  const planned = await plannedTeacher(context, source.channels);
  const file = teacherFile(context);
  if (planned) checkGenerator(planned.graph, exists(file) ? file : 'teacher.generator', source);
  if (planned && recipe.student) separationOf(planned.graph, recipe.student.separable, recipe.data.size);

  const problems: string[] = [];
  const fail = (path: readonly string[], message: string) =>
    problems.push(`${loaded.locate(path)}  ${path.join('.')} ${message}`);
  const { distill, supernet, finetune, teacher, evaluate } = recipe;
  const latent = planned ? latentSize(planned.graph) : 0;
  const students = Object.entries({ distill, supernet, finetune });
  for (const [name, config] of students)
    if (config?.cacheTeacher === true && latent > 0)
      fail(
        [name, 'cacheTeacher'],
        'must be false or "auto" for a teacher with a latent vector: each step draws another',
      );
  const asked = varietyMetrics.filter((name) => evaluate.metrics.includes(name));
  if (planned && latent === 0 && asked.length > 0)
    fail(['evaluate', 'metrics'], `must do without ${asked.join(' and ')}: the teacher has no latent vector`);
  const segmented = segmentationMetrics.filter((name) => evaluate.metrics.includes(name));
  if (segmented.length > 0 && !tellsLabels(source))
    fail(
      ['evaluate', 'metrics'],
      `must do without ${segmented.join(' and ')}: the colours of the pictures of ${source.name} do not tell their labels`,
    );
  if (recipe.search?.quality === 'miou' && !tellsLabels(source))
    fail(
      ['search', 'quality'],
      `must not be "miou": the colours of the pictures of ${source.name} do not tell their labels`,
    );
  // What unpaired data cannot give is told when it is opened.
  if (!hasTruth(source, 'train') && !source.unpaired) {
    const why = `for the data source ${source.name}: its pictures are not what a condition must become`;
    const train = 'train' in teacher ? teacher.train : undefined;
    for (const key of ['lambdaRecon', 'lambdaPerceptual'] as const)
      if (train?.[key]) fail(['teacher', 'train', key], `must be 0 ${why}`);
    for (const [name, config] of students)
      if (config?.reconTarget === 'truth') fail([name, 'reconTarget'], `must be "auto" or "teacher" ${why}`);
  } else if (latent > 0) {
    const why = 'for a teacher with a latent vector: what a vector gives is known of the teacher alone';
    for (const [name, config] of students)
      if (config?.reconTarget === 'truth') fail([name, 'reconTarget'], `must be "auto" or "teacher" ${why}`);
  }
  if (problems.length === 0) return;
  throw new GanletError('RECIPE_INVALID', problems.join('\n'), {
    hint: 'change these keys; nothing has been trained yet',
  });
}
