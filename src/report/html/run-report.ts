import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { channelGroups } from '../../compress/groups.ts';
import { inputSymbols, type LayerCost, layerCosts } from '../../ops/cost.ts';
import { loadOnnx } from '../../ops/import-onnx.ts';
import { type Card, readCard } from '../../pipeline/card.ts';
import type { MetricsFile } from '../../pipeline/measure/metrics-file.ts';
import { exists } from '../../util/exists.ts';
import { readJsonLines } from '../../util/json-lines.ts';
import { type Result, readResults } from '../results.ts';
import { readSearch, type Searched } from './candidates.ts';

/** What a network is made of, read from its file. */
export interface Anatomy {
  /** Channels of every group that can be narrowed, in the order of the network. */
  groups: ReadonlyMap<string, number>;
  layers: readonly LayerCost[];
}

/** One training of a run: a record every so many steps. */
export interface Training {
  name: string;
  records: readonly Record<string, unknown>[];
}

/** All that a report says of one run; what the run lacks is empty. */
export interface RunReport {
  name: string;
  folder: string;
  metrics: MetricsFile;
  /** Teacher, then naive, then student. */
  results: readonly Result[];
  /** By role, for the networks whose files are there. */
  anatomies: ReadonlyMap<string, Anatomy>;
  cards: ReadonlyMap<string, Card>;
  trainings: readonly Training[];
  search: Searched;
  recipe: string | undefined;
}

/** Reads what runs hold, a run named twice once. Throws as `readResults`, and JSONL_INVALID. */
export function readRuns(runs: readonly string[]): RunReport[] {
  const results = readResults(runs);
  const folders = [...new Set(runs.map((run) => resolve(run)))];
  const names = [...new Set(results.map(({ run }) => run))];
  return names.map((name, i) => {
    const folder = folders[i]!;
    const own = results.filter(({ run }) => run === name);
    const anatomies = new Map<string, Anatomy>();
    const cards = new Map<string, Card>();
    for (const { model, metrics, current } of own) {
      const path = resolve(folder, model.file);
      const card = readCard(path);
      if (card && current) cards.set(model.role, card);
      const anatomy = current ? anatomyOf(path, metrics.size) : undefined;
      if (anatomy) anatomies.set(model.role, anatomy);
    }
    const recipe = join(folder, 'recipe.yaml');
    return {
      name,
      folder,
      metrics: own[0]!.metrics,
      results: own,
      anatomies,
      cards,
      trainings: trainingsOf(folder),
      search: readSearch(folder),
      recipe: exists(recipe) ? readFileSync(recipe, 'utf8') : undefined,
    };
  });
}

/** Undefined for a file that is gone or cannot be read: the report says less then. */
function anatomyOf(path: string, size: number): Anatomy | undefined {
  try {
    const graph = loadOnnx(path);
    const groups = channelGroups(graph).list.filter(({ narrowable }) => narrowable);
    return {
      groups: new Map(groups.map(({ name, width }) => [name, width])),
      layers: layerCosts(graph, inputSymbols(graph, { size })),
    };
  } catch {
    return undefined;
  }
}

function trainingsOf(folder: string): Training[] {
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders
    .map(({ name }) => ({ name, records: readJsonLines(join(folder, name, 'stats.jsonl')) }))
    .filter(({ records }) => records.length > 0);
}
