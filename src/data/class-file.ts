import { readFile } from 'node:fs/promises';
import { GanletError } from '../util/errors.ts';
import { fileError } from '../util/file-error.ts';
import type { Split } from './source.ts';

/**
 * Reads a file with a line `name,class` for each pair: `0001.png,cat`, the name with its split before it (`train/0001.png,cat`)
 * where two splits have equal ones; endings and empty lines count for nothing. Returns the class of a pair by its id. Throws DATA_CLASSES for a
 * line without a comma, a name with two classes, and, when asked, for a pair without one; FILE_… where the file cannot be read.
 */
export async function readClassFile(path: string): Promise<(id: string, split: Split) => string> {
  const text = await readFile(path, 'utf8').catch((error) => {
    throw fileError('read', path, error);
  });
  const fail = (message: string, hint: string) => new GanletError('DATA_CLASSES', message, { hint });
  const known = new Map<string, string>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const comma = line.lastIndexOf(',');
    const [name, found] = [stem(line.slice(0, comma).trim()), line.slice(comma + 1).trim()];
    const where = `${path}:${i + 1}`;
    if (comma < 1 || found === '')
      throw fail(`${where} must be a name, a comma and a class, got "${line}"`, 'as in 0001.png,cat');
    const other = known.get(name);
    if (other !== undefined && other !== found)
      throw fail(
        `${where} gives ${name} the class "${found}", a line before gives it "${other}"`,
        'write the split before the name where two have equal ones: train/0001.png,cat',
      );
    known.set(name, found);
  }
  return (id, split) => {
    const name = stem(id);
    const found = known.get(name) ?? known.get(name.replace(`${split}/`, ''));
    if (found !== undefined) return found;
    throw fail(
      `${path} must give every pair a class, it has none for ${id}`,
      'add a line for it: name,class',
    );
  };
}

function stem(name: string): string {
  return name.replace(/\.(png|jpe?g|webp)$/i, '');
}
