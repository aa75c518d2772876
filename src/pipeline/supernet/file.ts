import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { narrowPrefix } from '../../compress/narrow.ts';
import type { Architecture } from '../../compress/student.ts';
import { channelsAt, type WidthSpace, type WidthVector } from '../../compress/width-space.ts';
import type { Graph } from '../../graph/graph.ts';
import { loadOnnx } from '../../ops/import-onnx.ts';
import { lasting } from '../../recipe/lasting.ts';
import { architectureSchema, generators } from '../../recipe/networks.ts';
import type { Recipe } from '../../recipe/schema.ts';
import { changedSettings, flatSettings, type Settings, sinceThen } from '../../train/changed-settings.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';
import type { RunContext } from '../context.ts';

/** What the supernet stage left: one network whose channels are sorted, and what may be cut from it. */
export interface Supernet {
  /** All widths; the first channels of each group are the network at a narrower one. */
  graph: Graph;
  space: WidthSpace;
  /** What the whole network could be built as, where it is one of ours. */
  architecture?: Architecture | undefined;
}

export const supernetFile = ({ out }: Pick<RunContext, 'out'>) => join(out, 'supernet', 'network.onnx');

const notes = z.object({
  architecture: architectureSchema.optional(),
  space: z.array(
    z.object({
      name: z.string(),
      groups: z.array(z.string()),
      unit: z.number(),
      units: z.record(z.string(), z.number()).exactOptional(),
      full: z.number(),
      choices: z.array(z.number()).min(1),
    }),
  ),
  settings: z.record(z.string(), z.unknown()).exactOptional(),
});

/** What of a recipe a supernet depends on: what is cut from it and scored must be of the same. */
export function supernetSettings({ seed, student, supernet, search }: Recipe): Settings {
  const settings = {
    seed,
    ...flatSettings('student', student ?? {}),
    ...flatSettings('supernet', supernet ? lasting(supernet) : {}),
    ...(supernet?.sampling === 'budget' && flatSettings('search.budget', search?.budget ?? {})),
  };
  return JSON.parse(JSON.stringify(settings)) as Settings;
}

/**
 * Reads `supernet/`. Throws SUPERNET_MISSING before the stage has run, RUN_MISMATCH naming what of the recipe has changed since,
 * NOTES_INVALID, and what `loadOnnx` throws.
 */
export function loadSupernet({ out, loaded }: Pick<RunContext, 'out' | 'loaded'>): Supernet {
  const file = supernetFile({ out });
  const run = `ganlet supernet ${loaded.file} --out ${out}`;
  if (!exists(file)) {
    throw new GanletError('SUPERNET_MISSING', `the supernet must be at ${file}, there is none`, {
      hint: `train it first: ${run}`,
    });
  }
  const path = file.replace('.onnx', '.json');
  try {
    const { space, architecture, settings } = notes.parse(JSON.parse(readFileSync(path, 'utf8')));
    const changes = settings ? changedSettings(settings, supernetSettings(loaded.recipe)) : [];
    if (changes.length > 0) throw ofOtherSettings(dirname(file), changes);
    return { graph: loadOnnx(file), space, architecture: architecture as Architecture | undefined };
  } catch (cause) {
    if (cause instanceof GanletError) throw cause;
    throw new GanletError(
      'NOTES_INVALID',
      `${path} must be what the training wrote, it is missing or damaged`,
      { hint: `write it again from the last training state: ${run}`, cause },
    );
  }
}

function ofOtherSettings(directory: string, changes: readonly string[]): GanletError {
  return new GanletError(
    'RUN_MISMATCH',
    `the supernet in ${directory} must come from the same settings, ${sinceThen(changes)}`,
    { hint: 'change that back, or give another --out' },
  );
}

/**
 * The static network at a vector: the first channels of every group, and what it could be built as. Statistics of batch
 * normalisation are those of the whole network until `recalibrated`. Throws WIDTHS_INVALID.
 */
export function cutSupernet(
  { graph, space, architecture }: Supernet,
  vector: WidthVector,
): { graph: Graph; architecture?: Architecture } {
  return {
    graph: narrowPrefix(graph, channelsAt(space, vector)),
    ...(architecture &&
      generators[architecture.type].hasWidths && { architecture: { ...architecture, widths: [...vector] } }),
  };
}
