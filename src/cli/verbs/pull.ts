import { text, whole } from '../options.ts';
import { defineVerb } from '../verb.ts';

export const pull = defineVerb({
  command: 'pull [name]',
  describe: 'Fetch files from the Hugging Face hub or an address, verified, into the cache',
  positionals: {
    name: { type: 'string', describe: 'A known name, owner/name, owner/name/file, datasets/… or https://…' },
  },
  options: {
    revision: text('--revision', 'Branch, tag or commit; by default main'),
    sha256: text('--sha256', 'What the file must hash to; an address needs it'),
    offline: { type: 'boolean', default: false, describe: 'Use only what is in the cache' },
    list: {
      type: 'boolean',
      default: false,
      describe: 'Only list: the known names, or the files of a repository',
    },
    'at-once': whole('--at-once', 'Files of a repository fetched at the same time; by default 4', 1),
  },
  examples: [
    ['ganlet pull inception', 'the network of FID'],
    ['ganlet pull datasets/owner/name --list', 'what a repository holds'],
  ],
  async run(args) {
    const { pull } = await import('../pull.ts');
    const { interruptible } = await import('../interrupt.ts');
    const { name, revision, sha256, offline, list, atOnce, quiet } = args;
    await interruptible(() => pull({ name, revision, sha256, offline, list, atOnce, quiet }));
  },
});
