import { channelGroups } from '../../compress/groups.ts';
import { randomised, type Student } from '../../compress/student.ts';
import { formatWidths, parseWidths } from '../../compress/width-space.ts';
import { inputSymbols } from '../../ops/cost.ts';
import type { DistillConfig, Recipe } from '../../recipe/schema.ts';
import { distillShape } from '../../recipe/training.ts';
import { costModel } from '../../search/cost.ts';
import { uniformVector } from '../../search/uniform.ts';
import { flatSettings } from '../../train/changed-settings.ts';
import { formatCount } from '../../util/format.ts';
import type { RunContext } from '../context.ts';
import { readResult } from '../search/result.ts';
import { cutSupernet, loadSupernet } from '../supernet/file.ts';
import { startSupernet, supernetOrigin } from '../supernet/start.ts';
import { loadTeacher } from '../teacher.ts';
import { studentStage } from './distill.ts';

/**
 * Trains what a searched student is compared with, as many steps as `baselineSteps` says: `naive`, the
 * same widths from random weights without a teacher, and `uniform`, even widths of as many multiply-adds, cut from what the
 * supernet began with and distilled. Leaves `naive/` and `uniform/` as `distill` does.
 */
export async function searchBaselines(context: RunContext): Promise<void> {
  const { recipe, log } = context;
  if (!recipe.search || recipe.baselines.length === 0) return;
  const teacher = await loadTeacher(context);
  const { space, graph } = loadSupernet(context);
  const result = readResult(context);
  const symbols = inputSymbols(graph, { size: recipe.data.size });
  const { macs } = costModel(graph, channelGroups(graph), space, symbols);
  const chosen = parseWidths(space, result.vector);
  for (const stage of recipe.baselines) {
    const distilled = stage === 'uniform';
    const vector = distilled ? uniformVector(space, macs, macs(chosen)) : chosen;
    const config = baselineConfig(recipe, distilled && supernetOrigin(context) === 'distill');
    if (distilled) {
      const [own, wanted] = [macs(vector), macs(chosen)].map(formatCount);
      log.info(`uniform: ${formatWidths(vector)}, ${own} MACs, for ${wanted} of ${result.vector}`);
    }
    const start = async (): Promise<Student> => {
      const cut = cutSupernet(await startSupernet(context, teacher), vector);
      return distilled ? cut : { ...cut, graph: randomised(cut.graph, { ...config, seed: recipe.seed }) };
    };
    await studentStage(context, {
      stage,
      teacher,
      section: 'supernet',
      config,
      distilled,
      start,
      settings: {
        ...flatSettings('student', recipe.student!),
        [`the widths of ${stage}`]: formatWidths(vector),
        'supernet.from': recipe.supernet!.from,
      },
    });
  }
}

/**
 * How a baseline is trained: by the settings of the supernet, for the steps of everything that made the searched student, or of
 * its fine-tuning. A start from the distilled student has had its steps already.
 */
export function baselineConfig(
  {
    distill,
    supernet,
    finetune,
    baselineSteps,
  }: Pick<Recipe, 'distill' | 'supernet' | 'finetune' | 'baselineSteps'>,
  fromDistilled: boolean,
): DistillConfig {
  const own = Object.fromEntries(
    Object.keys(distillShape).map((key) => [key, supernet![key as keyof DistillConfig]]),
  ) as unknown as DistillConfig;
  if (baselineSteps === 'finetune') return { ...own, steps: finetune!.steps };
  const before = fromDistilled || !distill ? 0 : distill.steps;
  return { ...own, steps: before + supernet!.steps + (finetune?.steps ?? 0) };
}
