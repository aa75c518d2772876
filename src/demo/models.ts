import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { type Condition, classesOf, pictureChannels } from '../data/source.ts';
import type { Graph } from '../graph/graph.ts';
import { declareInputs } from '../models/generator-inputs.ts';
import { countMacs, countParameters, inputSymbols } from '../ops/cost.ts';
import { loadOnnx } from '../ops/import-onnx.ts';
import { type Card, formOf, readCard } from '../pipeline/card.ts';
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
export interface DemoModel extends Omit<CatalogueModel, 'file' | 'inputs' | 'output' | 'channels'> {
  path: string;
  network: NetworkInput;
  graph: Graph;
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
  // It takes the pictures that the others make.
  if (!asked && card?.reverse) return undefined;
  let graph: Graph;
  let network: NetworkInput;
  try {
    graph = declareInputs(loadOnnx(path), card?.inputs ?? {});
    network = networkInput(graph, path, {
      size: size ?? sizeOf(card) ?? candidate.recipe?.data.size,
      condition: card?.condition,
    });
  } catch (error) {
    // A run may hold networks that nobody can draw for: a discriminator, a supernet.
    if (!asked && error instanceof GanletError && error.code === 'DEMO_UNFIT') return undefined;
    throw error;
  }
  const { range, outputRange } = formOf(card);
  const role = (card?.role ?? name) === 'teacher' ? 'teacher' : 'student';
  return {
    ...candidate,
    card,
    network,
    graph,
    role,
    range,
    outputRange,
    macs: countMacs(graph, inputSymbols(graph, { size: network.size })).true,
    params: countParameters(graph),
    bytes: statSync(path).size,
    sha256: await sha256File(path),
  };
}

/** The card is read leniently: its size may be anything. */
function sizeOf(card: Card | undefined): number | undefined {
  const size: unknown = card?.size;
  return typeof size === 'number' && Number.isInteger(size) && size > 0 ? size : undefined;
}

/** What the networks are given, named by the card of one of them where there is one. */
export function sharedCondition(models: readonly DemoModel[]): Condition {
  const named = models.find(({ card, network }) => card?.condition === network.condition);
  return (named ?? models[0]!).network.condition;
}

/** The page has one control: all networks must take what is set on it. */
function needOneInput(models: readonly DemoModel[]): void {
  const [first, ...others] = models;
  const names = JSON.stringify(sharedCondition(models));
  const refuse = (other: DemoModel, own: string, another: string) => {
    throw new GanletError(
      'DEMO_MIXED',
      `networks shown together must take equal ${taken(first!).what}: ${first!.path} takes ${own}, ${other.path} ${another}`,
      { hint: 'open a demo for each' },
    );
  };
  for (const other of others) {
    if (taken(other).text !== taken(first!).text) refuse(other, taken(first!).text, taken(other).text);
    const differs = other.card?.condition && JSON.stringify(other.network.condition) !== names;
    if (differs) refuse(other, 'those of one data set', 'those of another');
  }
}

/** In words, what a network takes. */
function taken({ network: { size, condition, latent } }: DemoModel): { what: string; text: string } {
  const channels = pictureChannels(condition);
  const several = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;
  const classes = several(classesOf(condition).length, 'class', 'classes');
  const kinds = {
    image: ['pictures', `${size}×${size} pixels in ${several(channels, 'channel', 'channels')}`],
    labels: ['label maps', `${size}×${size} labels in ${several(channels, 'channel', 'channels')}`],
    class: ['classes', `one of ${classes}, for ${size}×${size} pixels`],
    none: ['latents', `nothing but a latent, for ${size}×${size} pixels`],
  } as const;
  const [what, text] = kinds[condition.kind];
  const isBesides = condition.kind !== 'class' && classesOf(condition).length > 0;
  const parts = [
    text,
    ...(isBesides ? [`one of ${classes}`] : []),
    ...(latent > 0 ? [`a latent of ${several(latent, 'number', 'numbers')}`] : []),
  ];
  return { what, text: parts.join(', and ') };
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
