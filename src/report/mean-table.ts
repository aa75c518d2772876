import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { roles } from '../pipeline/measure/metrics-file.ts';
import { changedSettings, flatSettings } from '../train/changed-settings.ts';
import { GanletError } from '../util/errors.ts';
import { type Column, type TableFormat, table } from '../util/table.ts';
import { rawDistributionColumns } from './distribution-columns.ts';
import { notesOn, staleNotes, wrap } from './notes.ts';
import { rawColumns } from './raw-columns.ts';
import { type Result, readResults } from './results.ts';
import { rawSegmentationColumns } from './segmentation-columns.ts';
import { type ShownColumn, shownColumns } from './shown-columns.ts';
import { fitting, tableWidth } from './table.ts';
import { rawVarietyColumns } from './variety-columns.ts';

/** The networks that have one role in several runs. */
interface Group {
  role: string;
  results: readonly Result[];
}

/** Keys of a recipe that may differ between runs of which a mean is taken. */
const free = /^(name|seed|threads|backend|provider)$/;

/**
 * The table of runs that differ in their seed: a row for each role, its numbers the mean over the runs ± their standard deviation
 * (n − 1); a number that is the same in all of them stands alone. `md` and `latex` as in `resultsTable`; `csv` and `json` have
 * `<title> mean` and `<title> sd` for each number. Throws RUNS_DIFFER for fewer than two runs, for runs of other recipes, other
 * data or other networks, and what `readResults` does.
 */
export function meanTable(runs: readonly string[], format: TableFormat): string {
  const results = readResults(runs);
  const groups = grouped(results);
  needAlike(runs, results, groups);
  if (format === 'csv' || format === 'json') return table(groups, rawMeans(groups, results), format);
  const shown = shownColumns(results, format === 'md' ? '∞' : 'inf').filter(({ title }) => title !== 'run');
  const all = shown.map((column) => meanColumn(column));
  const columns = format === 'md' ? fitting(groups, all) : all;
  const names = [...new Set(results.map(({ run }) => run))];
  const titles = new Set(columns.map(({ title }) => title));
  const left = all.filter(({ title }) => !titles.has(title)).map(({ title }) => title);
  const kept = shown.filter(({ title }) => titles.has(title));
  const notes = [
    ...staleNotes(results),
    `Mean ± standard deviation of ${names.length} runs with seeds of their own: ${names.join(', ')}.`,
    ...notesOn(results.map(withoutIntervals), kept),
    ...(left.length > 0 ? [`Left out for space: ${left.join(', ')}; --format csv has everything.`] : []),
  ].join(' ');
  if (format === 'latex') {
    const comments = wrap(notes, tableWidth - 2).map((line) => `% ${line}\n`);
    return `${table(groups, columns, 'latex')}${comments.join('')}`;
  }
  return `${table(groups, columns, 'md')}\n${wrap(notes, tableWidth).join('\n')}\n`;
}

function grouped(results: readonly Result[]): Group[] {
  return roles.flatMap((role) => {
    const own = results.filter(({ model }) => model.role === role);
    return own.length > 0 ? [{ role, results: own }] : [];
  });
}

function meanColumn(column: ShownColumn): Column<Group> & { rank: number } {
  const { title, rank, align, number } = column;
  if (!number) return { title, rank, align: 'left', value: ({ role }) => role };
  const { of, scale, decimals } = number;
  const value = ({ results }: Group) => {
    const numbers = results.map(of);
    if (!numbers.every((x) => typeof x === 'number' && Number.isFinite(x))) {
      const texts = new Set(results.map(column.value));
      return texts.size === 1 ? [...texts][0] : '';
    }
    const { mean, sd } = meanAndSd(numbers as number[]);
    const [shown, spread] = [mean, sd].map((x) => (x / scale).toFixed(decimals));
    return sd === 0 ? shown : `${shown} ± ${spread}`;
  };
  return { title, rank, ...(align && { align }), value };
}

/** Intervals of single runs say less than the deviation between them, and would fill the notes. */
function withoutIntervals(result: Result): Result {
  const distributions = result.model.distributions?.map(({ overTeacher: _, ...rest }) => rest);
  return { ...result, model: { ...result.model, ...(distributions && { distributions }) } };
}

function rawMeans(groups: readonly Group[], results: readonly Result[]): Column<Group>[] {
  const raw: readonly Column<Result>[] = [
    ...rawColumns,
    ...rawDistributionColumns(results),
    ...rawVarietyColumns(results),
    ...rawSegmentationColumns(results),
  ];
  const numeric = raw.filter(({ value }) =>
    groups.some((group) => group.results.every((result) => typeof value(result) === 'number')),
  );
  const of = (group: Group, value: Column<Result>['value']) => {
    const numbers = group.results.map(value);
    return numbers.every((x) => typeof x === 'number') ? meanAndSd(numbers as number[]) : undefined;
  };
  return [
    { title: 'model', value: ({ role }) => role },
    { title: 'runs', value: (group) => group.results.length },
    ...numeric.flatMap(({ title, value }): Column<Group>[] => [
      { title: `${title} mean`, value: (group) => of(group, value)?.mean },
      { title: `${title} sd`, value: (group) => of(group, value)?.sd },
    ]),
  ];
}

function meanAndSd(numbers: readonly number[]): { mean: number; sd: number } {
  if (numbers.every((x) => x === numbers[0])) return { mean: numbers[0]!, sd: 0 };
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const squares = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, sd: Math.sqrt(squares / (numbers.length - 1)) };
}

function needAlike(runs: readonly string[], results: readonly Result[], groups: readonly Group[]): void {
  const names = [...new Set(results.map(({ run }) => run))];
  const differ = (found: string) =>
    new GanletError(
      'RUNS_DIFFER',
      `a mean must be over runs that differ in nothing but their seed, ${found}`,
      {
        hint: 'leave --mean out for one row for each network of each run',
      },
    );
  if (names.length < 2) throw differ(`got ${names.length === 1 ? 'one run' : 'none'}`);
  const incomplete = groups.find((group) => group.results.length !== names.length);
  if (incomplete) throw differ(`${incomplete.results.length} of ${names.length} have a ${incomplete.role}`);
  const first = results[0]!;
  for (const { run, metrics } of results) {
    for (const key of ['size', 'split', 'count'] as const) {
      if (metrics[key] !== first.metrics[key])
        throw differ(`${key} is ${first.metrics[key]} in ${first.run} and ${metrics[key]} in ${run}`);
    }
    if (metrics.data.hash !== first.metrics.data.hash)
      throw differ(`${first.run} and ${run} were measured on other pictures`);
  }
  const distinct = [...new Map(runs.map((run) => [run, recipeOf(run)]))];
  const [firstRun, settings] = distinct[0]!;
  for (const [run, own] of distinct.slice(1)) {
    const changes = settings && own ? changedSettings(settings, own) : [];
    if (changes.length > 0) throw differ(`from ${firstRun} to ${run} ${changes.slice(0, 3).join(', ')}`);
  }
}

/** The settings a run was made with, but for those that make no other recipe of it; undefined where it has none. */
function recipeOf(run: string): Record<string, unknown> | undefined {
  const path = join(run, 'recipe.yaml');
  if (!existsSync(path)) return undefined;
  const recipe = parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const kept = Object.entries(recipe ?? {}).filter(([key]) => !free.test(key));
  return { ...flatSettings('recipe', Object.fromEntries(kept)) };
}
