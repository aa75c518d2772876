import type { z } from 'zod';
import {
  asWritten,
  type DiscriminatorConfig,
  discriminatorSchema,
  type GeneratorConfig,
  generatorSchema,
  resolveGenerator,
} from '../../recipe/networks.ts';
import { show } from '../../recipe/problems.ts';
import { GanletError } from '../../util/errors.ts';
import { kebabCase } from '../arguments.ts';
import { usageError } from '../options.ts';

/** What a recipe could say under `teacher.generator` or `discriminator`, as it was typed. */
export type NetworkSection = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Side of the images whose defaults a network takes that is made for any size. */
const usualSize = 256;

/**
 * The network that options describe, by the recipe's schema: its rules, and its defaults for what was left out, which may follow from
 * the image's side. Spectral norms of a generator are left out as in a trained one's file. Throws USAGE, naming the flag.
 */
export function readGenerator(section: NetworkSection, size: number = usualSize): GeneratorConfig {
  return asWritten(resolveGenerator(parse(generatorSchema, section), size));
}

/** The same for a discriminator; its file keeps spectral norms, to be trained on. */
export function readDiscriminator(section: NetworkSection): DiscriminatorConfig {
  return parse(discriminatorSchema, section);
}

/** Runs `make`, whose builder may find the image's side or the widths unfit: then the flag is named. */
export async function namingFlags<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    const flag = error instanceof GanletError && flags[error.code];
    if (!flag) throw error;
    const { code, message, hint } = error;
    throw new GanletError(code, `${flag}: ${message}`, { cause: error, ...(hint && { hint }) });
  }
}

const flags: Readonly<Record<string, string>> = { SIZE_INVALID: '--size', WIDTHS_INVALID: '--widths' };

function parse<S extends z.ZodType>(schema: S, section: NetworkSection): z.output<S> {
  const result = schema.safeParse(section);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  const key = String(path[0]);
  const help = 'ganlet model --help lists its arguments';
  throw usageError(`--${kebabCase(key)} ${message}, got ${show(section[key])}`, help);
}
