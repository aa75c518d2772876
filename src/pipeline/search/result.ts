import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { channelsAt, formatWidths, type WidthSpace, type WidthVector } from '../../compress/width-space.ts';
import type { CostModel } from '../../search/cost.ts';
import { writeJsonAtomic } from '../../util/atomic.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';
import type { RunContext } from '../context.ts';

const quality = z.object({ search: z.number(), finalists: z.number() });

const searchResult = z.object({
  /** "32_24_16_…", the vector that was chosen. */
  vector: z.string(),
  /** Channels of each group. */
  widths: z.record(z.string(), z.number()),
  macs: z.number(),
  params: z.number(),
  activationBytes: z.number(),
  /** As predicted from its layers; absent where latency was not asked for. */
  latencyMs: z.number().exactOptional(),
  /** What the qualities are, lower being better, and on how many pictures of each part. */
  metric: z.string(),
  quality,
  pictures: quality,
  searcher: z.enum(['exhaustive', 'evolution', 'random', 'given']),
  evaluations: z.int(),
  generations: z.int(),
  ended: z.string().exactOptional(),
  /** The best vectors of the search, by their quality on the finalists' pictures. */
  finalists: z.array(z.object({ vector: z.string(), macs: z.number(), quality })),
  /** With several objectives: the vectors that no other beats in all of them. */
  front: z.array(z.record(z.string(), z.union([z.string(), z.number()]))).exactOptional(),
});

/** What a search found: the contents of `search/result.json`. */
export type SearchResult = z.infer<typeof searchResult>;

/** A vector and what its network costs. */
export function costOf(space: WidthSpace, costs: CostModel, vector: WidthVector) {
  const { macs, params, activationBytes } = costs.at(vector);
  return {
    vector: formatWidths(vector),
    widths: Object.fromEntries(channelsAt(space, vector)),
    macs: macs.true,
    params,
    activationBytes,
  };
}

/** What of a search a student's card says. */
export function summaryOf({ vector, searcher, evaluations, metric, quality, pictures }: SearchResult) {
  return { vector, searcher, evaluations, metric, quality, pictures };
}

export const resultFile = (out: string) => join(out, 'search', 'result.json');

export async function writeResult(out: string, result: SearchResult): Promise<void> {
  await writeJsonAtomic(resultFile(out), result);
}

/** Reads `search/result.json`. Throws SEARCH_MISSING before the stage has run, NOTES_INVALID for a damaged file. */
export function readResult({ out, loaded }: Pick<RunContext, 'out' | 'loaded'>): SearchResult {
  const path = resultFile(out);
  const run = `ganlet search ${loaded.file} --out ${out}`;
  if (!exists(path)) {
    throw new GanletError('SEARCH_MISSING', `the widths that were chosen must be in ${path}, there is none`, {
      hint: `choose them first: ${run}, or ${run} --widths 32_24_…`,
    });
  }
  try {
    return searchResult.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new GanletError('NOTES_INVALID', `${path} must be what the search wrote, it is damaged`, {
      hint: `write it again from search.jsonl: ${run}`,
      cause,
    });
  }
}
