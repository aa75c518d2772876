import { join } from 'node:path';
import { widthFeeds } from '../../compress/elastic.ts';
import { channelGroups } from '../../compress/groups.ts';
import { formatWidths, spaceSize, type WidthVector } from '../../compress/width-space.ts';
import type { Graph } from '../../graph/graph.ts';
import { encodeOnnx } from '../../graph/onnx.ts';
import { countMacs, inputSymbols } from '../../ops/cost.ts';
import { lasting } from '../../recipe/lasting.ts';
import { limitsOf } from '../../search/budget.ts';
import { costModel } from '../../search/cost.ts';
import { flatSettings } from '../../train/changed-settings.ts';
import { drawNearBudget } from '../../train/near-budget.ts';
import { withWeights } from '../../train/trained-network.ts';
import { drawWidths } from '../../train/width-sampling.ts';
import { writeFileAtomic, writeJsonAtomic } from '../../util/atomic.ts';
import { exists } from '../../util/exists.ts';
import { formatCount } from '../../util/format.ts';
import { sha256File, sha256Json } from '../../util/hash.ts';
import type { RunContext } from '../context.ts';
import { markStageDone, stageIsDone } from '../run-directory.ts';
import { searchIndices } from '../search/split.ts';
import { loadTeacher, tryTeacher } from '../teacher.ts';
import { trainGenerator } from '../train/generator.ts';
import { recalibrated } from '../train/recalibrated.ts';
import { planDistillation, startDiscriminator } from '../train/student.ts';
import { type Supernet, supernetSettings } from './file.ts';
import { supernetProbe } from './probe.ts';
import { startSupernet, supernetOrigin } from './start.ts';

/**
 * Trains all widths of the student together (once-for-all training, Li et al. 2020, §3.2): each step at widths of its own, the
 * weights shared. A part of the training split stays unseen, for the search. Leaves in `supernet/` the whole network with its
 * channels sorted (`network.onnx`), what may be cut from it (`network.json`) and the discriminator.
 */
export async function supernet(context: RunContext): Promise<void> {
  const { recipe, out, log } = context;
  const config = recipe.supernet;
  if (!recipe.student || !config) return;
  const teacher = await loadTeacher(context);
  const source = await context.source();
  const origin = supernetOrigin(context);
  const distilled = join(out, 'distill', 'network.onnx');
  const startedFrom = origin === 'distill' && exists(distilled) ? await sha256File(distilled) : origin;
  const inputs = sha256Json({
    teacher: teacher.sha256,
    start: startedFrom,
    student: recipe.student,
    config: lasting(config),
    ...(config.sampling === 'budget' && { budget: recipe.search?.budget }),
    discriminator: recipe.discriminator,
    data: source.hash,
    flip: recipe.data.flip,
    jitter: recipe.data.jitter,
    seed: recipe.seed,
  });
  if (await stageIsDone(out, 'supernet', inputs)) {
    log.info('supernet: done before, nothing changed');
    return;
  }
  await tryTeacher(context, teacher);
  const start = await startSupernet(context, teacher);
  log.info(
    `supernet: ${formatCount(spaceSize(start.space))} width vectors, starts from ${startName[origin]}`,
  );
  const split = searchIndices(recipe, source.counts);
  const discriminator = await startDiscriminator(context, teacher, 'supernet', config);
  const draw = widthsOfSteps(context, start, teacher.graph);
  const probe = await supernetProbe(context, start, teacher.graph, split.search.slice(0, config.probe));
  try {
    const state = await trainGenerator(context, {
      stage: 'supernet',
      generator: start.graph,
      discriminator,
      config,
      settings: {
        'the teacher': teacher.sha256,
        'the network it starts from': startedFrom,
        ...flatSettings('student', recipe.student),
        ...flatSettings('supernet', lasting(config)),
        ...(config.sampling === 'budget' && flatSettings('search.budget', recipe.search!.budget!)),
      },
      distillation: await planDistillation(context, teacher, start.graph, config, split.train.length),
      elastic: {
        elastic: { space: start.space, sandwich: config.sampling === 'sandwich', drift: config.drift },
        widths: (step) => widthFeeds(start.space, draw(step)),
      },
      pictures: split.train,
      probe: probe.measure,
      show: probe.show,
    });
    withWeights(start.graph, state, 'g', { ema: config.ema > 0 });
    withWeights(discriminator, state, 'd');
  } finally {
    await probe.dispose();
  }
  const files = ['network.onnx', 'network.json', 'discriminator.onnx'].map((name) => `supernet/${name}`);
  await writeFileAtomic(join(out, files[0]!), encodeOnnx(await recalibrated(context, start.graph)));
  await writeJsonAtomic(join(out, files[1]!), {
    architecture: start.architecture,
    space: start.space,
    probed: Object.fromEntries(
      Object.entries(probe.vectors).map(([name, vector]) => [name, formatWidths(vector)]),
    ),
    from: origin,
    training: config,
    settings: supernetSettings(recipe),
    teacher: { sha256: teacher.sha256, macs: teacher.card?.macs?.true },
  });
  await writeFileAtomic(join(out, files[2]!), encodeOnnx(discriminator));
  await markStageDone(out, 'supernet', inputs, files);
}

const startName = {
  distill: 'the distilled student',
  teacher: 'the teacher',
  random: 'random weights',
} as const;

/** The widths of each step, as `supernet.sampling` says; those of `budget` cost what a search would allow. */
function widthsOfSteps(
  { recipe: { supernet, search, seed, data } }: RunContext,
  { graph, space }: Supernet,
  teacher: Graph,
): (step: number) => WidthVector {
  const { sampling, samplingRatio: ratio } = supernet!;
  if (sampling === 'budget') {
    const symbols = inputSymbols(graph, { size: data.size });
    const costs = costModel(graph, channelGroups(graph), space, symbols);
    const teacherMacs = countMacs(teacher, inputSymbols(teacher, { size: data.size })).true;
    const limits = limitsOf(search!.budget!, { costs, teacherMacs });
    return (step) => drawNearBudget(space, limits, seed, step);
  }
  const weighting = sampling === 'sandwich' ? 'uniform' : sampling;
  return (step) => drawWidths(space, { weighting, ratio, seed }, step);
}
