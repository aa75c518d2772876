import { recipeKinds } from '../../recipe/names.ts';
import { choice, text } from '../options.ts';
import { defineVerb } from '../verb.ts';

export const schema = defineVerb({
  command: 'schema',
  describe: 'Print the JSON Schema of recipes: every key with its rule and default',
  positionals: {},
  options: {
    for: choice('--for', 'The verb whose recipes are meant; by default run', recipeKinds),
    out: text('--out', 'Write to this file instead'),
  },
  async run({ for: kind, out }) {
    const { recipeJsonSchemaText } = await import('../../recipe/json-schema.ts');
    if (out === undefined) {
      process.stdout.write(recipeJsonSchemaText(kind));
      return;
    }
    const { writeFileAtomic } = await import('../../util/atomic.ts');
    await writeFileAtomic(out, recipeJsonSchemaText(kind));
  },
});
