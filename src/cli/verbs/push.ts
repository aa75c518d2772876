import { text, usageError } from '../options.ts';
import { defineVerb } from '../verb.ts';

export const push = defineVerb({
  command: 'push <run>',
  describe: 'Upload the student of a finished run to the Hugging Face hub, with a model card',
  positionals: {
    run: { type: 'string', demandOption: true, describe: 'Folder of the run' },
  },
  options: {
    repo: text('--repo', 'Where to: owner/name'),
    private: { type: 'boolean', default: false, describe: 'Make a new repository private' },
    license: text(
      '--license',
      'Licence of the student, as the hub names it; by default as its data asks, or other',
    ),
    'dry-run': {
      type: 'boolean',
      default: false,
      describe: 'Show what would be uploaded, and upload nothing',
    },
  },
  examples: [
    ['ganlet push runs/quickstart --repo me/small-emoji --dry-run', 'look first; then with HF_TOKEN set'],
  ],
  async run(args) {
    const { run, repo, license, dryRun, quiet } = args;
    if (repo === undefined) {
      throw usageError(
        '--repo is missing: ganlet push <run> --repo owner/name',
        'ganlet push --help lists its arguments',
      );
    }
    const { push } = await import('../push.ts');
    await push({ run, repo, private: args.private, license, dryRun, quiet });
  },
});
