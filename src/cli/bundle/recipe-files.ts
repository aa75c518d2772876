import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { cacheDir } from '../../data/cache-dir.ts';
import { drawingSets } from '../../data/emoji/styles-packages.ts';
import { hubSettings } from '../../data/hub/settings.ts';
import { openSource } from '../../data/index.ts';
import { comparedNetwork } from '../../metrics/networks/compared.ts';
import { featureNetwork, perceptualNetwork } from '../../metrics/networks/find.ts';
import { cardPath } from '../../pipeline/card.ts';
import { setMetrics } from '../../pipeline/measure/sets.ts';
import { varietyMetrics } from '../../pipeline/measure/variety.ts';
import { loadRecipe, requireFiles, resolvedYaml } from '../../recipe/load.ts';
import type { Recipe } from '../../recipe/schema.ts';
import { rulesOf } from '../../recipe/sources.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';
import type { BundledFile } from './packages.ts';

/** What a recipe needs besides ganlet. */
export interface RecipeFiles {
  /** The recipe with paths that hold in the bundle. */
  recipe: string;
  files: BundledFile[];
  /** Packages of the data. */
  packages: string[];
}

/**
 * Collects what a recipe reads: pictures, a teacher that is given with its card and discriminator, networks of metrics and losses;
 * published weights that are not here are fetched. The data is opened once, so that what is wrong with it is known here; pictures
 * that are drawn from packages are drawn into the folder `scratch`, which is to stay until the bundle is written. Throws what loading
 * the recipe and opening its data throw, and BUNDLE_PATH for a name that no archive can hold.
 */
export async function recipeFiles(path: string, scratch: string): Promise<RecipeFiles> {
  const loaded = loadRecipe(path);
  requireFiles(loaded);
  const { recipe } = loaded;
  const packages = packagesOf(recipe.data);
  await openSource({ ...recipe.data, ...(packages.length > 0 && { cache: scratch }) });
  const files: BundledFile[] = [];
  const whole = (from: string, place: string) => {
    for (const file of filesUnder(from))
      files.push({ path: `${place}/${slashed(relative(from, file))}`, from: file });
  };

  const { data, teacher } = recipe;
  whole(scratch, 'cache');
  if (data.path !== undefined && rulesOf(data.source).path !== 'packages') whole(data.path, 'data');
  else if (data.path !== undefined)
    for (const name of packages) whole(join(data.path, 'node_modules', name), `data/node_modules/${name}`);
  if (data.source === 'hub' && data.repo !== undefined) {
    const folder = `datasets--${data.repo.replace('/', '--')}`;
    for (const part of ['refs', 'snapshots'])
      whole(join(hubSettings().cache, folder, part), `hub/${folder}/${part}`);
  }
  const beside = (model: string, place: string) => {
    files.push({ path: place, from: model });
    if (exists(cardPath(model))) files.push({ path: cardPath(place), from: cardPath(model) });
  };
  if ('model' in teacher) {
    beside(teacher.model, 'teacher/teacher.onnx');
    const discriminator = join(dirname(teacher.model), 'discriminator.onnx');
    if (exists(discriminator)) files.push({ path: 'teacher/discriminator.onnx', from: discriminator });
  }

  const places = new Map<string, string>();
  /** Where a network is in the bundle, or its name where it is known by one. */
  const network = async (name: string, find: (name: string) => Promise<{ path: string }>) => {
    const known = places.get(name);
    if (known !== undefined) return known;
    const own = /\.onnx$/i.test(name);
    const found = (await find(name)).path;
    const cached = slashed(relative(cacheDir(), found));
    const place = own
      ? `networks/${places.size + 1}-${basename(found)}`
      : cached.startsWith('..')
        ? ''
        : `cache/${cached}`;
    if (place !== '') beside(found, place);
    places.set(name, own ? place : name);
    return places.get(name)!;
  };
  return {
    recipe: resolvedYaml(await moved(recipe, network)),
    files: checked(files),
    packages: data.path === undefined ? packages : [],
  };
}

/** Metrics that `evaluate.lpips` is the network of. */
const perceptual: readonly string[] = ['lpips', ...varietyMetrics];

/** The recipe with the places of what it reads in the bundle. */
async function moved(
  recipe: Recipe,
  network: (name: string, find: (name: string) => Promise<{ path: string }>) => Promise<string>,
): Promise<Recipe> {
  const { data, teacher, evaluate, search, distill, supernet, finetune, online } = recipe;
  const sets = setMetrics(evaluate.metrics).length > 0 || /\.onnx$/i.test(evaluate.features);
  const perceived =
    evaluate.metrics.some((name) => perceptual.includes(name)) || /\.onnx$/i.test(evaluate.lpips);
  const searched = search?.quality === 'lpips' ? perceptualNetwork : featureNetwork;
  // Named by default: nothing in the recipe changes, but it has to be there.
  if (search?.quality === 'lpips' && !search.features) await network('alex', perceptualNetwork);
  const compared = async <
    T extends { perceptual?: string | undefined; lambdaPerceptual?: number | undefined },
  >(
    config: T,
  ): Promise<T> =>
    config.perceptual === undefined
      ? config
      : { ...config, perceptual: await network(config.perceptual, comparedNetwork) };
  return {
    ...recipe,
    data: data.path === undefined ? data : { ...data, path: 'data' },
    teacher:
      'model' in teacher
        ? { model: 'teacher/teacher.onnx' }
        : { ...teacher, train: await compared(teacher.train) },
    ...(distill && { distill: await compared(distill) }),
    ...(online && { online: await compared(online) }),
    ...(supernet && { supernet: await compared(supernet) }),
    ...(finetune && { finetune: await compared(finetune) }),
    ...(search?.features && { search: { ...search, features: await network(search.features, searched) } }),
    evaluate: {
      ...evaluate,
      ...(sets && { features: await network(evaluate.features, featureNetwork) }),
      ...(perceived && { lpips: await network(evaluate.lpips, perceptualNetwork) }),
    },
  };
}

/** The optional packages that the data is drawn from. */
export function packagesOf(data: Recipe['data']): string[] {
  const styles = rulesOf(data.source).drawings?.(data) ?? [];
  return [...new Set(styles.map((style) => drawingSets[style].package))];
}

function filesUnder(folder: string): string[] {
  if (!exists(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    const found = entry.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : entry;
    if (found?.isDirectory()) return entry.name === 'node_modules' ? [] : filesUnder(path);
    return found?.isFile() ? [path] : [];
  });
}

const slashed = (path: string) => path.split(sep).join('/');

function checked(files: BundledFile[]): BundledFile[] {
  const long = files.find(({ path }) => path.split('/').some((part) => Buffer.byteLength(part) > 100));
  if (!long) return files;
  throw new GanletError(
    'BUNDLE_PATH',
    `a name in a bundle must have at most 100 bytes, ${long.from} has more`,
    {
      hint: 'rename the file',
    },
  );
}
