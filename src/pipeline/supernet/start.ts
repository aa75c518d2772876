import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { meanActivations } from '../../compress/calibrate.ts';
import { channelGroups } from '../../compress/groups.ts';
import { channelScores, selectChannels } from '../../compress/importance.ts';
import { narrow } from '../../compress/narrow.ts';
import { type Architecture, makeStudent, type Student } from '../../compress/student.ts';
import { channelsAt, largest, type WidthSpace, widthSpace } from '../../compress/width-space.ts';
import type { Graph } from '../../graph/graph.ts';
import { loadOnnx } from '../../ops/import-onnx.ts';
import { architectureSchema, generators } from '../../recipe/networks.ts';
import type { StudentConfig, SupernetConfig } from '../../recipe/schema.ts';
import { GanletError } from '../../util/errors.ts';
import { exists } from '../../util/exists.ts';
import type { RunContext } from '../context.ts';
import { startStudent } from '../distill/distill.ts';
import type { PlannedTeacher } from '../planned-teacher.ts';
import type { Teacher } from '../teacher.ts';
import { calibrationFeeds } from '../train/student.ts';
import type { Supernet } from './file.ts';

/** Where a supernet's weights come from. */
export type SupernetOrigin = 'distill' | 'teacher' | 'random';

/** The student of a recipe with random weights, for what it costs and can have. Throws what `makeStudent` throws. */
export function plannedStudent(
  { student, size }: { student: StudentConfig; size: number },
  { graph: teacher, architecture }: PlannedTeacher,
): Student {
  return makeStudent({
    teacher,
    ...(architecture && { architecture }),
    student: { ...student, initFrom: 'random' },
    size,
    seed: 0,
    init: 'normal',
    initGain: 0.02,
  });
}

/**
 * The space a recipe's supernet will have, from networks without weights, and where it starts: for messages and checks before
 * hours of work. Throws what `makeStudent` and `widthSpace` throw.
 */
export function plannedSpace(
  recipe: { student: StudentConfig; supernet: Pick<SupernetConfig, 'widths'>; size: number },
  teacher: PlannedTeacher,
): { space: WidthSpace; graph: Graph } {
  const { graph, architecture: own } = plannedStudent(recipe, teacher);
  return { space: widthSpace(channelGroups(graph), recipe.supernet.widths, own), graph };
}

export function supernetOrigin({ recipe }: Pick<RunContext, 'recipe'>): SupernetOrigin {
  const { from } = recipe.supernet!;
  if (from !== 'auto') return from;
  return recipe.distill ? 'distill' : recipe.student!.initFrom;
}

/**
 * The supernet as it starts: the student at its full width, no wider than the widest of its widths, the channels of each group
 * in the order of their importance (the weights that read them times their mean activation). Sorting changes what no network
 * computes. Throws SUPERNET_START without the network it starts from, and what `widthSpace` throws.
 */
export async function startSupernet(context: RunContext, teacher: Teacher): Promise<Supernet> {
  const { recipe, backend } = context;
  const config = recipe.supernet!;
  const student = recipe.student!;
  const origin = supernetOrigin(context);
  const start =
    origin === 'distill'
      ? distilledStudent(context)
      : await startStudent(context, teacher, config, { ...student, initFrom: origin });
  const groups = channelGroups(start.graph);
  const space = widthSpace(groups, config.widths, start.architecture);
  const feeds = await calibrationFeeds(context, start.graph);
  const scores = channelScores(start.graph, {
    groups,
    importance: 'consumer-l1',
    activations: await meanActivations(start.graph, feeds, { groups, backend }),
  });
  return { ...sortedTo(start, space, groups, scores) };
}

function sortedTo(
  { graph, architecture }: Student,
  space: WidthSpace,
  groups: ReturnType<typeof channelGroups>,
  scores: ReturnType<typeof channelScores>,
): Supernet {
  const most = channelsAt(space, largest(space));
  const keep = selectChannels(
    groups,
    (group) => (group.narrowable ? (most.get(group.name) ?? group.width) : undefined),
    scores,
  );
  const narrowed = space.some(({ full, choices }) => choices[0] !== full);
  return {
    graph: narrow(graph, keep, groups),
    space: space.map((entry) => ({ ...entry, full: entry.choices[0]! })),
    ...(architecture && {
      architecture:
        narrowed && generators[architecture.type].hasWidths
          ? { ...architecture, widths: [...largest(space)] }
          : architecture,
    }),
  };
}

function distilledStudent({ out, loaded }: RunContext): Student {
  const file = join(out, 'distill', 'network.onnx');
  if (!exists(file)) {
    throw new GanletError('SUPERNET_START', `the supernet starts from ${file}, there is none`, {
      hint: `train it first: ganlet distill ${loaded.file} --out ${out}, or set supernet.from to teacher`,
    });
  }
  const graph = loadOnnx(file);
  const { architecture } = readArchitecture(file.replace('.onnx', '.json'));
  return { graph, ...(architecture && { architecture }) };
}

function readArchitecture(path: string): { architecture?: Architecture } {
  try {
    const { architecture } = JSON.parse(readFileSync(path, 'utf8')) as { architecture?: unknown };
    return architecture ? { architecture: architectureSchema.parse(architecture) as Architecture } : {};
  } catch (cause) {
    throw new GanletError(
      'NOTES_INVALID',
      `${path} must be what the training wrote, it is missing or damaged`,
      { cause },
    );
  }
}
