import { z } from 'zod';
import { recipeSchema } from './schema.ts';

/**
 * The recipe format as JSON Schema (draft 7, which editors' YAML plug-ins read): keys, rules, defaults and
 * descriptions. Combinations of keys are checked by `loadRecipe` only.
 */
export function recipeJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(recipeSchema, {
    io: 'input',
    target: 'draft-7',
    override: dropSafeIntegerBound,
  });
  const { $schema, ...rest } = schema;
  return { $schema, title: 'ganlet recipe', ...rest };
}

/** `recipeJsonSchema` as the text of recipes/recipe.schema.json: lists of single values stay on one line. */
export function recipeJsonSchemaText(): string {
  const text = JSON.stringify(recipeJsonSchema(), null, 2);
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
