import { formatBytes } from '../../util/format.ts';
import { text } from '../options.ts';
import { defineVerb } from '../verb.ts';

export const bundle = defineVerb({
  command: 'bundle',
  describe: 'Write one archive that runs on a Linux machine without a network',
  positionals: {},
  options: {
    out: text('--out', 'The archive; by default ganlet-<platform>-<architecture>.tgz'),
    with: text('--with', 'A recipe whose pictures, teacher and networks are packed too'),
    fast: {
      type: 'boolean',
      default: false,
      describe: 'Pack several times faster, to a tenth more',
    },
  },
  examples: [
    ['ganlet bundle --out ganlet.tgz', 'then, over there: tar xf ganlet.tgz'],
    ['ganlet bundle --with my.yaml', 'with all that ganlet run my.yaml reads'],
  ],
  async run({ out = `ganlet-${process.platform}-${process.arch}.tgz`, fast, with: recipe, quiet }) {
    const { createLog } = await import('../../util/log.ts');
    const { writeBundle } = await import('../bundle/write.ts');
    const bytes = await writeBundle({ out, fast, recipe });
    createLog(quiet ? 'warn' : 'info').info(`wrote ${out}, ${formatBytes(bytes)}`);
  },
});
