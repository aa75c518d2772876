import { GanletError } from '../util/errors.ts';

/**
 * Options that take one value: `text`, `whole`, `choice`, … They check it themselves, so that a wrong one is
 * told as `--seed must be …, got …` wherever it stands.
 */

/** Any text but an empty one. */
export function text(name: string, describe: string) {
  return {
    describe,
    ...option((value) => value || refuse(name, 'some text', value)),
  };
}

/** A whole number of at least `min` and at most `max`. */
export function whole(name: string, describe: string, min = 0, max = Number.MAX_SAFE_INTEGER) {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return {
    describe,
    ...option((value) => {
      const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
      if (Number.isSafeInteger(number) && number >= min && number <= max) return number;
      return refuse(name, `a whole number ${range}`, value);
    }),
  };
}

/** The largest image and batch that options take, and the most threads: beyond them are only typing errors. */
export const largest = { size: 65_536, batch: 65_536, threads: 1024, channels: 1024 } as const;

/** One of a few words. */
export function choice<const T extends readonly string[]>(name: string, describe: string, words: T) {
  return {
    describe: `${describe} (${words.join(', ')})`,
    ...option((value): T[number] => words.find((word) => word === value) ?? refuse(name, list(words), value)),
  };
}

/** Whole numbers from 1 to 1024 with underscores between them, as widths are written. */
export function widths(name: string, describe: string) {
  return {
    describe,
    ...option((value) => {
      const numbers = /^\d+(_\d+)*$/.test(value) ? value.split('_').map(Number) : [0];
      if (numbers.every((number) => number >= 1 && number <= largest.channels)) return numbers;
      return refuse(name, `whole numbers from 1 to ${largest.channels}, as in 32_24_16`, value);
    }),
  };
}

/** Some of a few words, separated by commas. */
export function choices<const T extends readonly string[]>(name: string, describe: string, words: T) {
  const pick = (value: string) => words.find((word) => word === value) ?? refuse(name, list(words), value);
  return {
    describe: `${describe} (${words.join(', ')})`,
    ...option((value): T[number][] => value.split(',').map(pick)),
  };
}

/** `error: --seed must be a whole number of at least 0, got "x"`, exit status 2. */
export function usageError(message: string, hint?: string): GanletError {
  return new GanletError('USAGE', message, hint === undefined ? {} : { hint });
}

function option<T>(read: (value: string) => T) {
  const coerce = (value: string | string[] | undefined): T | undefined => {
    // yargs collects the values of an option that was given twice; the last one counts.
    const last = Array.isArray(value) ? value.at(-1) : value;
    return last === undefined ? undefined : read(last);
  };
  return { type: 'string', requiresArg: true, coerce } as const;
}

function refuse(name: string, rule: string, value: string): never {
  throw usageError(`${name} must be ${rule}, got ${JSON.stringify(value)}`);
}

function list(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
