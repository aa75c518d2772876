import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFileAtomic } from './atomic.ts';
import { GanletError } from './errors.ts';
import { exists } from './exists.ts';
import { fileError } from './file-error.ts';
import { makeFolder } from './folder.ts';

/**
 * Appends one record as one line of JSON, in one write call, so that two writers or a kill leave whole lines
 * (at worst an unfinished last one, which is removed here before the new line is added). The file and its
 * folders are made when missing. Throws GanletError DISK_FULL, NOT_WRITABLE, … naming the path; what a failed
 * write left behind is taken away again.
 */
export function appendLine(path: string, record: object): void {
  const line = Buffer.from(`${JSON.stringify(record)}\n`);
  try {
    makeFolder(dirname(path));
    const file = openSync(path, 'a+');
    try {
      const end = finishLastLine(file);
      let written = 0;
      try {
        written = writeSync(file, line);
      } finally {
        if (written !== line.length && fstatSync(file).isFile()) ftruncateSync(file, end);
      }
      if (written !== line.length) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw fileError('write', path, error);
  }
}

/** Makes the file end with a whole line: an unfinished record is cut off. Returns the length in bytes. */
function finishLastLine(file: number): number {
  const { size } = fstatSync(file);
  if (size === 0) return 0;
  const last = Buffer.alloc(1);
  readSync(file, last, 0, 1, size - 1);
  if (last[0] === 0x0a) return size;
  const content = Buffer.alloc(size);
  readSync(file, content, 0, size, 0);
  const start = content.lastIndexOf(0x0a) + 1;
  if (parseRecord(content.toString('utf8', start)) !== undefined) return size + writeSync(file, '\n');
  ftruncateSync(file, start);
  return start;
}

/**
 * The records of a JSON-lines file, in order; [] when there is no such file. A last line that was cut short
 * (the writer was killed) is left out. Throws JSONL_INVALID naming path and line for any other bad line.
 */
export function readJsonLines<T = Record<string, unknown>>(path: string): T[] {
  if (!exists(path)) return [];
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError('read', path, error);
  }
  const lines = text.split('\n');
  const records: T[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const record = parseRecord(line);
    if (record !== undefined) records.push(record as T);
    else if (i < lines.length - 1) {
      throw new GanletError(
        'JSONL_INVALID',
        `${path}:${i + 1} must be one JSON object, got ${excerpt(line)}`,
        {
          hint: 'delete the line, or the file if it was not written by ganlet',
        },
      );
    }
  }
  return records;
}

/**
 * Rewrites a JSON-lines file (whole or not at all) with the records to keep: the first `keep` ones, or those
 * for which `keep` is true. Returns how many remain. A missing file stays missing.
 */
export async function truncateJsonLines<T = Record<string, unknown>>(
  path: string,
  keep: number | ((record: T) => boolean),
): Promise<number> {
  if (!exists(path)) return 0;
  const records = readJsonLines<T>(path);
  const kept = typeof keep === 'number' ? records.slice(0, keep) : records.filter(keep);
  await writeFileAtomic(path, kept.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return kept.length;
}

function parseRecord(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function excerpt(line: string): string {
  return JSON.stringify(line.length > 40 ? `${line.slice(0, 40)}…` : line);
}
