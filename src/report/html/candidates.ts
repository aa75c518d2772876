import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonLines } from '../../util/json-lines.ts';

const candidate = z.object({
  genome: z.string(),
  macs: z.number(),
  params: z.number(),
  latencyMs: z.number().nullable(),
  quality: z.number(),
  metric: z.string(),
  part: z.string().catch('search'),
  generation: z.number().catch(0),
});

/** One configuration that a search has evaluated; its quality is a distance, smaller is better. */
export type Candidate = z.infer<typeof candidate>;

/** What the search of a run has left. */
export interface Searched {
  /** In the order in which they were evaluated. */
  candidates: readonly Candidate[];
  /** Lines that are no configuration. */
  unread: number;
  /** The genome that was chosen. */
  chosen: string | undefined;
}

const chosenVector = z.looseObject({ vector: z.string() });

/** Reads `search/search.jsonl` and the choice in `search/result.json`. Throws JSONL_INVALID for a line that is no JSON. */
export function readSearch(run: string): Searched {
  const records = readJsonLines(join(run, 'search', 'search.jsonl')).map((record) =>
    candidate.safeParse(record),
  );
  const all = records.flatMap(({ data }) => (data ? [data] : []));
  return {
    // Finalists are scored again on other pictures: those numbers are not to be compared with these.
    candidates: all.filter(({ part }) => part === 'search'),
    unread: records.length - all.length,
    chosen: readChosen(run),
  };
}

function readChosen(run: string): string | undefined {
  try {
    const text = readFileSync(join(run, 'search', 'result.json'), 'utf8');
    return chosenVector.parse(JSON.parse(text)).vector;
  } catch {
    // The search is not finished yet.
    return undefined;
  }
}
