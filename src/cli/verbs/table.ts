import { choice, text } from '../options.ts';
import { defineVerb } from '../verb.ts';

const formats = ['md', 'csv', 'json', 'latex'] as const;

export const table = defineVerb({
  command: 'table <runs..>',
  describe: 'Print what the networks of finished runs cost and how well they do',
  positionals: {
    runs: { type: 'string', array: true, demandOption: true, describe: 'Folders of runs' },
  },
  options: {
    format: choice('--format', 'How to write it; by default md', formats),
    json: { type: 'boolean', default: false, describe: 'Short for --format json' },
    mean: {
      type: 'boolean',
      default: false,
      describe: 'Take runs that differ in their seed as one: mean ± standard deviation',
    },
    out: text('--out', 'Write to this file instead'),
  },
  examples: [
    ['ganlet table runs/* --format csv', 'one row for each network'],
    ['ganlet table runs/my-seed-* --mean', 'one row for each role'],
  ],
  async run(args) {
    const { resultsTable } = await import('../../report/table.ts');
    const { meanTable } = await import('../../report/mean-table.ts');
    const format = args.format ?? (args.json ? 'json' : 'md');
    const text = args.mean ? meanTable(args.runs, format) : resultsTable(args.runs, format);
    if (args.out === undefined) {
      process.stdout.write(text);
      return;
    }
    const { writeFileAtomic } = await import('../../util/atomic.ts');
    await writeFileAtomic(args.out, text);
  },
});
