import type { Architecture } from '../../compress/student.ts';
import { formatWidths, type WidthSpace, type WidthVector } from '../../compress/width-space.ts';
import { loadOnnx } from '../../ops/import-onnx.ts';
import type { Recipe } from '../../recipe/schema.ts';
import { GanletError } from '../../util/errors.ts';
import { loadGenerator } from '../card.ts';
import type { RunContext } from '../context.ts';
import { openScoring, type Scoring } from '../measure/score-pictures.ts';
import { cutSupernet } from '../supernet/file.ts';
import { recalibrated } from '../train/recalibrated.ts';
import type { SearchMetric } from './metric.ts';

/** What vectors are scored with: plain data, for other processes. */
export interface SearchSetup {
  recipe: Recipe;
  out: string;
  /** Files. */
  supernet: string;
  teacher: string;
  space: WidthSpace;
  architecture?: Architecture | undefined;
  metric: SearchMetric;
  /** Training pictures by what they are for. */
  pictures: { search: readonly number[]; finalists: readonly number[] };
}

export interface SearchTask {
  vector: WidthVector;
  part: 'search' | 'finalists';
}

export interface SearchScore {
  quality: number;
  metric: string;
  seconds: number;
}

/** Cuts a vector out of the supernet, makes the held-out pictures with it, and measures them. */
export function searchScorer(
  context: RunContext,
  setup: SearchSetup,
): (task: SearchTask) => Promise<SearchScore> {
  const { metric, pictures, space, architecture } = setup;
  const graph = loadOnnx(setup.supernet);
  const scorings = new Map<SearchTask['part'], Promise<Scoring>>();
  return async ({ vector, part }) => {
    const started = performance.now();
    const source = await context.source();
    const opened =
      scorings.get(part) ??
      openScoring({
        ...metric,
        source,
        split: 'train',
        indices: pictures[part],
        teacher: () => loadGenerator(setup.teacher),
        backend: context.backend,
      });
    scorings.set(part, opened);
    const scoring = await opened;
    try {
      const network = await recalibrated(context, cutSupernet({ graph, space, architecture }, vector).graph);
      const quality = await scoring.score(network);
      return { quality, metric: scoring.metric, seconds: (performance.now() - started) / 1000 };
    } catch (error) {
      if (!(error instanceof GanletError)) throw error;
      const { code, message, hint } = error;
      throw new GanletError(code, `widths ${formatWidths(vector)}: ${message}`, {
        cause: error,
        ...(hint && { hint }),
      });
    }
  };
}
