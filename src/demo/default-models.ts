import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exists } from '../util/exists.ts';

/** Where teachers and students that ship with the toolkit lie. */
const packageFolder = fileURLToPath(new URL('../../', import.meta.url));

/**
 * What is shown when nothing was named: the run in `runs` whose student is the newest; without one the shipped networks, a
 * student with its neighbours or the first teacher. Empty when nothing is there at all.
 */
export function defaultModels(runs = 'runs', shipped = packageFolder): string[] {
  const students = foldersIn(runs)
    .map((run) => join(run, 'student.onnx'))
    .filter((file) => exists(file));
  const age = (file: string) => statSync(file).mtimeMs;
  const newest = students.sort((a, b) => age(b) - age(a))[0];
  if (newest) return [dirname(newest)];
  const places = ['students', 'teachers'].map((kind) => join(shipped, kind));
  const [made, teachers] = places.map((place) => foldersIn(place).filter(holdsModel));
  // Students and teachers of one task have folders of one name.
  const task = (made?.[0] ?? teachers?.[0])?.split(/[\\/]/).at(-1);
  return places.map((place) => join(place, task ?? '')).filter((folder) => task && exists(folder));
}

function holdsModel(folder: string): boolean {
  return readdirSync(folder).some((file) => /\.onnx$/i.test(file));
}

function foldersIn(path: string): string[] {
  if (!exists(path) || !statSync(path).isDirectory()) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map((entry) => join(path, entry.name))
    .filter((folder) => exists(folder) && statSync(folder).isDirectory())
    .sort();
}
