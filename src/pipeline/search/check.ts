import { channelGroups } from '../../compress/groups.ts';
import { largest, parseWidths, smallest } from '../../compress/width-space.ts';
import { countMacs, inputSymbols } from '../../ops/cost.ts';
import { checkReachable, limitsOf, needWithin } from '../../search/budget.ts';
import { costModel } from '../../search/cost.ts';
import { cutPrefix } from '../../search/latency.ts';
import { exists } from '../../util/exists.ts';
import type { RunContext } from '../context.ts';
import { plannedTeacher } from '../planned-teacher.ts';
import { supernetFile } from '../supernet/file.ts';
import { plannedSpace } from '../supernet/start.ts';
import { quickLatency } from './latency.ts';
import { warnOfMany } from './searched.ts';

/**
 * Before a run with a search begins: its widths must be ones the network can have, and its budget within what they reach. Of
 * latency the two ends are timed on networks not yet trained. Nothing is checked once the supernet is there: the search itself
 * will. Throws what `plannedSpace` and `parseWidths` throw, and BUDGET_UNREACHABLE.
 */
export async function checkSearch(context: RunContext): Promise<void> {
  const { recipe } = context;
  const { student, supernet, search } = recipe;
  if (!student || !supernet || exists(supernetFile(context))) return;
  const teacher = await plannedTeacher(context);
  if (!teacher) return;
  const { size } = recipe.data;
  const planned = { student, supernet, size };
  const { space, graph } = plannedSpace(planned, teacher);
  if (!search) return;
  if (search.widths !== undefined) {
    parseWidths(space, search.widths);
    return;
  }
  const groups = channelGroups(graph);
  const costs = costModel(graph, groups, space, inputSymbols(graph, { size }));
  const { true: teacherMacs } = countMacs(teacher.graph, inputSymbols(teacher.graph, { size }));
  const limits = limitsOf(search.budget ?? {}, { costs, teacherMacs });
  checkReachable(limits, space);
  warnOfMany(context.log, search, space, limits);
  if (!search.budget) return;
  const { latency } = search.budget;
  if (latency === undefined) return;
  const narrowest = await quickLatency(context, cutPrefix(graph, groups, space, smallest(space)));
  const widest = await quickLatency(context, cutPrefix(graph, groups, space, largest(space)));
  needWithin('latency', latency, narrowest, widest, 2);
}
