import { channelGroups } from '../../src/compress/groups.ts';
import { formatWidths, type WidthVector, widthSpace } from '../../src/compress/width-space.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { inputSymbols } from '../../src/ops/cost.ts';
import { costModel } from '../../src/search/cost.ts';
import type { Limit, Problem } from '../../src/search/problem.ts';
import { rng } from '../../src/util/rng.ts';

/** The space channels-32 of GAN Compression (6 561 vectors) under a limit of multiply-adds. */
export function channels32(most = 2.2e9) {
  const graph = resnetGenerator({ baseWidth: 32, separable: true, size: 256 });
  const groups = channelGroups(graph);
  const space = widthSpace(groups, [32, 24, 16], {
    type: 'resnet',
    baseWidth: 32,
    blocks: 9,
    separable: true,
    norm: 'instance',
    padding: 'reflect',
    dropout: 0,
  });
  const { macs } = costModel(graph, groups, space, inputSymbols(graph, {}));
  const limit: Limit = { name: 'macs', most, cost: macs, monotone: true };
  return { space, limit };
}

/**
 * A made-up distance of the kind networks have: a term for each entry that falls with its width, others for unbalanced
 * neighbours, and noise that is a function of the vector. `asked` counts how often each vector was evaluated.
 */
export function landscape(
  seed: number,
): Problem & { asked: Map<string, number>; distance(v: WidthVector): number } {
  const { space, limit } = channels32();
  const draw = rng(seed, 'landscape');
  const weight = space.map(() => draw.uniform(0.2, 2) ** 2);
  const balance = space.map(() => draw.uniform(0, 0.6));
  const distance = (vector: WidthVector) => {
    const parts = vector.map((width, i) => width / space[i]!.full);
    const narrowness = parts.reduce((sum, part, i) => sum + weight[i]! / part, 0);
    const steps = parts.slice(1).reduce((sum, part, i) => sum + balance[i]! * (part - parts[i]!) ** 2, 0);
    return narrowness + 4 * steps + rng(seed, formatWidths(vector)).uniform(0, 0.3);
  };
  const asked = new Map<string, number>();
  return {
    space,
    limits: [limit],
    seed,
    asked,
    distance,
    async evaluate(vectors) {
      for (const vector of vectors) {
        const key = formatWidths(vector);
        asked.set(key, (asked.get(key) ?? 0) + 1);
      }
      return vectors.map(distance);
    },
  };
}
