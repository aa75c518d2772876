import { featureNetwork, type PerceptualNetwork, perceptualNetwork } from '../../metrics/networks/find.ts';
import type { FeatureNetwork } from '../../metrics/networks/network.ts';
import { GanletError } from '../../util/errors.ts';
import type { RunContext } from '../context.ts';
import { fetching } from '../fetching.ts';
import { setMetrics } from './sets.ts';

/** The networks that a recipe's `evaluate.metrics` need; what is not needed is absent. */
export interface MeasureNetworks {
  features?: FeatureNetwork;
  perceptual?: PerceptualNetwork;
}

const perceptualMetrics: readonly string[] = ['lpips', 'ppl', 'diversity'];

/**
 * Finds those networks, fetching published weights that are not here: also asked before a run trains anything, so that a metric that
 * cannot be had is known then. Throws LOGITS_MISSING for `is` with a network that has no class scores, and as `featureNetwork` and `perceptualNetwork`.
 */
export async function measureNetworks({
  recipe,
  progress,
}: Pick<RunContext, 'recipe' | 'progress'>): Promise<MeasureNetworks> {
  const { metrics, features, lpips } = recipe.evaluate;
  return fetching(progress, async (options) => {
    const network = setMetrics(metrics).length > 0 ? await featureNetwork(features, options) : undefined;
    if (network && metrics.includes('is') && !network.logits) {
      throw new GanletError(
        'LOGITS_MISSING',
        `is needs a network with class scores, ${network.feature} has none`,
        {
          hint: 'set evaluate.features to inception, or leave is out of evaluate.metrics',
        },
      );
    }
    return {
      ...(network && { features: network }),
      ...(metrics.some((name) => perceptualMetrics.includes(name)) && {
        perceptual: await perceptualNetwork(lpips, options),
      }),
    };
  });
}
