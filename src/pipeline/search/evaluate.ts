import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { channelsAt, formatWidths, type WidthVector } from '../../compress/width-space.ts';
import type { CostModel } from '../../search/cost.ts';
import { entryBeside, workerPool } from '../../search/pool.ts';
import { openScoreBook } from '../../search/score-book.ts';
import { sha256Json } from '../../util/hash.ts';
import type { RunContext } from '../context.ts';
import type { SearchScore, SearchSetup, SearchTask } from './score.ts';

export interface SearchEvaluation {
  setup: SearchSetup;
  costs: CostModel;
  latency?: ((vector: WidthVector) => number) | undefined;
  /** SHA-256 of the supernet. */
  supernet: string;
  /** SHA-256 of the data, and of the teacher where the metric compares with it. */
  compared: unknown;
}

/** Scores vectors on held-out pictures, each once. */
export interface Evaluating {
  evaluate(
    vectors: readonly WidthVector[],
    part: SearchTask['part'],
    generation: number,
  ): Promise<readonly number[]>;
  /** What the scores are called; known after the first. */
  metric(): string;
  /** Vectors scored for the search, in this and earlier processes. */
  evaluations(): number;
  close(): Promise<void>;
}

/**
 * Opens `search/search.jsonl` and the processes that add to it. A vector's score is looked up by a hash of everything it depends
 * on, so that a search that was interrupted asks only for what is missing.
 */
export function openEvaluation(context: RunContext, evaluation: SearchEvaluation): Evaluating {
  const { recipe, out, log } = context;
  const { setup, costs, latency, supernet, compared } = evaluation;
  const { space, metric, pictures } = setup;
  const book = openScoreBook(join(out, 'search', 'search.jsonl'));
  const pool = workerPool<SearchTask, SearchScore>({
    entry: entryBeside(import.meta.url, 'worker'),
    setup,
    workers: recipe.search!.workers ?? availableParallelism(),
    describe: ({ vector }) => `widths ${formatWidths(vector)}`,
    onRetry: (what) => log.warn(what),
  });
  const used = new Set<string>();
  let label = '';
  const keyOf = (vector: WidthVector, part: SearchTask['part']) =>
    sha256Json({
      supernet,
      compared,
      metric,
      pictures: pictures[part],
      channels: Object.fromEntries(channelsAt(space, vector)),
    }).slice(0, 32);

  const scored = async (vector: WidthVector, part: SearchTask['part'], generation: number) => {
    const key = keyOf(vector, part);
    const known = book.find(key);
    if (part === 'search') used.add(key);
    if (known) {
      label = known.metric;
      return known.quality;
    }
    const score = await pool.run({ vector, part });
    label = score.metric;
    const { macs, params } = costs.at(vector);
    book.add({
      key,
      genome: formatWidths(vector),
      widths: Object.fromEntries(channelsAt(space, vector)),
      macs: macs.true,
      params,
      latencyMs: latency ? round(latency(vector), 3) : null,
      quality: score.quality,
      metric: score.metric,
      part,
      generation,
      seconds: round(score.seconds, 2),
    });
    return score.quality;
  };

  return {
    async evaluate(vectors, part, generation) {
      const bar = context.progress(
        vectors.length,
        part === 'search' ? `search ${generation + 1}` : 'finalists',
      );
      let done = 0;
      let best = Number.POSITIVE_INFINITY;
      try {
        return await Promise.all(
          vectors.map(async (vector) => {
            const quality = await scored(vector, part, generation);
            best = Math.min(best, quality);
            bar.update(++done, `${label} ${best.toPrecision(4)}`);
            return quality;
          }),
        );
      } finally {
        bar.end();
      }
    },
    metric: () => label,
    evaluations: () => used.size,
    close: () => pool.close(),
  };
}

function round(x: number, digits: number): number {
  return Number(x.toFixed(digits));
}
