import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Graph } from '../graph/graph.ts';
import { countMacs, countParameters, inputSymbols } from '../ops/cost.ts';
import { loadOnnx } from '../ops/import-onnx.ts';
import { type Card, readCard } from '../pipeline/card.ts';
import { teacherFile } from '../pipeline/teacher.ts';
import { loadRecipe } from '../recipe/load.ts';
import type { Recipe } from '../recipe/schema.ts';
import { GanletError } from '../util/errors.ts';
import { exists } from '../util/exists.ts';
import { fileError } from '../util/file-error.ts';
import { sha256File } from '../util/hash.ts';
import type { CatalogueModel } from './catalogue.ts';
import { type NetworkInput, networkInput } from './network-input.ts';

/** A network to show: where it lies, how it is fed, what it costs. */
export interface DemoModel extends Omit<CatalogueModel, 'file' | 'input' | 'output' | 'channels'> {
  path: string;
  network: NetworkInput;
  card: Card | undefined;
  /** Recipe of the run it belongs to. */
  recipe?: Recipe;
}

interface Candidate {
  path: string;
  name: string;
  /** Named by the user, rather than found in a run. */
  asked: boolean;
  recipe?: Recipe;
}

/**
 * The networks of runs and of .onnx files, the cheapest first, each once. A run gives its teacher and every generator in its
 * folder; a file in it that is no such network is passed over. `size`, pixels, counts where neither network nor card says it.
 * Throws DEMO_MISSING, DEMO_MIXED for pictures of different sizes or channels, DEMO_UNFIT, DEMO_SIZE, and what `loadOnnx`
 * throws.
 */
export async function demoModels(paths: readonly string[], size?: number): Promise<DemoModel[]> {
  const found = new Map<string, DemoModel>();
  for (const candidate of paths.flatMap(candidatesOf)) {
    const model = await openModel(candidate, size);
    if (model && !found.has(model.sha256)) found.set(model.sha256, model);
  }
  if (found.size === 0) throw missing(paths.join(', '), 'no generator');
  const models = [...found.values()];
  needOneInput(models);
  return models
    .map((model) => ({ ...model, name: nameAmong(models, model) }))
    .sort((a, b) => a.macs - b.macs || a.name.localeCompare(b.name));
}

/** "student", or "run-a student" where another network has the same name. */
function nameAmong(models: readonly DemoModel[], { name, path }: DemoModel): string {
  const alone = models.filter((other) => other.name === name).length === 1;
  return alone ? name : `${basename(dirname(resolve(path)))} ${name}`;
}

function candidatesOf(path: string): Candidate[] {
  if (!exists(path)) throw missing(path, 'nothing of that name');
  if (!statSync(path).isDirectory()) {
    if (extname(path).toLowerCase() !== '.onnx') throw missing(path, 'another kind of file');
    return [{ path, name: basename(path, extname(path)), asked: true }];
  }
  const recipe = readRecipe(path);
  const files = listFolder(path).filter((file) => /\.onnx$/i.test(file) && file !== 'discriminator.onnx');
  const found = files.map((file) => ({ path: join(path, file), name: basename(file, extname(file)) }));
  if (recipe) {
    const teacher = teacherFile({ recipe, out: path });
    const known = found.some((other) => resolve(other.path) === resolve(teacher));
    if (!known && exists(teacher)) found.push({ path: teacher, name: 'teacher' });
  }
  if (found.length === 0) throw missing(path, 'a folder without one');
  return found.map((file) => ({ ...file, asked: false, ...(recipe && { recipe }) }));
}

async function openModel(
  { asked, ...candidate }: Candidate,
  size: number | undefined,
): Promise<DemoModel | undefined> {
  const { path, name } = candidate;
  const card = readCard(path);
  let graph: Graph;
  let network: NetworkInput;
  try {
    graph = loadOnnx(path);
    network = networkInput(graph, path, size ?? sizeOf(card) ?? candidate.recipe?.data.size);
  } catch (error) {
    // A run may hold networks that nobody can draw for: a discriminator, a supernet.
    if (!asked && error instanceof GanletError && error.code === 'DEMO_UNFIT') return undefined;
    throw error;
  }
  const role = (card?.role ?? name) === 'teacher' ? 'teacher' : 'student';
  return {
    ...candidate,
    card,
    network,
    role,
    range: rangeOf(card),
    macs: countMacs(graph, inputSymbols(graph, { size: network.size })).true,
    params: countParameters(graph),
    bytes: statSync(path).size,
    sha256: await sha256File(path),
  };
}

/** Of the card, where it is one; what ganlet trains is in [−1, 1]. */
function rangeOf(card: Card | undefined): [number, number] {
  const [low, high, ...others] = (Array.isArray(card?.range) ? card.range : []) as unknown[];
  const isRange = typeof low === 'number' && typeof high === 'number' && low < high && others.length === 0;
  return isRange ? [low, high] : [-1, 1];
}

/** The card is read leniently: its size may be anything. */
function sizeOf(card: Card | undefined): number | undefined {
  const size: unknown = card?.size;
  return typeof size === 'number' && Number.isInteger(size) && size > 0 ? size : undefined;
}

/** The page has one pad: all networks must take what is on it. */
function needOneInput(models: readonly DemoModel[]): void {
  const [first, ...others] = models;
  const text = ({ network: { size, condition } }: DemoModel) =>
    `${size}×${size} pixels in ${condition} ${condition === 1 ? 'channel' : 'channels'}`;
  const other = others.find((model) => text(model) !== text(first!));
  if (!other) return;
  throw new GanletError(
    'DEMO_MIXED',
    `networks shown together must take equal pictures: ${first!.path} takes ${text(first!)}, ${other.path} ${text(other)}`,
    { hint: 'open a demo for each' },
  );
}

function readRecipe(run: string): Recipe | undefined {
  const path = join(run, 'recipe.yaml');
  try {
    return exists(path) ? loadRecipe(path).recipe : undefined;
  } catch {
    // A recipe of another version: the networks in the folder can still be tried.
    return undefined;
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    throw fileError('list', path, error);
  }
}

function missing(path: string, found: string): GanletError {
  return new GanletError(
    'DEMO_MISSING',
    `${path} must be a run's folder or an .onnx generator, found ${found}`,
    {
      hint: 'ganlet run <recipe> makes a run; without an argument the demo shows what ships with ganlet',
    },
  );
}
