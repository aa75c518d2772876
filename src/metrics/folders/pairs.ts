import type { PictureFile, PictureFolder } from '../../data/folder/pictures.ts';
import { GanletError } from '../../util/errors.ts';
import type { Levels } from '../levels.ts';
import type { FolderMetric } from '../metric-names.ts';
import type { PerceptualDistance } from '../networks/perceptual.ts';
import { pairsAtOnce } from '../networks/perceptual.ts';
import { measurePairs, pairedMetrics, runningMean, type Summary } from '../paired.ts';
import { levelsOf } from './pictures.ts';
import { type FolderScore, plainScore } from './score.ts';

export interface FilePair {
  made: PictureFile;
  real: PictureFile;
}

/**
 * Each made picture with the real one of its name (the path in the folder, endings may differ). Throws PAIR_MISSING naming made
 * pictures without a partner, PAIR_AMBIGUOUS where two files have one name. `left`: real pictures without a made one.
 */
export function pairFiles(real: PictureFolder, made: PictureFolder): { pairs: FilePair[]; left: number } {
  const [byName, own] = [index(real), index(made)];
  const missing = [...own.keys()].filter((name) => !byName.has(name));
  if (missing.length > 0) {
    const names = `${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ', …' : ''}`;
    throw new GanletError(
      'PAIR_MISSING',
      `paired metrics need a picture of the same name in ${real.path} for each in ${made.path}, ${missing.length} of ${own.size} have none: ${names}`,
      { hint: 'name the files alike, or leave lpips, ssim, ms-ssim, psnr and l1 out' },
    );
  }
  const pairs = [...own].map(([name, file]) => ({ made: file, real: byName.get(name)! }));
  return { pairs, left: byName.size - pairs.length };
}

function index({ path, files }: PictureFolder): Map<string, PictureFile> {
  const found = new Map<string, PictureFile>();
  for (const file of files) {
    if (found.has(file.name)) {
      throw new GanletError(
        'PAIR_AMBIGUOUS',
        `${path} must have one picture called ${file.name}, it has two`,
        {
          hint: 'remove one of them: names pair pictures, endings do not count',
        },
      );
    }
    found.set(file.name, file);
  }
  return found;
}

const labels = { l1: 'L1', psnr: 'PSNR', ssim: 'SSIM', 'ms-ssim': 'MS-SSIM' } as const;

/**
 * Means over the pairs. Pairs may differ in size among each other, a pair's pictures must not: throws PAIR_SIZES naming it;
 * PICTURE_TOO_SMALL naming it where a metric needs more pixels.
 */
export async function pairScores(
  pairs: readonly FilePair[],
  metrics: readonly FolderMetric[],
  perceptual: PerceptualDistance | undefined,
  onProgress?: (done: number) => void,
): Promise<FolderScore[]> {
  const measuring = measurePairs(metrics, { channels: 3, height: 0, width: 0 });
  const lpips = runningMean();
  let waiting: [Levels, Levels][] = [];
  const flush = async () => {
    if (waiting.length > 0) for (const d of await perceptual!.distances(waiting)) lpips.add(d);
    waiting = [];
  };
  let done = 0;
  for (const pair of pairs) {
    const [made, real] = await Promise.all([levelsOf(pair.made), levelsOf(pair.real)]);
    needOneSize(pair, made, real);
    try {
      measuring.add(made.data, real.data, made);
    } catch (error) {
      if (!(error instanceof GanletError)) throw error;
      throw new GanletError(error.code, `${pair.made.path}: ${error.message}`, {
        hint: 'measure larger pictures, or leave that metric out',
        cause: error,
      });
    }
    if (perceptual) {
      const [first] = waiting[0] ?? [];
      if (first && (first.height !== made.height || first.width !== made.width)) await flush();
      waiting.push([made, real]);
      if (waiting.length >= pairsAtOnce(made)) await flush();
    }
    onProgress?.(++done);
  }
  await flush();
  const distances = measuring.distances();
  const score = (metric: FolderMetric, label: string, summary: Summary, details = {}) =>
    plainScore({
      metric,
      label,
      value: summary.mean,
      sd: summary.sd,
      countReal: pairs.length,
      countMade: pairs.length,
      details,
    });
  const { l1, psnr, ssim, msSsim } = distances;
  return metrics.flatMap((metric) => {
    if (metric === 'lpips') return [score(metric, perceptual!.network.label, lpips.summary())];
    if (!isPlain(metric)) return [];
    if (metric === 'psnr') return [score(metric, labels.psnr, psnr!, { identical: psnr!.identical })];
    return [score(metric, labels[metric], { l1, ssim, 'ms-ssim': msSsim }[metric]!)];
  });
}

function isPlain(metric: FolderMetric): metric is (typeof pairedMetrics)[number] {
  return (pairedMetrics as readonly string[]).includes(metric);
}

function needOneSize({ made, real }: FilePair, a: Levels, b: Levels): void {
  if (a.width === b.width && a.height === b.height) return;
  throw new GanletError(
    'PAIR_SIZES',
    `${made.path} must have the size of ${real.path}, ${b.width} × ${b.height}, it has ${a.width} × ${a.height}`,
    { hint: 'bring both to one size first; paired metrics do not resize' },
  );
}
