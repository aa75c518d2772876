import { z } from 'zod';
import { nearest } from './nearest.ts';

/**
 * The building blocks of the recipe's schemas. Every field says its whole rule in words, whichever part of it
 * was broken: the message of an issue is the end of the sentence that begins with the field's key,
 * `must be a multiple of 4 from 16 to 1024`.
 */

/** Reports a problem with the value at a path of a recipe. */
export type Fail = (path: readonly string[], message: string) => void;

interface Range {
  min?: number;
  /** Exclusive lower bound. */
  above?: number;
  max?: number;
  /** Exclusive upper bound. */
  below?: number;
}

const must = (rule: string) => ({ error: `must be ${rule}` });

/** A finite number within the range. */
export function number(range: Range): z.ZodNumber {
  return bounded(z.number(must(`a number${inWords(range)}`)), range, must(`a number${inWords(range)}`));
}

/** A whole number within the range, divisible by `multipleOf` if that is given. */
export function whole(range: Range & { multipleOf?: number }): z.ZodNumber {
  const { multipleOf } = range;
  const rule = must(
    (multipleOf === undefined ? 'a whole number' : `a multiple of ${multipleOf}`) + inWords(range),
  );
  const schema = bounded(z.int(rule), range, rule);
  return multipleOf === undefined ? schema : schema.multipleOf(multipleOf, rule);
}

/** Channels of a layer, or what stands for them in a width vector. */
export const width = whole({ min: 1, max: 1024 });

export function flag(): z.ZodBoolean {
  return z.boolean(must('true or false'));
}

/** One of a few words. */
export function choice<const T extends readonly string[]>(words: T): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(words, must(oneOf(words.map((word) => JSON.stringify(word)))));
}

/** Text of at least one character; `rule` says of what kind, as in `must be <rule>`. */
export function text(rule: string, pattern: RegExp = /\S/): z.ZodString {
  return z.string(must(rule)).regex(pattern, must(rule));
}

/** A list without repetitions; `rule` as in `must be <rule>`. */
export function listOf<T extends z.ZodType>(item: T, rule: string, minimum = 0) {
  const error = must(rule);
  return z
    .array(item, error)
    .min(minimum, error)
    .refine((items) => new Set(items).size === items.length, { error: 'must not name anything twice' });
}

/** A group of keys; any key not in `shape` is an error that suggests the nearest known one. */
export function section<T extends z.core.$ZodLooseShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys')
        return unknownKeys((issue as { keys?: string[] }).keys ?? [], known);
      return 'must be a section of its own ("key: value" lines)';
    },
  });
}

/** Whether a value of a recipe's data, before it is checked, is a group of keys. */
export function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `"a"`, `"a" or "b"`, `"a", "b" or "c"`. */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** One line for each of `keys`, in their order: zod reports all unknown keys of a section as one issue. */
function unknownKeys(keys: readonly string[], known: readonly string[]): string {
  const line = (key: string) => {
    const meant = nearest(key, known);
    return meant
      ? `is not a known key, did you mean ${meant}?`
      : `is not a known key; known here: ${known.join(', ')}`;
  };
  return keys.map(line).join('\n');
}

function bounded(schema: z.ZodNumber, range: Range, error: { error: string }): z.ZodNumber {
  if (range.min !== undefined) schema = schema.min(range.min, error);
  if (range.above !== undefined) schema = schema.gt(range.above, error);
  if (range.max !== undefined) schema = schema.max(range.max, error);
  if (range.below !== undefined) schema = schema.lt(range.below, error);
  return schema;
}

function inWords({ min, above, max, below }: Range): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  const low = min !== undefined ? `of at least ${min}` : above !== undefined ? `above ${above}` : '';
  const high = max !== undefined ? `at most ${max}` : below !== undefined ? `below ${below}` : '';
  const words = [low, high].filter(Boolean).join(' and ');
  return words && ` ${words}`;
}
