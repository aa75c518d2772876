import type { Provider } from '../../backend/onnxruntime.ts';
import { openPictureFolder, type PictureFolder } from '../../data/folder/pictures.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';
import type { Progress } from '../../util/progress.ts';
import { toolVersion } from '../../util/version.ts';
import type { FolderMetric } from '../metric-names.ts';
import { pairedFolderMetrics } from '../metric-names.ts';
import { type FeatureExtractor, openFeatures } from '../networks/extract.ts';
import type { FetchOptions } from '../networks/fetch.ts';
import { featureNetwork, perceptualNetwork } from '../networks/find.ts';
import { openPerceptual, type PerceptualDistance } from '../networks/perceptual.ts';
import { preprocessingFingerprint } from '../preprocessing.ts';
import type { ResizeMode } from '../resize.ts';
import { readStatistics } from '../statistics-file.ts';
import { needEnough, needTwoFolders, pictureWarnings } from './check.ts';
import { pairFiles, pairScores } from './pairs.ts';
import { type FolderScore, plainScore } from './score.ts';
import { distributionNames, setScores } from './set-scores.ts';
import { folderDiversity } from './variety.ts';

export interface CompareOptions {
  /** Null where statistics stand for the real pictures, or no metric has to do with them. */
  real: string | null;
  made: string;
  metrics: readonly FolderMetric[];
  /** `inception` (default), `vgg16`, `emoji`, or an `.onnx` file. */
  features?: string | undefined;
  /** `alex` (default), `vgg`, `squeeze`, or an `.onnx` file. */
  lpips?: string | undefined;
  /** Default: what the feature network asks for. */
  resize?: ResizeMode | undefined;
  /** Statistics of the real pictures: read where the file exists, written from `real` where it does not. */
  stats?: string | undefined;
  batch?: number | undefined;
  threads?: number | undefined;
  provider?: Provider | undefined;
  /** Default 2020. */
  seed?: number | undefined;
  /** Of the Inception Score, default 10. */
  splits?: number | undefined;
  fetch?: FetchOptions;
  progress(total: number, label: string): Progress;
}

/** What was found of two folders; plain data, without a number that JSON does not have. */
export interface Comparison {
  tool: string;
  real: { path: string; count: number | null; hash: string | null } | null;
  made: { path: string; count: number; hash: string };
  features: { feature: string; network: string; resize: ResizeMode; preprocessing: string } | null;
  statistics: { path: string; written: boolean } | null;
  seed: number;
  scores: FolderScore[];
  warnings: string[];
}

/**
 * Measures the pictures of a folder, against those of another where the metric has two sides. Everything that can be refused is
 * refused before the first picture is measured. Memory does not grow with the number of pictures (features from 128 MiB on are kept
 * in a temporary file). Features of the real side are kept in the cache folder.
 *
 * Throws SAME_FOLDER, FOLDERS_NESTED, TOO_FEW_PICTURES, PAIR_MISSING, PAIR_AMBIGUOUS, PAIR_SIZES, REAL_PICTURES_NEEDED,
 * PREPROCESSING_MIXED, LOGITS_MISSING, and what `openPictureFolder`, `featureNetwork`, `perceptualNetwork`, `readStatistics` and
 * `writeStatistics` throw.
 */
export async function compareFolders(options: CompareOptions): Promise<Comparison> {
  const { metrics, seed = 2020, splits = 10, threads, provider, stats } = options;
  const reading = async (path: string) => {
    let shown: Progress | undefined;
    return openPictureFolder(path, (done, total) => {
      shown ??= options.progress(total, `reading ${path}`);
      shown.update(done);
    }).finally(() => shown?.end());
  };
  const given = stats !== undefined && exists(stats) ? await readStatistics(stats) : null;
  const oneSided = metrics.every((metric) => metric === 'is' || metric === 'diversity');
  if (options.real === null && !given && !oneSided) needReal(stats);
  const real = options.real === null ? null : await reading(options.real);
  const made = await reading(options.made);
  if (real) needTwoFolders(real.path, made.path);

  const sets = metrics.flatMap((metric) => distributionNames[metric] ?? []);
  const paired = metrics.filter((metric) => pairedFolderMetrics.includes(metric));
  if (!real && paired.length > 0) needPictures(paired[0]!);
  const pairs = real && paired.length > 0 ? pairFiles(real, made) : null;

  const network =
    sets.length > 0 ? await featureNetwork(options.features ?? 'inception', options.fetch) : null;
  needEnough(metrics, real && { path: real.path, count: real.files.length }, countOf(made), {
    dimension: network?.output.dimension ?? null,
    splits,
  });
  const needsPerceptual = metrics.includes('lpips') || metrics.includes('diversity');
  const warnings = pictureWarnings(real, made);
  if (pairs && pairs.left > 0) {
    warnings.push(
      `${pairs.left} of ${real!.files.length} real pictures have no made one of their name: paired metrics leave them out`,
    );
  }

  const opened: { extractor?: FeatureExtractor; perceptual?: PerceptualDistance } = {};
  const scores: FolderScore[] = [];
  let statistics: Comparison['statistics'] = null;
  try {
    if (needsPerceptual) {
      const found = await perceptualNetwork(options.lpips ?? 'alex', options.fetch);
      opened.perceptual = await openPerceptual(found, { threads, provider });
    }
    if (network) {
      const { batch, resize } = options;
      opened.extractor = await openFeatures(network, { batch, resize, threads, provider });
      const found = await setScores(opened.extractor, {
        ...{ real, made, sets, given, seed, splits, stats, provider: provider ?? 'cpu' },
        cache: options.fetch?.cache,
        progress: options.progress,
      });
      scores.push(...found.scores);
      warnings.push(...found.warnings);
      if (stats !== undefined && sets.includes('frechet')) {
        statistics = { path: stats, written: given === null };
      }
    }
    if (pairs) {
      const shown = options.progress(pairs.pairs.length, 'pairs');
      scores.push(
        ...(await pairScores(
          pairs.pairs,
          paired,
          metrics.includes('lpips') ? opened.perceptual : undefined,
          shown.update,
        ).finally(shown.end)),
      );
    }
    if (metrics.includes('diversity')) {
      scores.push(await diversityScore(options, opened.perceptual!, real, made, seed, warnings));
    }
    warnings.push(...(opened.perceptual?.warnings() ?? []));
  } finally {
    await opened.extractor?.dispose();
    await opened.perceptual?.dispose();
  }
  const order = (score: FolderScore) => metrics.indexOf(score.metric);
  return {
    tool: toolVersion,
    real: real
      ? { path: real.path, count: real.files.length, hash: real.hash }
      : given && { path: stats!, count: given.count, hash: null },
    made: { path: made.path, count: made.files.length, hash: made.hash },
    features: opened.extractor
      ? {
          feature: opened.extractor.network.feature,
          network: opened.extractor.network.sha256,
          resize: opened.extractor.preprocessing.resize,
          preprocessing: preprocessingFingerprint(opened.extractor.preprocessing),
        }
      : null,
    statistics,
    seed,
    scores: scores.sort((a, b) => order(a) - order(b)),
    warnings: [...new Set(warnings)],
  };
}

async function diversityScore(
  options: CompareOptions,
  perceptual: PerceptualDistance,
  real: PictureFolder | null,
  made: PictureFolder,
  seed: number,
  warnings: string[],
): Promise<FolderScore> {
  const of = async (folder: PictureFolder) => {
    const shown = options.progress(folder.files.length, `diversity of ${folder.path}`);
    return folderDiversity(folder, perceptual, seed, shown.update).finally(shown.end);
  };
  const found = await of(made);
  warnings.push(...found.warnings);
  const grouped = real?.files.some(({ name }) => name.includes('/')) === true;
  const { value, sd, conditions, pairs } = found;
  return plainScore({
    metric: 'diversity',
    label: `diversity ${perceptual.network.label}`,
    value,
    sd,
    countReal: null,
    countMade: made.files.length,
    realVsReal: real && grouped ? { value: (await of(real)).value, count: real.files.length } : null,
    details: { conditions, pairs, seed },
  });
}

function countOf({ path, files }: PictureFolder): { path: string; count: number } {
  return { path, count: files.length };
}

function needReal(stats: string | undefined): never {
  const found = stats === undefined ? 'only one folder' : `there is no file ${stats}`;
  throw new GanletError(
    'REAL_PICTURES_NEEDED',
    `a distance needs real pictures or their statistics, got ${found}`,
    {
      hint: 'ganlet evaluate --metrics fid <real> <made>',
    },
  );
}

function needPictures(metric: FolderMetric): never {
  throw new GanletError(
    'REAL_PICTURES_NEEDED',
    `${metric} compares picture with picture and needs the real ones, got their statistics only`,
    { hint: 'name the folder of real pictures too' },
  );
}
