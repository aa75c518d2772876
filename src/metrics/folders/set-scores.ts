import type { Provider } from '../../backend/onnxruntime.ts';
import type { PictureFolder } from '../../data/folder/pictures.ts';
import { GanletError } from '../../util/errors.ts';
import type { Progress } from '../../util/progress.ts';
import { distributionMeter, inceptionScoreOf, type RealSide, scoreWarnings } from '../distributions.ts';
import { inceptionScoreSum, type ScoreSum } from '../inception-score.ts';
import type { DistributionMetric, FolderMetric } from '../metric-names.ts';
import { momentsOf } from '../moments.ts';
import type { FeatureExtractor } from '../networks/extract.ts';
import { preprocessingFingerprint } from '../preprocessing.ts';
import { needComparableStatistics, type Statistics, writeStatistics } from '../statistics-file.ts';
import { folderFeatures, realFolderFeatures } from './folder-features.ts';
import type { FolderScore } from './score.ts';

/** The metrics of two folders that compare sets by features. */
export const distributionNames: Partial<Record<FolderMetric, DistributionMetric>> = {
  fid: 'frechet',
  'fid-inf': 'frechet-inf',
  kid: 'kid',
  is: 'is',
  pr: 'pr',
  dc: 'dc',
};
const folderNames = new Map(Object.entries(distributionNames).map(([folder, name]) => [name, folder]));

/** What is compared, and how. */
export interface SetScoresOptions {
  real: PictureFolder | null;
  made: PictureFolder;
  sets: readonly DistributionMetric[];
  given: Statistics | null;
  seed: number;
  splits: number;
  /** The statistics file: `given` is what it holds; written where that is null. */
  stats: string | undefined;
  provider: Provider;
  cache: string | undefined;
  progress(total: number, label: string): Progress;
}

/**
 * The scores that features give; writes the statistics file where there is none yet. Throws PREPROCESSING_MIXED, LOGITS_MISSING and
 * as `distributionMeter` and `writeStatistics`.
 */
export async function setScores(
  extractor: FeatureExtractor,
  options: SetScoresOptions,
): Promise<{ scores: FolderScore[]; warnings: string[] }> {
  const { real, made, sets, given, seed, splits, stats, provider, cache } = options;
  const { network, preprocessing } = extractor;
  const provenance = {
    feature: network.feature,
    resize: preprocessing.resize,
    preprocessing: preprocessingFingerprint(preprocessing),
  };
  const warnings: string[] = [];
  if (given) {
    const own = { ...given, ...provenance, dimension: network.output.dimension };
    warnings.push(...needComparableStatistics(given, own));
    if (real && given.count !== null && given.count !== real.files.length) {
      warnings.push(
        `${stats} is of ${given.count} pictures, ${real.path} has ${real.files.length}: the file is used`,
      );
    }
  }
  let classes: ScoreSum | undefined;
  if (sets.includes('is')) {
    if (!network.logits) needLogits(network.feature);
    classes = inceptionScoreSum(made.files.length, network.logits!.classes, { splits, seed });
  }
  const shown = async <T>(
    folder: PictureFolder,
    what: (onProgress: (done: number) => void) => Promise<T>,
  ) => {
    const progress = options.progress(folder.files.length, `features of ${folder.path}`);
    return what((done) => progress.update(done)).finally(progress.end);
  };
  const againstReal = sets.some((metric) => metric !== 'is' && !(metric === 'frechet' && given));
  const realSide =
    real && againstReal
      ? await shown(real, (onProgress) =>
          realFolderFeatures(real, extractor, {
            provider,
            onProgress,
            ...(cache !== undefined && { cache }),
            onWarning: (message) => warnings.push(message),
          }),
        )
      : null;
  try {
    const ours = await shown(made, (onProgress) =>
      folderFeatures(made, extractor, { onProgress, onLogits: (logits) => classes?.add(logits) }),
    );
    try {
      const side = { features: realSide?.features ?? null, moments: null };
      if (stats !== undefined && !given && side.features) {
        await writeStatistics(stats, { ...(await momentsOf(side.features)), ...provenance });
      }
      const measured = [];
      for (const metric of sets.filter((name) => name !== 'is')) {
        const from: RealSide = metric === 'frechet' && given ? { features: null, moments: given } : side;
        measured.push(...(await distributionMeter(network, [metric], from, { seed }).measure(ours.features)));
      }
      if (classes) measured.push(inceptionScoreOf(network, classes.result()));
      warnings.push(...scoreWarnings(measured));
      return {
        scores: measured.map((score) => ({
          ...score,
          metric: folderNames.get(score.metric) as FolderMetric,
        })),
        warnings,
      };
    } finally {
      await ours.store.dispose();
    }
  } finally {
    await realSide?.dispose();
  }
}

function needLogits(feature: string): never {
  throw new GanletError('LOGITS_MISSING', `is needs a network with class scores, ${feature} has none`, {
    hint: 'use --features inception, or leave is out',
  });
}
