import { parseDocument } from 'yaml';
import { GanletError } from '../util/errors.ts';
import { isSection } from './fields.ts';

/** A value from the command line that takes the place of one in the recipe. */
export interface Override {
  /** The flag as typed, for messages: `--set distill.steps=10`. */
  flag: string;
  path: readonly string[];
  value: unknown;
}

/**
 * Reads `distill.steps=10`; what stands after the `=` is YAML (`10`, `true`, `[l1, ssim]`, `text`).
 * Throws USAGE when there is no key, no `=`, or no YAML.
 */
export function parseSet(text: string): Override {
  const flag = `--set ${short(text)}`;
  const [, key, source] = /^([A-Za-z]\w*(?:\.[A-Za-z]\w*)*)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || source === undefined) {
    throw new GanletError(
      'USAGE',
      `--set must be key=value with a key such as data.size, got "${short(text)}"`,
      {
        hint: 'write --set distill.steps=10, once for each key',
      },
    );
  }
  return { flag, path: key.split('.'), value: parsedValue(source, flag) };
}

function parsedValue(source: string, flag: string): unknown {
  const document = parseDocument(source, { prettyErrors: false, logLevel: 'error' });
  const problem = document.errors[0] ?? document.warnings[0];
  try {
    if (problem) throw problem;
    return document.toJS();
  } catch (error) {
    const message = (error as Error).message.replace(/[.:]?\s*$/, '');
    throw new GanletError('USAGE', `${flag}: the value is not valid YAML: ${message}`, {
      hint: 'quote a value of special characters twice, as in --set \'name="a: b"\'',
    });
  }
}

function short(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/**
 * A copy of the recipe's data with the overrides in place, later ones last; sections that are missing are
 * made. Throws RECIPE_INVALID when a key lies below something that is no section.
 */
export function applyOverrides(data: unknown, overrides: readonly Override[]): unknown {
  if (!isSection(data)) return data;
  const copy = structuredClone(data);
  for (const { flag, path, value } of overrides) {
    let section = copy;
    for (const [depth, key] of path.slice(0, -1).entries()) {
      if (!Object.hasOwn(section, key) || section[key] === null) section[key] = {};
      const next = section[key];
      if (!isSection(next)) {
        const parent = path.slice(0, depth + 1).join('.');
        throw new GanletError(
          'RECIPE_INVALID',
          `${flag}  ${parent} is not a section, so it has no key ${path[depth + 1]}`,
          {
            hint: `set ${parent} as a whole`,
          },
        );
      }
      section = next;
    }
    section[path.at(-1)!] = value;
  }
  return copy;
}
