import { channelGroups } from '../../compress/groups.ts';
import { separableConvolutions } from '../../compress/separable.ts';
import { type Architecture, makeStudent } from '../../compress/student.ts';
import { largest, smallest, widthSpace } from '../../compress/width-space.ts';
import type { Graph } from '../../graph/graph.ts';
import { countMacs, inputSymbols } from '../../ops/cost.ts';
import type { Budget } from '../../recipe/budget.ts';
import { generators } from '../../recipe/networks.ts';
import { costModel } from '../../search/cost.ts';
import { GanletError } from '../../util/errors.ts';
import { formatCount } from '../../util/format.ts';

/** A student that holds all that a search may choose, and the multiply-adds of its widest and narrowest. */
export interface ProposedWidths {
  /** Dense convolutions that become depthwise and 1×1; 0 leaves them dense. */
  separated: number;
  /** Of the teacher's channels, in every group. */
  ratio: number;
  /** Parts of those channels. */
  parts: readonly number[];
  widest: number;
  narrowest: number;
}

const ratios = [0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1];
const parts = [1, 0.75, 0.5, 0.25];
/** The widest student costs this many times the budget or more, so that a search has much to choose from. */
const room = 2.5;
/** A budget below this part of the teacher's cost is better met by separable convolutions than by narrow dense ones. */
const dense = 0.5;
/** The part of the teacher's multiply-adds to aim at where the budget says nothing of them. */
const usual = 0.1;

/**
 * Widths from which a search can meet a budget of multiply-adds: the narrowest student costs less, the widest a few times as
 * much where the teacher is that large. Of budgets of time, parameters or memory the search itself tells whether they can be
 * met. Throws BUDGET_UNREACHABLE with the range there is.
 */
export function proposeWidths(
  teacher: Graph,
  budget: Budget,
  { size, architecture }: { size: number; architecture?: Architecture | undefined },
): ProposedWidths {
  const symbols = inputSymbols(teacher, { size });
  const full = countMacs(teacher, symbols).true;
  const most = budget.macs ?? (budget.ofTeacher ?? usual) * full;
  const fixed = architecture && !generators[architecture.type].separable;
  const residual = fixed ? 0 : separableConvolutions(teacher).size;
  const at = (ratio: number, separated: number): ProposedWidths => {
    const { graph, architecture: own } = makeStudent({
      teacher,
      ...(architecture && { architecture }),
      student: { ratio, separable: separated > 0, initFrom: 'random' },
      size,
      seed: 0,
      init: 'normal',
      initGain: 0.02,
    });
    const groups = channelGroups(graph);
    const space = widthSpace(groups, parts, own);
    const { macs } = costModel(graph, groups, space, inputSymbols(graph, { size }));
    return { separated, ratio, parts, widest: macs(largest(space)), narrowest: macs(smallest(space)) };
  };
  // Separable convolutions that cost less than the budget at their full width would leave nothing to choose.
  const thrifty = most < dense * full && residual > 0 && at(1, residual).widest > most;
  const separated = thrifty ? residual : 0;
  const narrow = at(ratios[0]!, separated);
  if (narrow.narrowest > most || most > full) {
    const range = `from ${formatCount(narrow.narrowest)} (${(narrow.narrowest / full).toPrecision(2)}x) to ${formatCount(full)}`;
    throw new GanletError(
      'BUDGET_UNREACHABLE',
      `the budget must lie within what students of this teacher cost, ${range} multiply-adds at ${size} px, got ${formatCount(most)}`,
      { hint: 'ganlet inspect shows what its multiply-adds depend on' },
    );
  }
  let chosen = narrow;
  for (const ratio of ratios.slice(1)) {
    if (chosen.widest >= room * most) break;
    const wider = at(ratio, separated);
    if (wider.narrowest > most) break;
    chosen = wider;
  }
  return chosen;
}
