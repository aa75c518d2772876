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

/** A whole number of at least `min`. */
export function whole(name: string, describe: string, min = 0) {
  return {
    describe,
    ...option((value) => {
      const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
      if (Number.isSafeInteger(number) && number >= min) return number;
      return refuse(name, `a whole number of at least ${min}`, value);
    }),
  };
}

/** One of a few words. */
export function choice<const T extends readonly string[]>(name: string, describe: string, words: T) {
  return {
    describe: `${describe} (${words.join(', ')})`,
    ...option((value): T[number] => words.find((word) => word === value) ?? refuse(name, list(words), value)),
  };
}

/** Whole numbers above 0 with underscores between them, as widths are written. */
export function widths(name: string, describe: string) {
  return {
    describe,
    ...option((value) =>
      /^[1-9]\d*(_[1-9]\d*)*$/.test(value)
        ? value.split('_').map(Number)
        : refuse(name, 'whole numbers above 0, as in 32_24_16', value),
    ),
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
