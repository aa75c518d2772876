import { basename, resolve } from 'node:path';
import { readCard } from '../pipeline/card.ts';
import {
  type MeasuredModel,
  type MetricsFile,
  readMetrics,
  roles,
} from '../pipeline/measure/metrics-file.ts';

/** One network of one run. */
export interface Result {
  /** Short name of the run, unlike that of any other. */
  run: string;
  metrics: MetricsFile;
  model: MeasuredModel;
  /** The teacher of the same run, to compare costs with. */
  teacher: MeasuredModel | undefined;
  /** "resnet 32_24_16 separable"; absent where the card does not say. */
  network: string | undefined;
  /** Steps of each training that went into it; absent where the card does not say. */
  steps?: Readonly<Record<string, number>> | undefined;
  /** False when the file has been replaced since it was measured. */
  current: boolean;
}

/**
 * What was measured in runs, in their order: of each its teacher, then baselines, then student. A run named twice counts once.
 * Throws RUN_MISSING, METRICS_MISSING and METRICS_INVALID as `readMetrics` does.
 */
export function readResults(runs: readonly string[]): Result[] {
  const distinct = [...new Map(runs.map((run) => [resolve(run), run])).values()];
  return distinct.flatMap((run) => {
    const metrics = readMetrics(run);
    const name = basename(resolve(run));
    const shared = distinct.filter((other) => basename(resolve(other)) === name).length > 1;
    const models = [...metrics.models].sort((a, b) => roles.indexOf(a.role) - roles.indexOf(b.role));
    const teacher = models.find(({ role }) => role === 'teacher');
    return models.map((model) => {
      const card = readCard(resolve(run, model.file));
      const current = !card || card.sha256 === model.sha256;
      const network = current ? describe(card?.architecture) : undefined;
      const steps = current ? card?.steps : undefined;
      return { run: shared ? run : name, metrics, model, teacher, network, steps, current };
    });
  });
}

function describe(
  architecture: NonNullable<ReturnType<typeof readCard>>['architecture'],
): string | undefined {
  if (!architecture) return undefined;
  const { type, baseWidth, widths } = architecture;
  const separable = 'separable' in architecture && architecture.separable;
  return `${type} ${widths?.join('_') ?? baseWidth}${separable ? ' separable' : ''}`;
}
