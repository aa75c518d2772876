import { copyGraph } from '../../compress/copy.ts';
import { randomised, type Student } from '../../compress/student.ts';
import type { Source } from '../../data/source.ts';
import type { Graph } from '../../graph/graph.ts';
import { buildGenerator } from '../../models/generator.ts';
import { type CycleConfig, resolveCycle } from '../../recipe/cycle.ts';
import type { Recipe } from '../../recipe/schema.ts';
import { withWeights } from '../../train/trained-network.ts';
import { GanletError } from '../../util/errors.ts';
import type { RunContext } from '../context.ts';
import type { NaiveStudent } from '../teach/training.ts';
import { trainCycle } from '../train/cycle.ts';
import { recalibrated } from '../train/recalibrated.ts';
import { startedDiscriminator } from '../train/started.ts';

/** The settings of a run's CycleGAN, whether its teacher is trained here or given. */
export function cycleOf({ teacher }: Recipe, { channels }: Pick<Source, 'channels'>): CycleConfig {
  return resolveCycle('train' in teacher ? teacher.train.cycle : undefined, channels);
}

/**
 * Trains a student on unpaired data without a teacher, as the teacher itself is: by cycles, with a generator of its own widths
 * for the way back. Gives it with its trained weights. Throws REVERSE_UNKNOWN where there is no telling what goes back.
 */
export async function trainNaiveCycle(context: RunContext, training: NaiveStudent): Promise<Graph> {
  const { stage, student, config, settings } = training;
  const { recipe } = context;
  const source = await context.source();
  const { condition, image } = source.channels;
  const cycle = cycleOf(recipe, source);
  const judged = (channels: number) => ({ channels, classes: 0 });
  const forward = {
    generator: student.graph,
    discriminator: startedDiscriminator(context, config, judged(image), recipe.seed + 1),
  };
  const reverse = {
    generator: randomised(reversed(student, source), { ...config, seed: recipe.seed + 2 }),
    discriminator: startedDiscriminator(context, config, judged(condition), recipe.seed + 3),
  };
  const state = await trainCycle(context, { stage, forward, reverse, config, cycle, settings });
  return recalibrated(context, withWeights(student.graph, state, 'g', { ema: config.ema > 0 }));
}

/** A network of the student's widths that makes conditions from images. */
function reversed({ graph, architecture }: Student, { channels, size }: Source): Graph {
  const { condition, image } = channels;
  if (condition === image) return copyGraph(graph);
  if (architecture)
    return buildGenerator(architecture, size, { inputChannels: image, outputChannels: condition });
  throw new GanletError(
    'REVERSE_UNKNOWN',
    `the baseline naive needs a network from ${image} channels back to ${condition}, which only follows from a network the toolkit built`,
    { hint: 'leave naive out of baselines' },
  );
}
