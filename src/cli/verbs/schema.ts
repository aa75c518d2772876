import { text } from '../options.ts';
import { defineVerb } from '../verb.ts';

export const schema = defineVerb({
  command: 'schema',
  describe: 'Print the JSON Schema of recipes: every key with its rule and default',
  positionals: {},
  options: { out: text('--out', 'Write to this file instead') },
  async run({ out }) {
    const { recipeJsonSchemaText } = await import('../../recipe/json-schema.ts');
    if (out === undefined) {
      process.stdout.write(recipeJsonSchemaText());
      return;
    }
    const { writeFileAtomic } = await import('../../util/atomic.ts');
    await writeFileAtomic(out, recipeJsonSchemaText());
  },
});
