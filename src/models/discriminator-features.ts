import type { Graph } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';

/**
 * The discriminator with its inner activations as outputs `feature/<scale>/<layer>`, for feature matching: one that has such stays
 * as it is; of a patch or pixel discriminator the values `conv1`, `conv2`, … become `feature/1/1`, `feature/1/2`, …. The graph
 * given is changed and returned. Throws DISCRIMINATOR_UNFIT for another.
 */
export function withFeatures(discriminator: Graph): Graph {
  if (discriminator.outputs.some(({ name }) => name.startsWith('feature/'))) return discriminator;
  const made = new Map(discriminator.nodes.flatMap((node) => node.outputs.map((y) => [y.name, y] as const)));
  for (let k = 1; made.has(`conv${k}`); k++) discriminator.output(made.get(`conv${k}`)!, `feature/1/${k}`);
  if (discriminator.outputs.length > 1) return discriminator;
  throw new GanletError(
    'DISCRIMINATOR_UNFIT',
    `feature matching (lambdaFeature) needs a discriminator with outputs feature/<scale>/<layer>, "${discriminator.name}" has none`,
    { hint: 'set initDiscriminator to random, or lambdaFeature to 0' },
  );
}
