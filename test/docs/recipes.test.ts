import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { recipeJsonSchema } from '../../src/recipe/json-schema.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { folderWith } from '../cli/ganlet.ts';
import { pages, readPage } from './markdown.ts';

interface Schema {
  properties?: Record<string, Schema>;
  oneOf?: Schema[];
  anyOf?: Schema[];
  items?: Schema;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  type?: string;
}

/** A key as one place of the schema, or one row of the page, has it. */
interface Key {
  path: string;
  default: unknown;
  words: string[];
}

const schemaKeys = keysOf(recipeJsonSchema() as Schema, '');
const paths = new Set(schemaKeys.map(({ path }) => path));
const rows = documentedKeys();

function keysOf(schema: Schema, prefix: string): Key[] {
  return [schema, ...(schema.oneOf ?? [])].flatMap(({ properties = {} }) =>
    Object.entries(properties).flatMap(([name, child]) => {
      const path = `${prefix}${name}`;
      const isSection = child.properties !== undefined || child.oneOf?.[0]?.properties !== undefined;
      const key = { path, default: isSection ? undefined : child.default, words: wordsOf(child) };
      return [key, ...keysOf(child, `${path}.`)];
    }),
  );
}

/** The words a key can be, in a list or alone. */
function wordsOf({ enum: words = [], const: word, type, items, anyOf = [] }: Schema): string[] {
  const own = type === 'boolean' ? [true, false] : word === undefined ? words : [...words, word];
  return [...own.map(String), ...[...(items ? [items] : []), ...anyOf].flatMap(wordsOf)];
}

/** The rows of docs/recipes.md below its headings; a heading names the sections its table is of. */
function documentedKeys(): Key[] {
  const { prose } = readPage('docs/recipes.md');
  const [, ...parts] = prose.slice(prose.indexOf('\n# Keys')).split(/^##+ /m);
  return parts.flatMap((part) => {
    const [heading, ...lines] = part.split('\n') as [string, ...string[]];
    const sections = [...heading.matchAll(/`([^`]+)`/g)].map(([, section]) => `${section}.`);
    return lines.flatMap((line) => {
      const [, key, values, written] = /^\| `(\w+)` \| (.*?) \| (.*?) \| .* \|$/.exec(line) ?? [];
      if (key === undefined) return [];
      const [, code] = /^`(.*)`$/.exec(written!) ?? [];
      const words = [...values!.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);
      return (sections.length > 0 ? sections : ['']).map((section) => ({
        path: `${section}${key}`,
        default: code === undefined ? undefined : parse(code),
        words,
      }));
    });
  });
}

test('docs/recipes.md has a row for every key of the schema', () => {
  const documented = new Set(rows.map(({ path }) => path));
  expect([...paths].filter((path) => !documented.has(path))).toEqual([]);
});

test('docs/recipes.md has no key that the schema does not have', () => {
  expect(rows.map(({ path }) => path).filter((path) => !paths.has(path))).toEqual([]);
});

test.each(rows)('$path is documented with its default and its words', ({ path, default: value, words }) => {
  const same = schemaKeys.filter((key) => key.path === path);
  expect(same.map((key) => key.default)).toContainEqual(value);
  const choices = [...same.map((key) => key.words), [...new Set(same.flatMap((key) => key.words))]];
  if (choices.at(-1)!.length > 0)
    expect(choices.map((all) => all.toSorted())).toContainEqual(words.toSorted());
});

/** Keys of recipe data that the schema does not have. */
function unknownKeys(data: unknown, prefix = ''): string[] {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return [];
  return Object.entries(data).flatMap(([key, value]) =>
    paths.has(`${prefix}${key}`) ? unknownKeys(value, `${prefix}${key}.`) : [`${prefix}${key}`],
  );
}

const blocks = pages(['README.md', 'docs']).flatMap(({ path, blocks: all }) =>
  all
    .filter(({ language }) => language === 'yaml')
    .map(({ line, text }) => ({ place: `${path}:${line}`, text })),
);

describe.each(blocks)('the YAML at $place', ({ text }) => {
  test('has only keys of recipes, and loads if it is a whole one', () => {
    expect(unknownKeys(parse(text))).toEqual([]);
    if (!text.startsWith('name:')) return;
    const { recipe } = loadRecipe(`${folderWith({ 'recipe.yaml': text })}/recipe.yaml`);
    expect(text).toContain(`name: ${recipe.name}\n`);
  });
});
