import type { ArgumentsCamelCase, InferredOptionTypes, Options, PositionalOptions } from 'yargs';

/** One verb of the command line, as data: `program.ts` gives it to yargs and runs the one that was typed. */
export interface Verb {
  /** Name and positional arguments, as in the usage line: `run <recipe>`. */
  command: string;
  describe: string;
  positionals: Readonly<Record<string, PositionalOptions>>;
  options: Readonly<Record<string, Options>>;
  examples: readonly (readonly [command: string, what: string])[];
  run(args: never): Promise<void>;
}

/** Options of every verb. */
export const sharedOptions = {
  debug: { type: 'boolean', default: false, describe: 'Check more, and show where an error came from' },
  quiet: { type: 'boolean', default: false, describe: 'Only warnings and errors' },
} as const satisfies Record<string, Options>;

type Shared = typeof sharedOptions;

/** A `Verb` whose `run` receives its arguments by camel-case name, typed. Heavy modules are imported inside `run`. */
export function defineVerb<
  P extends Record<string, PositionalOptions>,
  O extends Record<string, Options>,
>(verb: {
  command: string;
  describe: string;
  positionals: P;
  options: O;
  examples?: Verb['examples'];
  run(args: ArgumentsCamelCase<InferredOptionTypes<P & O & Shared>>): Promise<void>;
}): Verb {
  return { examples: [], ...verb };
}

export function verbName({ command }: Verb): string {
  return command.split(' ')[0]!;
}
