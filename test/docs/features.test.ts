import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { recipeJsonSchema } from '../../src/recipe/json-schema.ts';
import { readPage } from './markdown.ts';

interface Schema {
  properties?: Record<string, Schema>;
  default?: unknown;
}

/** `train.steps` → its default, undefined where there is none. */
function keysOf({ properties = {} }: Schema, prefix = ''): [string, unknown][] {
  return Object.entries(properties).flatMap(([name, child]): [string, unknown][] =>
    child.properties ? keysOf(child, `${prefix}${name}.`) : [[`${prefix}${name}`, child.default]],
  );
}

test('docs/features.md has a row with its default for every key of these recipes, and no other', () => {
  const { prose } = readPage('docs/features.md');
  const rows = [...prose.matchAll(/^\| `([\w.]+)` \| (.*?) \| .* \|$/gm)].map(([, key, written]) => {
    const [, code] = /^`(.*)`$/.exec(written!) ?? [];
    return [key, code === undefined ? undefined : parse(code)];
  });
  expect(Object.fromEntries(rows)).toEqual(
    Object.fromEntries(keysOf(recipeJsonSchema('features') as Schema)),
  );
});
