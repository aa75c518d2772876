import { appendLine, readJsonLines } from '../util/json-lines.ts';

/** One line of `search.jsonl`: a vector, what it costs, and how good it is. */
export interface ScoreLine {
  /** Of all that the quality depends on: network, vector, metric, pictures. */
  key: string;
  /** "32_24_16_…" */
  genome: string;
  /** Channels of each group. */
  widths: Readonly<Record<string, number>>;
  /** Multiply-adds, `Macs.true`. */
  macs: number;
  params: number;
  latencyMs: number | null;
  quality: number;
  metric: string;
  /** Which held-out pictures. */
  part: 'search' | 'finalists';
  generation: number;
  /** Time the evaluation took. */
  seconds: number;
}

/** The scores of a search as they are found, kept in a file from which an interrupted search goes on. */
export interface ScoreBook {
  find(key: string): ScoreLine | undefined;
  add(line: ScoreLine): void;
}

/** Opens the file, or begins one. An unfinished last line is left out. Throws as `readJsonLines` and `appendLine`. */
export function openScoreBook(path: string): ScoreBook {
  const lines = new Map<string, ScoreLine>();
  for (const line of readJsonLines<ScoreLine>(path)) lines.set(line.key, line);
  return {
    find: (key) => lines.get(key),
    add(line) {
      appendLine(path, line);
      lines.set(line.key, line);
    },
  };
}
