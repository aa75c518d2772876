import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileError } from './file-error.ts';

/**
 * Makes a folder and the missing ones above it; one that is there already is fine. Throws NOT_A_FOLDER, NOT_WRITABLE,
 * DISK_FULL, … naming the path.
 */
export function makeFolder(path: string): void {
  // mkdir with `recursive` never returns where a parent takes no new entries (/proc), and calls a read-only disk a missing file.
  const missing: string[] = [];
  try {
    let at = resolve(path);
    for (; !statSync(at, { throwIfNoEntry: false }); at = dirname(at)) missing.push(at);
    needFolder(at);
    for (const folder of missing.reverse()) makeOne(folder);
  } catch (error) {
    throw fileError('write', path, error);
  }
}

function makeOne(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Another process was quicker, or a link that leads nowhere has the name.
    needFolder(folder);
  }
}

function needFolder(path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw Object.assign(new Error(`${path} is no folder`), { code: 'ENOTDIR' });
}
