import { z } from 'zod';
import { featuresSchema } from './features.ts';
import type { RecipeKind } from './names.ts';
import { recipeSchema } from './schema.ts';

const schemas = { run: recipeSchema, features: featuresSchema } satisfies Record<RecipeKind, z.ZodType>;

/**
 * The recipe format as JSON Schema (draft 7, which editors' YAML plug-ins read): keys, rules, defaults and
 * descriptions. Combinations of keys are checked by `loadRecipe` only.
 */
export function recipeJsonSchema(kind: RecipeKind = 'run'): Record<string, unknown> {
  const schema = z.toJSONSchema(schemas[kind], {
    io: 'input',
    target: 'draft-7',
    override: dropSafeIntegerBound,
  });
  const { $schema, ...rest } = schema;
  const title = kind === 'run' ? 'ganlet recipe' : `ganlet recipe for ${kind}`;
  return { $schema, title, ...rest };
}

/** `recipeJsonSchema` as the text of a recipe.schema.json: lists of single values stay on one line. */
export function recipeJsonSchemaText(kind: RecipeKind = 'run'): string {
  const text = JSON.stringify(recipeJsonSchema(kind), null, 2);
  const compact = text.replace(
    /\[\s+([^[\]{}]*?)\s+\]/g,
    (_all, items: string) => `[${items.replace(/\s*\n\s*/g, ' ')}]`,
  );
  return `${compact}\n`;
}

function dropSafeIntegerBound({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
}
