import { expect, test } from 'vitest';
import { recipeJsonSchema } from '../../src/recipe/json-schema.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { recipeFile, studentRecipe } from './recipe-file.ts';

type Schema = { properties?: Record<string, Schema>; oneOf?: Schema[] };

function keysOf(schema: Schema, path: readonly string[] = []): string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, child]) => [
    [...path, key].join('.'),
    ...keysOf(child, [...path, key]),
  ]);
  return [...own, ...(schema.oneOf ?? []).flatMap((branch) => keysOf(branch, path))];
}

const keys = [...new Set(keysOf(recipeJsonSchema() as Schema))];
const values = [
  'null',
  'true',
  '-1',
  '0',
  '1.5',
  '1e9',
  '.nan',
  'x',
  '""',
  '[]',
  '[1]',
  '[x, x]',
  '[[]]',
  '{}',
  '{a: 1}',
];

test('whatever a key is set to, it is taken or refused in our words', () => {
  const file = recipeFile(studentRecipe);
  expect(keys.length).toBeGreaterThan(60);
  const odd: string[] = [];
  let refused = 0;
  for (const set of keys.flatMap((key) => values.map((value) => `${key}=${value}`))) {
    try {
      loadRecipe(file, { set: [set] });
    } catch (error) {
      const lines = (error as Error).message.split('\n');
      odd.push(
        ...lines.filter((line) => !/^\S.* {2}[\w. ]+ (must (be|have|not) |is not a known key)/.test(line)),
      );
      refused++;
    }
  }
  expect(odd).toEqual([]);
  expect(refused).toBeGreaterThan(keys.length);
});
