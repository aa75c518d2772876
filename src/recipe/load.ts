import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Alias, type Document, LineCounter, parseDocument, stringify, visit } from 'yaml';
import type { z } from 'zod';
import { GanletError } from '../util/errors.ts';
import { exists } from '../util/exists.ts';
import { applyOverrides, type Override, parseSet } from './overrides.ts';
import { describeIssues, type Locate, locator } from './problems.ts';
import { readRecipe } from './read.ts';
import { type Recipe, recipeSchema } from './schema.ts';

export interface LoadedRecipe {
  /** Checked, defaults filled in, paths absolute. */
  recipe: Recipe;
  /** The recipe's file, as it was named. */
  file: string;
  /** Where a key stands, for messages: `quick.yaml:4:9`. */
  locate: Locate;
}

export interface LoadOptions {
  /** `key=value` texts that take the place of what the file says, as by `--set`; the last one wins. */
  set?: readonly string[] | undefined;
  seed?: number | undefined;
  threads?: number | undefined;
  provider?: string | undefined;
  backend?: string | undefined;
}

/**
 * Reads a recipe. Relative paths in it, or given by `set`, are taken from the recipe's folder.
 *
 * Throws RECIPE_MISSING; RECIPE_INVALID with a line `file:line:column  key must be …, got …` for every problem
 * (or the flag in the place of `file:line:column`); USAGE for a `set` that is not key=value.
 */
export function loadRecipe(file: string, options: LoadOptions = {}): LoadedRecipe {
  const { value, locate } = loadChecked(recipeSchema, file, options, '`ganlet schema`');
  return { recipe: absolutePaths(value, dirname(resolve(file))), file, locate };
}

/**
 * Reads a recipe of any kind: what its schema makes of the file, paths as they were written. Throws as `loadRecipe`; `lister` is
 * what prints the keys of this kind, for the hint.
 */
export function loadChecked<S extends z.ZodType>(
  schema: S,
  file: string,
  options: LoadOptions,
  lister: string,
): { value: z.output<S>; locate: Locate } {
  const overrides = [...(options.set ?? []).map(parseSet), ...namedOverrides(options)];
  const lines = new LineCounter();
  const text = readRecipe(file);
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const find = locator(file, document, lines, overrides);

  const syntax = [...document.errors, ...document.warnings].map((problem) => {
    const { line, col } = lines.linePos(problem.pos[0]);
    return `${file}:${line}:${col}  ${yamlProblem(problem.message)}`;
  });
  if (syntax.length > 0)
    throw invalid(syntax, 'a recipe is YAML: "key: value" lines, sections by indentation');

  const data = applyOverrides(plainData(file, document, lines), overrides);
  const result = schema.safeParse(data);
  if (!result.success) {
    const problems = describeIssues(result.error.issues, data, find);
    throw invalid(problems, `${lister} prints every key with its rule and default`);
  }
  return { value: result.data, locate: (path) => find(path).text };
}

/** Throws RECIPE_INVALID when a file or folder that the recipe reads from is not there. */
export function requireFiles({ recipe, locate }: LoadedRecipe): void {
  const problems: string[] = [];
  const { teacher, data } = recipe;
  if ('model' in teacher && !exists(teacher.model)) {
    problems.push(
      `${locate(['teacher', 'model'])}  teacher.model must be a file, found none at ${teacher.model}`,
    );
  }
  if (data.path !== undefined && !(exists(data.path) && statSync(data.path).isDirectory())) {
    problems.push(`${locate(['data', 'path'])}  data.path must be a folder, found none at ${data.path}`);
  }
  if (data.classes !== undefined && !exists(data.classes))
    problems.push(
      `${locate(['data', 'classes'])}  data.classes must be a file, found none at ${data.classes}`,
    );
  if (problems.length > 0) throw invalid(problems, "paths in a recipe are relative to the recipe's folder");
}

/** The recipe with every default written out, as YAML that loads to the same recipe from any folder. */
export function resolvedYaml(recipe: object): string {
  return stringify(recipe, { lineWidth: 0, aliasDuplicateObjects: false });
}

function namedOverrides({ seed, threads, provider, backend }: LoadOptions): Override[] {
  return Object.entries({ seed, threads, provider, backend })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ flag: `--${key} ${value}`, path: [key], value }));
}

/** The document's data. Aliases that refer to nothing, or multiply beyond measure, show only here. */
function plainData(file: string, document: Document.Parsed, lines: LineCounter): unknown {
  try {
    return document.toJS();
  } catch (error) {
    const { line, col } = lines.linePos(firstBadAlias(document));
    const problem = yamlProblem((error as Error).message);
    throw invalid([`${file}:${line}:${col}  ${problem}`], 'write values out instead of aliases');
  }
}

/** Where the first alias without an anchor stands; where all have one, the first alias. */
function firstBadAlias(document: Document.Parsed): number {
  const aliases: Alias[] = [];
  visit(document, {
    Alias: (_key, node) => {
      aliases.push(node);
    },
  });
  const bad = aliases.find((alias) => !alias.resolve(document)) ?? aliases[0];
  return bad?.range?.[0] ?? 0;
}

function yamlProblem(message: string): string {
  const several = message.startsWith('Source contains multiple documents');
  const deep = message.startsWith('Maximum call stack size');
  const first = message.split('\n')[0]!.replace(/[.:]?\s*$/, '');
  const short = several ? 'a second document begins here' : deep ? 'it is nested too deeply' : first;
  return `is not valid YAML: ${short}`;
}

function absolutePaths(recipe: Recipe, folder: string): Recipe {
  const { data, teacher, evaluate, distill, online, supernet, search, finetune } = recipe;
  const network = (name: string) => (/\.onnx$/i.test(name) ? resolve(folder, name) : name);
  const training = <T extends { perceptual?: string | undefined }>(config: T): T =>
    config.perceptual === undefined ? config : { ...config, perceptual: network(config.perceptual) };
  return {
    ...recipe,
    ...(distill && { distill: training(distill) }),
    ...(online && { online: training(online) }),
    ...(supernet && { supernet: training(supernet) }),
    ...(finetune && { finetune: training(finetune) }),
    ...(search?.features && { search: { ...search, features: network(search.features) } }),
    evaluate: { ...evaluate, features: network(evaluate.features), lpips: network(evaluate.lpips) },
    data: {
      ...data,
      ...(data.path !== undefined && { path: resolve(folder, data.path) }),
      ...(data.classes !== undefined && { classes: resolve(folder, data.classes) }),
    },
    teacher:
      'model' in teacher
        ? { model: resolve(folder, teacher.model) }
        : { ...teacher, train: training(teacher.train) },
  };
}

/** More problems than these are not worth reading before some are solved. */
const shown = 20;

function invalid(all: readonly string[], hint: string): GanletError {
  const problems = [...new Set(all)];
  const more = problems.length > shown ? [`and ${problems.length - shown} more`] : [];
  return new GanletError('RECIPE_INVALID', [...problems.slice(0, shown), ...more].join('\n'), { hint });
}
