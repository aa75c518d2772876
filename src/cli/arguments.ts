import { nearest } from '../recipe/nearest.ts';
import type { GanletError } from '../util/errors.ts';
import { usageError } from './options.ts';
import { sharedOptions, type Verb, verbName } from './verb.ts';

/**
 * Refuses unknown verbs and options before yargs sees them: it would take the word after an unknown option
 * for that option's value and then complain of something else.
 */
export function checkArguments(args: readonly string[], verbs: readonly Verb[]): void {
  const end = args.indexOf('--');
  const typed = end < 0 ? args : args.slice(0, end);
  const name = typed.find((arg) => !arg.startsWith('-'));
  const verb = verbs.find((candidate) => verbName(candidate) === name);
  if (name !== undefined && !verb) {
    const meant = nearest(name, verbs.map(verbName));
    throw usageError(`unknown verb "${name}"`, `${question(meant)}ganlet --help lists the verbs`);
  }
  const known = [
    ...Object.keys({ ...sharedOptions, ...verb?.options }),
    'help',
    ...(verb ? [] : ['version']),
  ];
  const options: Readonly<Record<string, { type?: unknown }>> = { ...sharedOptions, ...verb?.options };
  const isSwitch = (option: string) => (options[kebabCase(option)]?.type ?? 'boolean') === 'boolean';
  for (const [i, arg] of typed.entries()) {
    const option = optionOf(arg);
    const last = typed[i - 1] ?? '';
    const before = last.includes('=') ? undefined : optionOf(last);
    // A negative number that is no option's value: yargs would take it for an option and say nothing.
    if (option === undefined && /^-./.test(arg) && (before === undefined || isSwitch(before)))
      throw usageError(`unexpected argument "${arg}"`, helpFor(verb));
    if (option === undefined || arg === '-h') continue;
    const [shown, value] = arg.split(/=(.*)/s) as [string, string?];
    if (!known.includes(kebabCase(option))) {
      const meant = nearest(option, known);
      throw usageError(`unknown option ${shown}`, `${question(meant && `--${meant}`)}${helpFor(verb)}`);
    }
    // yargs takes `--dry-run=yes` for no, and would do the whole run.
    if (isSwitch(option) && value !== undefined && value !== 'true' && value !== 'false')
      throw usageError(
        `${shown} is a switch and takes no value, got ${JSON.stringify(value)}`,
        helpFor(verb),
      );
  }
}

/** The name in `--name`, `--name=value` or `-n`; undefined for values, negative numbers among them. */
function optionOf(arg: string): string | undefined {
  if (!/^(--|-[^\d.])/.test(arg)) return undefined;
  return arg.replace(/^--?/, '').split('=')[0];
}

/** Puts what yargs found wrong into our words. */
export function translate(message: string, verb: Verb | undefined): GanletError {
  const needed = verb?.command.match(/<[^>]+>/g) ?? [];
  if (/^Not enough non-option arguments/.test(message)) {
    const got = Number(/got (\d+)/.exec(message)?.[1] ?? 0);
    const missing = needed[got]?.replace('..', ' …') ?? 'an argument';
    return usageError(`${missing} is missing: ganlet ${verb?.command ?? '<verb>'}`, helpFor(verb));
  }
  const [, option] = /^Not enough arguments following: (.*)/.exec(message) ?? [];
  if (option !== undefined) return usageError(`--${kebabCase(option)} needs a value`, helpFor(verb));
  return usageError(message, helpFor(verb));
}

/** Refuses words that no positional argument takes. */
export function checkPositionals(words: readonly (string | number)[], verb: Verb): void {
  const extra = words[1];
  if (extra === undefined) return;
  const hint =
    /^[A-Za-z][\w.]*=/.test(String(extra)) && verb.options.set ? `write --set ${extra}` : helpFor(verb);
  throw usageError(`unexpected argument "${extra}"`, hint);
}

function helpFor(verb: Verb | undefined): string {
  return verb
    ? `ganlet ${verbName(verb)} --help lists its arguments`
    : 'ganlet --help lists the verbs and options';
}

function question(meant: string | undefined): string {
  return meant ? `did you mean ${meant}? ` : '';
}

/** An option's name as it is typed: `baseWidth` → `base-width`. */
export function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
