import type { DistributionScore } from '../distributions.ts';
import type { FolderMetric } from '../metric-names.ts';

/** One number about two folders, with all that must be said beside it; see `DistributionScore`. */
export interface FolderScore extends Omit<DistributionScore, 'metric' | 'feature' | 'dimension' | 'value'> {
  metric: FolderMetric;
  /** Null where there is no number: a PSNR of pictures that are all equal to theirs is infinite. */
  value: number | null;
  /** Network, layer and dimension; null where none was used. */
  feature: string | null;
  dimension: number | null;
}

/** A score without what only distances between sets have. */
export function plainScore(
  score: Pick<FolderScore, 'metric' | 'label' | 'value' | 'sd' | 'countReal' | 'countMade'> &
    Partial<FolderScore>,
): FolderScore {
  return { feature: null, dimension: null, floor: null, realVsReal: null, details: {}, ...score };
}
