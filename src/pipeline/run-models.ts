import { join, relative } from 'node:path';
import type { Graph } from '../graph/graph.ts';
import { GanletError } from '../util/errors.ts';
import { exists } from '../util/exists.ts';
import { sha256File } from '../util/hash.ts';
import { loadGenerator } from './card.ts';
import { checkGenerator, type Task } from './check/generator.ts';
import type { RunContext } from './context.ts';
import { type Role, roles } from './measure/metrics-file.ts';
import { teacherFile } from './teacher.ts';

/** A trained generator of a run. */
export interface RunModel {
  role: Role;
  /** As the process finds it, and relative to the run's folder. */
  path: string;
  file: string;
  sha256: string;
}

/**
 * The generators a run has so far, teacher first: `teacher.onnx` (or the file the recipe names), baselines, `student.onnx`.
 * Warns of those the recipe speaks of that are not there yet. Throws MODEL_MISSING when there is none.
 */
export async function findModels({ recipe, loaded, out, log }: RunContext): Promise<RunModel[]> {
  const planned: Record<Role, boolean> = {
    teacher: true,
    naive: recipe.baselines.includes('naive'),
    uniform: recipe.baselines.includes('uniform'),
    student: recipe.student !== undefined,
  };
  const found: RunModel[] = [];
  const missing: string[] = [];
  for (const role of roles) {
    const path = role === 'teacher' ? teacherFile({ recipe, out }) : join(out, `${role}.onnx`);
    if (exists(path)) {
      found.push({ role, path, file: relative(out, path), sha256: await sha256File(path) });
    } else if (planned[role]) missing.push(path);
  }
  if (found.length === 0) {
    throw new GanletError(
      'MODEL_MISSING',
      `${out} must hold a trained generator to measure, found none of ${missing.join(', ')}`,
      { hint: `train it first: ganlet run ${loaded.file} --out ${out}` },
    );
  }
  for (const path of missing) log.warn(`there is no ${path} yet, so it is not measured`);
  return found;
}

/** Reads a generator and checks that it makes such pictures. Throws what `loadGenerator` and `checkGenerator` throw. */
export function openGenerator({ path }: Pick<RunModel, 'path'>, task: Task): Graph {
  const graph = loadGenerator(path);
  checkGenerator(graph, path, task);
  return graph;
}
