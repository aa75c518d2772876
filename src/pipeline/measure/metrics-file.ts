import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { splits } from '../../data/source.ts';
import { distributionMetrics } from '../../metrics/metric-names.ts';
import { baselines } from '../../recipe/names.ts';
import { writeJsonAtomic } from '../../util/atomic.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';
import { fileError } from '../../util/file-error.ts';

/** The networks a run can hold, in the order of tables. */
export const roles = ['teacher', ...baselines, 'student'] as const;
export type Role = (typeof roles)[number];

const summary = z.object({ mean: z.number().nullable(), sd: z.number().nullable(), count: z.int().min(0) });

const distances = z.object({
  l1: summary.exactOptional(),
  psnr: summary.extend({ identical: z.int().min(0) }).exactOptional(),
  ssim: summary.exactOptional(),
  msSsim: summary.exactOptional(),
  /** With the name of its network, `LPIPS-alex`. */
  lpips: summary.extend({ label: z.string() }).exactOptional(),
});

const pathLength = z.object({
  value: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});

const interval = z.object({ value: z.number(), low: z.number(), high: z.number(), level: z.number() });

/** See `DistributionScore`. */
const distribution = z.object({
  metric: z.enum(distributionMetrics),
  label: z.string(),
  feature: z.string(),
  dimension: z.number(),
  value: z.number(),
  sd: z.number().nullable(),
  countReal: z.number().nullable(),
  countMade: z.number(),
  floor: z.number().nullable(),
  realVsReal: z.object({ value: z.number(), count: z.number() }).nullable(),
  details: z.record(z.string(), z.union([z.number(), z.string(), z.null()])),
  /** How much larger it is than the teacher's, with an interval from resampling the same pictures of both. */
  overTeacher: interval.exactOptional(),
});

/** What a latent vector does to the pictures, by the network of LPIPS `label`; see `measureVariety`. */
const variety = z.object({
  label: z.string(),
  /** Perceptual path lengths in z with 95 % intervals, and what they would be if nothing moved. */
  ppl: z
    .object({ full: pathLength, end: pathLength, floor: z.number(), count: z.int().min(1) })
    .exactOptional(),
  diversity: z
    .object({ value: z.number(), sd: z.number().nullable(), conditions: z.int(), pairs: z.int() })
    .exactOptional(),
});

/** How much of the label maps is found again in the pictures made from them, each 0 to 1; see `measureSegmentation`. */
const segmentation = z.object({
  miou: z.number().exactOptional(),
  accuracy: z.number().exactOptional(),
  /** Labels that occurred. */
  labels: z.int().min(1),
});

const measuredModel = z.object({
  role: z.enum(roles),
  /** Relative to the run's folder. */
  file: z.string(),
  sha256: z.string(),
  params: z.number(),
  /** Multiply-adds for one picture, in both conventions of `Macs`. */
  macs: z.object({ true: z.number(), paper: z.number() }),
  bytes: z.number(),
  /** Median time of one picture, and the 5 % and 95 % quantiles. */
  latencyMs: z.number(),
  latencySpreadMs: z.tuple([z.number(), z.number()]),
  /** How far its pictures are from the true ones; empty where there are none. */
  truth: distances,
  /** How far they are from the teacher's. */
  teacher: distances.exactOptional(),
  /** How far its pictures are from the true ones as a set. */
  distributions: z.array(distribution).exactOptional(),
  variety: variety.exactOptional(),
  segmentation: segmentation.exactOptional(),
  /** Pictures measured. */
  samples: z.int().min(1),
});

const metricsFile = z.object({
  models: z.array(measuredModel).min(1),
  split: z.enum(splits),
  count: z.int().min(1),
  /** Side of the pictures in pixels. */
  size: z.int().min(1),
  data: z.object({ source: z.string(), hash: z.string() }),
  /** False where the data has no true pictures of its conditions: then no distance from them is known. */
  paired: z.boolean().exactOptional(),
  /** The columns of `comparison.png`; left out: condition, truth, then the models. */
  sheet: z.array(z.string()).exactOptional(),
  /** What `segmentation` is of the true pictures: no network is expected to be above it. */
  segmentation: segmentation.exactOptional(),
  /** The network of `distributions`, by the hash of its file or weights, and what was done to pictures before. */
  features: z.object({ feature: z.string(), network: z.string(), preprocessing: z.string() }).exactOptional(),
  /** The engine that made the pictures and was timed. */
  backend: z.object({
    engine: z.string(),
    version: z.string(),
    provider: z.string(),
    threads: z.number(),
    cpu: z.string(),
  }),
});

export type MeasuredDistribution = z.infer<typeof distribution>;
export type MeasuredVariety = z.infer<typeof variety>;
export type MeasuredSegmentation = z.infer<typeof segmentation>;
export type MeasuredDistances = z.infer<typeof distances>;

/** What is measured of one network of a run. */
export type MeasuredModel = z.infer<typeof measuredModel>;

/** The contents of a run's `metrics.json`. Distances are as `Distances` in `metrics/paired.ts` says. */
export type MetricsFile = z.infer<typeof metricsFile>;

export async function writeMetrics(run: string, metrics: MetricsFile): Promise<void> {
  await writeJsonAtomic(join(run, 'metrics.json'), metrics);
}

/**
 * The measurements of a run. Throws RUN_MISSING without such a folder, METRICS_MISSING when nothing was measured yet, and
 * METRICS_INVALID when the file is damaged or not ours.
 */
export function readMetrics(run: string): MetricsFile {
  const path = join(run, 'metrics.json');
  if (!exists(run) || !statSync(run).isDirectory()) {
    const hint = 'ganlet run <recipe> makes one';
    const found = exists(run) ? 'it is a file' : 'there is none';
    throw new GanletError('RUN_MISSING', `${run} must be the folder of a run, ${found}`, { hint });
  }
  const again = `measure it: ganlet evaluate ${recipeOf(run)} --out ${run}`;
  if (!exists(path)) {
    throw new GanletError('METRICS_MISSING', `${run} must hold metrics.json, it has not been measured yet`, {
      hint: again,
    });
  }
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError('read', path, error);
  }
  const result = metricsFile.safeParse(parse(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.length ? ` (at ${issue.path.join('.')})` : '';
  throw new GanletError('METRICS_INVALID', `${path} must be a file that ganlet evaluate wrote${where}`, {
    hint: `delete it, then ${again}`,
  });
}

function recipeOf(run: string): string {
  const path = join(run, 'recipe.yaml');
  return exists(path) ? path : '<recipe>';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
