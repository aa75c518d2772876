import type { Architecture } from '../compress/student.ts';
import type { Source } from '../data/source.ts';
import type { Graph } from '../graph/graph.ts';
import { buildGenerator } from '../models/generator.ts';
import { rulesOf, withClasses } from '../recipe/sources.ts';
import { exists } from '../util/exists.ts';
import { sha256File } from '../util/hash.ts';
import { loadGenerator, needCard, readCard } from './card.ts';
import type { RunContext } from './context.ts';
import { teacherFile } from './teacher.ts';

export interface PlannedTeacher {
  graph: Graph;
  /** Where it is known. */
  architecture?: Architecture;
}

/** The channels of a run's data. Of pictures the recipe says them; other data is opened. */
export async function plannedChannels({
  recipe,
  source,
}: Pick<RunContext, 'recipe' | 'source'>): Promise<Source['channels']> {
  const { data } = recipe;
  return !withClasses(data) && rulesOf(data.source).pictures(data)
    ? data.channels
    : (await source()).channels;
}

/**
 * A run's teacher before anything was trained, as far as it is known: its file, or its architecture with random weights. `known`
 * are the channels of the data, where it is open already. Throws what `needCard` and `loadGenerator` throw.
 */
export async function plannedTeacher(
  context: Pick<RunContext, 'recipe' | 'out' | 'source'>,
  known?: Source['channels'],
): Promise<PlannedTeacher | undefined> {
  const { recipe } = context;
  const file = teacherFile(context);
  const own = 'generator' in recipe.teacher ? recipe.teacher.generator : undefined;
  if (exists(file)) {
    const card = own ? readCard(file) : needCard(file, await sha256File(file));
    const architecture = card?.architecture ?? own;
    return { graph: loadGenerator(file, card), ...(architecture && { architecture }) };
  }
  if (!own) return undefined;
  const { condition, image, classes } = known ?? (await plannedChannels(context));
  const channels = { inputChannels: condition, outputChannels: image, classes };
  return { graph: buildGenerator(own, recipe.data.size, channels), architecture: own };
}
