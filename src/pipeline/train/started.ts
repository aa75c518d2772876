import type { Graph } from '../../graph/graph.ts';
import { buildDiscriminator } from '../../models/generator.ts';
import { initialise } from '../../models/init.ts';
import type { TrainConfig } from '../../recipe/schema.ts';
import type { judgedInputs } from '../check/discriminator.ts';
import type { RunContext } from '../context.ts';

type Start = Pick<TrainConfig, 'init' | 'initGain'>;

/** A network with the random weights its training begins with. The graph given is changed and returned. */
export function started(graph: Graph, { init, initGain: gain }: Start, seed: number): Graph {
  return initialise(graph, { init, gain, seed });
}

/** The discriminator a recipe describes as its training begins, of what `judgedInputs` says it is shown. */
export function startedDiscriminator(
  { recipe }: Pick<RunContext, 'recipe'>,
  config: Start,
  { channels, classes }: ReturnType<typeof judgedInputs>,
  seed: number,
): Graph {
  const { discriminator, data } = recipe;
  return started(buildDiscriminator(discriminator, data.size, channels, classes), config, seed);
}
