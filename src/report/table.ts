import { join } from 'node:path';
import type { RunContext } from '../pipeline/context.ts';
import { writeFileAtomic } from '../util/atomic.ts';
import { type Column, type TableFormat, table } from '../util/table.ts';
import { rawDistributionColumns } from './distribution-columns.ts';
import { notesOn, staleNotes, wrap } from './notes.ts';
import { rawColumns } from './raw-columns.ts';
import { readResults } from './results.ts';
import { rawSegmentationColumns } from './segmentation-columns.ts';
import { shownColumns } from './shown-columns.ts';
import { rawVarietyColumns } from './variety-columns.ts';

/** Characters a line of a table may have. */
export const tableWidth = 80;

/**
 * What the networks of runs cost and how well they do, a row each: run by run, teacher, baselines, student.
 *
 * `md` and `latex`: rounded numbers with units in the titles, and notes on how they were counted (comments in LaTeX). `md`
 * leaves out the less important columns, named below it, to stay within 80 characters. `csv` and `json`: everything, in base
 * units (bytes, milliseconds, single multiply-adds, dB). Throws RUN_MISSING, METRICS_MISSING, METRICS_INVALID.
 */
export function resultsTable(runs: readonly string[], format: TableFormat): string {
  const results = readResults(runs);
  if (format === 'csv' || format === 'json') {
    return table(
      results,
      [
        ...rawColumns,
        ...rawDistributionColumns(results),
        ...rawVarietyColumns(results),
        ...rawSegmentationColumns(results),
      ],
      format,
    );
  }
  const all = shownColumns(results, format === 'md' ? '∞' : 'inf');
  if (format === 'latex') {
    const notes = [...staleNotes(results), ...notesOn(results, all)].join(' ');
    const comments = wrap(notes, tableWidth - 2).map((line) => `% ${line}\n`);
    return `${table(results, all, 'latex')}${comments.join('')}`;
  }
  const columns = fitting(results, all);
  const left = all.filter((column) => !columns.includes(column)).map(({ title }) => title);
  const notes = notesOn(results, columns);
  if (left.length > 0) notes.push(`Left out for space: ${left.join(', ')}; --format csv has everything.`);
  const paragraphs = [...staleNotes(results), notes.join(' ')];
  const lines = paragraphs.flatMap((paragraph) => ['', ...wrap(paragraph, tableWidth)]);
  return `${table(results, columns, 'md')}${lines.map((line) => `${line}\n`).join('')}`;
}

/** Writes the run's table into `table.md` and prints it on stdout. Throws as `resultsTable`. */
export async function tableStage({ out }: RunContext): Promise<void> {
  const text = resultsTable([out], 'md');
  await writeFileAtomic(join(out, 'table.md'), text);
  process.stdout.write(text);
}

/** The columns that fit the width, the most important ones first considered; a narrow one may fit where a wider did not. */
export function fitting<Row, C extends Column<Row> & { rank: number }>(
  rows: readonly Row[],
  columns: readonly C[],
): C[] {
  let chosen = columns.filter(({ rank }) => rank === 0);
  for (const candidate of columns.filter(({ rank }) => rank > 0).sort((a, b) => a.rank - b.rank)) {
    const wider = columns.filter((column) => column === candidate || chosen.includes(column));
    const [line] = table<Row>(rows, wider, 'md').split('\n');
    if ([...line!].length <= tableWidth) chosen = wider;
  }
  return chosen;
}
