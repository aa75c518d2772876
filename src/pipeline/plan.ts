import { join } from 'node:path';
import { largest, smallest, spaceSize } from '../compress/width-space.ts';
import type { Graph } from '../graph/graph.ts';
import { countMacs, countParameters, inputSymbols } from '../ops/cost.ts';
import type { Stage } from '../recipe/names.ts';
import type { Recipe } from '../recipe/schema.ts';
import { formatCost } from '../search/budget.ts';
import { readCheckpoint } from '../train/checkpoint.ts';
import { exists } from '../util/exists.ts';
import { formatCount } from '../util/format.ts';
import type { RunContext } from './context.ts';
import { baselineConfig } from './distill/baselines.ts';
import { plannedTeacher } from './planned-teacher.ts';
import { resultFile } from './search/result.ts';
import { cutSupernet } from './supernet/file.ts';
import { plannedSpace, plannedStudent, supernetOrigin } from './supernet/start.ts';
import { teacherFile } from './teacher.ts';

/** What a run would do, for `--dry-run`: the networks and their cost, each stage and how far it is. Reads, writes nothing. */
export async function describePlan(context: RunContext, stages: readonly Stage[]): Promise<string> {
  const { recipe, out } = context;
  const lines = [`run ${recipe.name} in ${out}`];
  const { size, source } = recipe.data;
  lines.push(`data     ${source}, ${size} px`);
  const trained = exists(teacherFile(context));
  const teacher = await plannedTeacher(context);
  const cost = (network: Graph) => {
    const { true: macs } = countMacs(network, inputSymbols(network, { size }));
    return { macs, text: `${formatCount(macs)} MACs, ${formatCount(countParameters(network))} parameters` };
  };
  const teacherCost = teacher && cost(teacher.graph);
  if (teacherCost) lines.push(`teacher  ${teacherCost.text}${trained ? '' : ', to be trained'}`);
  if (teacher && recipe.student) {
    const planned = { student: recipe.student, size };
    const student = cost(plannedStudent(planned, teacher).graph);
    lines.push(`student  ${student.text}: ${(teacherCost!.macs / student.macs).toFixed(1)}× fewer MACs`);
    if (recipe.supernet) {
      const supernet = plannedSpace({ ...planned, supernet: recipe.supernet }, teacher);
      const [most, least] = [largest, smallest].map((pick) =>
        cost(cutSupernet(supernet, pick(supernet.space)).graph),
      );
      const vectors = formatCount(spaceSize(supernet.space));
      lines.push(`supernet ${vectors} width vectors from ${least!.text} to ${most!.text}`);
    }
  }
  for (const stage of stages) lines.push(`${stage.padEnd(8)} ${describeStage(context, stage)}`);
  return `${lines.join('\n')}\n`;
}

function describeStage({ recipe, out }: RunContext, stage: Stage): string {
  const training = (folder: string, steps: number, batch: number) => {
    const done = readCheckpoint(join(out, folder))?.step ?? 0;
    const size = `${steps} steps of ${batch} (${formatCount((steps * batch) / 1000)} kimg)`;
    return done === 0 ? size : done >= steps ? `${size}, done` : `${size}, resumes at step ${done}`;
  };
  if (stage === 'teach') {
    return 'generator' in recipe.teacher
      ? training('teach', recipe.teacher.train.steps, recipe.teacher.train.batch)
      : 'nothing to do: the teacher is given';
  }
  if (!recipe.student)
    return stage === 'evaluate' || stage === 'table' ? 'the teacher' : 'nothing to do: no student';
  if (stage === 'supernet') {
    const { supernet } = recipe;
    return supernet ? training('supernet', supernet.steps, supernet.batch) : 'nothing to do: no supernet';
  }
  if (stage === 'distill') {
    if (!recipe.distill) return 'nothing to do: not asked for';
    const { steps, batch } = recipe.distill;
    return ['distill', ...(recipe.search ? [] : recipe.baselines)]
      .map((name) => `${name}: ${training(name, steps, batch)}`)
      .join('; ');
  }
  if (stage === 'search') return describeSearch(recipe, out);
  if (stage === 'finetune') {
    if (!recipe.search) return 'nothing to do: no search';
    const tuned = recipe.finetune && training('finetune', recipe.finetune.steps, recipe.finetune.batch);
    const others = recipe.baselines.map((name) => {
      const { steps, batch } = baselineConfig(
        recipe,
        name === 'uniform' && supernetOrigin({ recipe }) === 'distill',
      );
      return `${name}: ${training(name, steps, batch)}`;
    });
    return [tuned ?? 'the student stays as it was cut out', ...others].join('; ');
  }
  if (stage === 'export') return `student.onnx${recipe.baselines.map((name) => `, ${name}.onnx`).join('')}`;
  if (stage === 'evaluate')
    return `${recipe.evaluate.metrics.join(', ')} on the ${recipe.evaluate.split} split`;
  return 'table.md';
}

function describeSearch({ search }: Recipe, out: string): string {
  if (!search) return 'nothing to do: no search';
  const done = exists(resultFile(out)) ? ', a result is there' : '';
  if (search.widths !== undefined) return `the widths ${search.widths}, given by hand${done}`;
  const budget = Object.entries(search.budget ?? {}).map(
    ([name, most]) => `${name} at most ${formatCost(name, most)}`,
  );
  return `${[search.searcher, ...budget].join(', ')}, by ${search.quality ?? 'the default quality'}${done}`;
}
