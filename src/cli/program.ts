import yargs from 'yargs';
import { toolVersion } from '../util/version.ts';
import { checkArguments, checkPositionals, translate } from './arguments.ts';
import { printError } from './print-error.ts';
import { sharedOptions, type Verb } from './verb.ts';
import { bundle } from './verbs/bundle.ts';
import { compress } from './verbs/compress.ts';
import { data } from './verbs/data.ts';
import { demo } from './verbs/demo.ts';
import { distill } from './verbs/distill.ts';
import { doctor } from './verbs/doctor.ts';
import { evaluate } from './verbs/evaluate.ts';
import { exportStudent } from './verbs/export.ts';
import { features } from './verbs/features.ts';
import { finetune } from './verbs/finetune.ts';
import { importCheckpoint } from './verbs/import.ts';
import { inspect } from './verbs/inspect.ts';
import { model } from './verbs/model.ts';
import { profile } from './verbs/profile.ts';
import { pull } from './verbs/pull.ts';
import { push } from './verbs/push.ts';
import { report } from './verbs/report.ts';
import { run } from './verbs/run.ts';
import { schema } from './verbs/schema.ts';
import { search } from './verbs/search.ts';
import { supernet } from './verbs/supernet.ts';
import { table } from './verbs/table.ts';
import { teach } from './verbs/teach.ts';

const verbs: Verb[] = [
  run,
  compress,
  data,
  teach,
  distill,
  supernet,
  search,
  finetune,
  exportStudent,
  evaluate,
  table,
  report,
  demo,
  inspect,
  profile,
  model,
  importCheckpoint,
  features,
  pull,
  push,
  doctor,
  bundle,
  schema,
];

/**
 * Does what a command line asks, its results and errors written as the verbs write them, and gives the exit status. `args` are
 * the words after the program's name.
 */
export async function runProgram(args: string[]): Promise<number> {
  try {
    return await perform(args);
  } catch (error) {
    return printError(error, args.includes('--debug'));
  }
}

async function perform(args: string[]): Promise<number> {
  checkArguments(args, verbs);
  let entered: Verb | undefined;
  let typed: { verb: Verb; argv: object } | undefined;
  const program = yargs()
    .scriptName('ganlet')
    .usage('ganlet <verb> [options]\n\nMakes a small image generator of a large one.')
    .locale('en')
    .updateStrings({ 'Commands:': 'Verbs:', string: 'value', array: 'repeatable', boolean: 'switch' })
    .parserConfiguration({
      'greedy-arrays': false,
      'boolean-negation': false,
      'dot-notation': false,
      'short-option-groups': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .options(sharedOptions)
    .help()
    .alias('help', 'h')
    .version(toolVersion)
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .exitProcess(false)
    .fail((message, error) => {
      throw error && error.name !== 'YError' ? error : translate(message || error.message, entered);
    });
  for (const verb of verbs) {
    program.command(
      verb.command,
      verb.describe,
      (y) => {
        entered = verb;
        for (const [name, positional] of Object.entries(verb.positionals)) y.positional(name, positional);
        for (const [command, what] of verb.examples) y.example(command, what);
        return y.options(verb.options).version(false);
      },
      (argv) => {
        typed = { verb, argv };
        checkPositionals(argv._, verb);
      },
    );
  }
  const { help, version: asked } = await program.parseAsync(args);
  if (typed) await typed.verb.run(typed.argv as never);
  if (typed || help || asked) return 0;
  process.stderr.write(`${await program.getHelp()}\n`);
  return 2;
}
