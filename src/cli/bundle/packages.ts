import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { GanletError } from '../../util/errors.ts';

/** A file to be bundled: its place in the bundle, with forward slashes, and where it is now. */
export interface BundledFile {
  readonly path: string;
  readonly from: string;
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Packages that only the demo needs, and that are large. */
const leftOut = new Set(['onnxruntime-web']);

/** What a package of ganlet's own is run from. */
const own = [
  ...['dist', 'recipes', 'package.json', 'LICENSE', 'src/demo/page', 'src/report/html/page'],
  'teachers/features-emoji-64',
];

/**
 * The files that ganlet needs to run on this platform: its own and those of the packages it depends on, without type
 * declarations, source maps, documentation and the native libraries of other platforms. Throws BUNDLE_INCOMPLETE when a package
 * is not installed. `more` are packages that are needed besides.
 */
export function bundledFiles(root: string, more: readonly string[] = []): BundledFile[] {
  const files = own.flatMap((part) => filesUnder(join(root, part), part));
  for (const { folder, place } of dependenciesOf(root, more))
    for (const { path, from } of filesUnder(folder, place)) files.push({ path, from });
  return files.filter(({ path }) => isNeeded(path));
}

/** Every package that is needed, with its folder and its place in the bundle. */
function dependenciesOf(root: string, more: readonly string[]): { folder: string; place: string }[] {
  const found = new Map<string, string>();
  const visit = (folder: string, besides: readonly string[] = []) => {
    const { name, dependencies = {}, optionalDependencies = {} } = manifestOf(folder);
    for (const needed of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...besides]) {
      if (leftOut.has(needed)) continue;
      const place = locate(folder, needed);
      if (place === undefined) {
        if (needed in optionalDependencies) continue;
        throw new GanletError('BUNDLE_INCOMPLETE', `${needed} must be installed, which ${name} needs`, {
          hint: 'install again: npm install',
        });
      }
      if (found.has(place)) continue;
      found.set(place, placeOf(place));
      visit(place);
    }
  };
  visit(root, more);
  return [...found].map(([folder, place]) => ({ folder, place }));
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** Where Node finds a package that is imported from a folder. */
function locate(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name);
    if (basename(folder) !== 'node_modules' && existsSync(join(place, 'package.json'))) return place;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Below the outermost `node_modules`, so that packages find each other as they do now. */
function placeOf(folder: string): string {
  const parts = folder.split(sep);
  return parts.slice(parts.indexOf('node_modules')).join('/');
}

function filesUnder(folder: string, place: string): BundledFile[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSyncOrFile(folder);
  if (!entries) return [{ path: place, from: folder }];
  return entries.flatMap((entry) => {
    if (entry.isDirectory())
      return entry.name === 'node_modules'
        ? []
        : filesUnder(join(folder, entry.name), `${place}/${entry.name}`);
    return entry.isFile() ? [{ path: `${place}/${entry.name}`, from: join(folder, entry.name) }] : [];
  });
}

function readdirSyncOrFile(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return undefined;
  }
}

const unneeded = [
  /\.(d\.[cm]?ts|map|md|markdown|flow|tsbuildinfo)$/i,
  /^node_modules\/.*\.[cm]?ts$/,
  /^node_modules\/(@[^/]+\/)?[^/]+\/(test|tests|docs|examples|benchmark|\.github)\//,
  /^node_modules\/(@types\/|onnxruntime-node\/(script|lib\/.*\.ts))/,
  // Sources of native code, and what is for browsers or a command line of its own.
  /^node_modules\/.*\.(cc|c|cpp|h|gypi?|umd\.js|min\.js)$/,
  /^node_modules\/(d3[^/]*\/dist\/[^/]+\.js$|@observablehq\/plot\/dist\/)/,
  /^node_modules\/@huggingface\/hub\/dist\/(browser\/|cli\.)/,
];

function isNeeded(path: string): boolean {
  if (unneeded.some((pattern) => pattern.test(path))) return false;
  const library = /^node_modules\/onnxruntime-node\/bin\/[^/]+\/([^/]+)\/([^/]+)\//.exec(path);
  return !library || (library[1] === process.platform && library[2] === process.arch);
}
