import { hubSettings } from '../data/hub/settings.ts';
import { featureNetwork, type PerceptualNetwork, perceptualNetwork } from '../metrics/networks/find.ts';
import type { FeatureNetwork } from '../metrics/networks/network.ts';
import { GanletError } from '../util/errors.ts';
import type { Progress } from '../util/progress.ts';
import type { RunContext } from './context.ts';
import { setMetrics } from './measure-sets.ts';

/** The networks that a recipe's `evaluate.metrics` need; what is not needed is absent. */
export interface MeasureNetworks {
  features?: FeatureNetwork;
  perceptual?: PerceptualNetwork;
}

/**
 * Finds those networks, fetching published weights that are not here: also asked before a run trains anything, so that a metric that
 * cannot be had is known then. Throws LOGITS_MISSING for `is` with a network that has no class scores, and as `featureNetwork` and `perceptualNetwork`.
 */
export async function measureNetworks({
  recipe,
  progress,
}: Pick<RunContext, 'recipe' | 'progress'>): Promise<MeasureNetworks> {
  const { metrics, features, lpips } = recipe.evaluate;
  let shown: { file: string; bar: Progress } | undefined;
  const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);
  const options = {
    offline: hubSettings().offline,
    onProgress(file: string, held: number, size: number) {
      if (shown?.file !== file) {
        shown?.bar.end();
        shown = { file, bar: progress(mebibytes(size), `${file}, MiB`) };
      }
      shown.bar.update(mebibytes(held));
    },
  };
  try {
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
      ...(metrics.includes('lpips') && { perceptual: await perceptualNetwork(lpips, options) }),
    };
  } finally {
    shown?.bar.end();
  }
}
