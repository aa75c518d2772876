import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { packagesOf } from '../../src/cli/bundle/recipe-files.ts';
import { drawingSets } from '../../src/data/emoji/styles-packages.ts';
import { loadFeaturesRecipe } from '../../src/recipe/features.ts';
import { recipeJsonSchema, recipeJsonSchemaText } from '../../src/recipe/json-schema.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { recipeKinds } from '../../src/recipe/names.ts';

const folder = join(import.meta.dirname, '../../recipes');
const all = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.yaml'),
);
const files = all.filter((file) => !file.startsWith('features/'));
const featureFiles = all.filter((file) => file.startsWith('features/'));

describe.each(files)('recipes/%s', (file) => {
  const path = join(folder, file);

  test('loads', () => {
    expect(loadRecipe(path).recipe.name).toContain(basename(file, '.yaml'));
  });

  test('says above its name what installs the packages of its data', () => {
    const [header] = readFileSync(path, 'utf8').split(/^name:/m);
    const installed = /^# {3}npm install (.*)$/m.exec(header!)?.[1]?.split(' ') ?? [];
    const versions = new Map<string, string>(
      Object.values(drawingSets).map((set) => [set.package, set.version]),
    );
    const needed = packagesOf(loadRecipe(path).recipe.data);
    expect(installed.toSorted()).toEqual(needed.map((name) => `${name}@${versions.get(name)}`).toSorted());
  });

  test('tells editors where its schema is', () => {
    const schema = relative(dirname(path), join(folder, 'recipe.schema.json'));
    const there = schema.startsWith('.') ? schema : `./${schema}`;
    expect(readFileSync(path, 'utf8').split('\n')[0]).toBe(`# yaml-language-server: $schema=${there}`);
  });
});

describe.each(featureFiles)('recipes/%s', (file) => {
  const path = join(folder, file);

  test('loads', () => {
    expect(loadFeaturesRecipe(path).recipe.name).toContain(basename(file, '.yaml'));
  });

  test('tells editors where its schema is', () => {
    expect(readFileSync(path, 'utf8').split('\n')[0]).toBe(
      '# yaml-language-server: $schema=./recipe.schema.json',
    );
  });
});

test('recipes/features/recipe.schema.json is what `ganlet schema --for features` prints', () => {
  const text = readFileSync(join(folder, 'features/recipe.schema.json'), 'utf8');
  expect(text).toBe(recipeJsonSchemaText('features'));
});

test('recipes/recipe.schema.json is what `ganlet schema` prints', () => {
  expect(readFileSync(join(folder, 'recipe.schema.json'), 'utf8')).toBe(recipeJsonSchemaText());
});

type Schema = {
  properties?: Record<string, Schema>;
  oneOf?: Schema[];
  anyOf?: Schema[];
  description?: string;
};

test('every key of the schema has a description, but for the type of a network', () => {
  const bare: string[] = [];
  const visit = (schema: Schema, path: string) => {
    for (const [key, child] of Object.entries(schema.properties ?? {})) {
      if (!child.description && key !== 'type') bare.push(`${path}${key}`);
      visit(child, `${path}${key}.`);
    }
    for (const branch of schema.oneOf ?? []) visit(branch, path);
  };
  for (const kind of recipeKinds) visit(recipeJsonSchema(kind) as Schema, '');
  expect(bare).toEqual([]);
});

test('the schema knows every key of the shipped recipes', () => {
  const knows = (schema: Schema, data: unknown, path: string): string[] => {
    if (typeof data !== 'object' || data === null || Array.isArray(data)) return [];
    const branches = [schema, ...(schema.oneOf ?? [])];
    return Object.entries(data).flatMap(([key, value]) => {
      const child = branches.map((branch) => branch.properties?.[key]).find(Boolean);
      return child ? knows(child, value, `${path}${key}.`) : [`${path}${key}`];
    });
  };
  for (const file of all) {
    const kind = file.startsWith('features/') ? 'features' : 'run';
    const data = parse(readFileSync(join(folder, file), 'utf8'));
    expect(knows(recipeJsonSchema(kind) as Schema, data, '')).toEqual([]);
  }
});
