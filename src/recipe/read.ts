import { readFileSync, statSync } from 'node:fs';
import { GanletError } from '../util/errors.ts';
import { fileError } from '../util/file-error.ts';
import { formatBytes } from '../util/format.ts';

/** No recipe is as long; what is, was named by mistake. */
const longest = 2 ** 20;

/**
 * The text of a recipe. Throws RECIPE_MISSING where there is none, and RECIPE_INVALID for what is no text: `file:line:column`
 * of the first byte that is not UTF-8 or a control character.
 */
export function readRecipe(file: string): string {
  const bytes = readBytes(file);
  const length = validLength(bytes);
  const text = new TextDecoder().decode(bytes.subarray(0, length));
  const control = /[^\P{Cc}\n\r\t\u0085]/u.exec(text);
  if (!control && length === bytes.length) return text;
  const before = control ? text.slice(0, control.index) : text;
  const lines = before.split(/\r\n|\n|\r/);
  const code = control ? control[0].charCodeAt(0) : bytes[length]!;
  const found = `${control ? 'the control character' : 'the byte'} 0x${code.toString(16).padStart(2, '0')}`;
  throw new GanletError(
    'RECIPE_INVALID',
    `${file}:${lines.length}:${lines.at(-1)!.length + 1}  a recipe must be text in UTF-8, found ${found}`,
    { hint: 'name a recipe file, for example recipes/quickstart.yaml, or save it as UTF-8' },
  );
}

function readBytes(file: string): Uint8Array {
  const hint = 'name a recipe file, for example recipes/quickstart.yaml';
  const missing = (found: string, cause?: unknown) =>
    new GanletError('RECIPE_MISSING', found, { hint, cause });
  try {
    const found = statSync(file);
    if (found.isDirectory()) throw missing(`${file} is a folder, not a recipe`);
    // A pipe, as of `<(…)`, is as good as a file.
    if (!found.isFile() && !found.isFIFO()) throw missing(`${file} is a device, not a recipe`);
    const size = `a recipe must have at most ${formatBytes(longest)}, ${file} has ${formatBytes(found.size)}`;
    if (found.size > longest) throw new GanletError('RECIPE_INVALID', size, { hint });
    return readFileSync(file);
  } catch (error) {
    const none = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw none ? missing(`there is no recipe ${file}`, error) : fileError('read', file, error);
  }
}

/** How many bytes from the start are UTF-8. */
function validLength(bytes: Uint8Array): number {
  const valid = (length: number, stream: boolean) => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length), { stream });
      return true;
    } catch {
      return false;
    }
  };
  if (valid(bytes.length, false)) return bytes.length;
  let [low, high] = [0, bytes.length];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (valid(middle, true)) low = middle;
    else high = middle;
  }
  return low;
}
