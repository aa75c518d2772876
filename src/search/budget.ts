import { largest, smallest, type WidthSpace, type WidthVector } from '../compress/width-space.ts';
import type { Budget } from '../recipe/budget.ts';
import { GanletError } from '../util/errors.ts';
import { formatBytes, formatCount } from '../util/format.ts';
import type { CostModel } from './cost.ts';
import { fits } from './feasible.ts';
import type { Limit } from './problem.ts';

/** What a budget is kept by. */
export interface BudgetCosts {
  costs: CostModel;
  /** Multiply-adds of the teacher, `Macs.true`. */
  teacherMacs: number;
  /** Milliseconds of one picture; needed for a budget of latency. */
  latency?: ((vector: WidthVector) => number) | undefined;
}

/** The limits a budget stands for. Latency is left out where it is not known. */
export function limitsOf(budget: Budget, { costs, teacherMacs, latency }: BudgetCosts): Limit[] {
  const { macs, ofTeacher, params, memory } = budget;
  const limit = (name: Limit['name'], most: number | undefined, cost: Limit['cost']): Limit[] =>
    most === undefined ? [] : [{ name, most, cost, monotone: true, measured: name === 'latency' }];
  return [
    ...limit('macs', macs, costs.macs),
    ...limit('ofTeacher', ofTeacher, (vector) => costs.macs(vector) / teacherMacs),
    ...limit('params', params, costs.params),
    ...limit('memory', memory, costs.activationBytes),
    ...(latency ? limit('latency', budget.latency, latency) : []),
  ];
}

/** A cost as a user writes it. */
export function formatCost(name: string, cost: number): string {
  switch (name) {
    case 'ofTeacher':
      return `${Number(cost.toPrecision(3))}x`;
    case 'latency':
      return `${Number(cost.toPrecision(3))}ms`;
    case 'memory':
      return formatBytes(cost);
    default:
      return formatCount(cost);
  }
}

/**
 * Throws BUDGET_UNREACHABLE, with the range that can be had, for a limit below what the narrowest vector costs or above what
 * the widest does. Measured limits (latency) are left to `needFeasible`: they scatter.
 */
export function checkReachable(limits: readonly Limit[], space: WidthSpace): void {
  for (const { name, most, cost, measured } of limits) {
    if (!measured) needWithin(name, most, cost(smallest(space)), cost(largest(space)));
  }
}

/** Throws BUDGET_UNREACHABLE when no vector keeps all limits at once. */
export function needFeasible(limits: readonly Limit[], space: WidthSpace, found: number): void {
  if (found > 0 || fits(limits, smallest(space))) return;
  for (const { name, most, cost } of limits) {
    const ends = [cost(smallest(space)), cost(largest(space))] as const;
    if (most < Math.min(...ends)) needWithin(name, most, ...ends);
  }
  const names = limits.map(({ name, most }) => `${name} ${formatCost(name, most)}`).join(' and ');
  throw new GanletError('BUDGET_UNREACHABLE', `some widths must keep search.budget, ${names}, none do`, {
    hint: 'raise the budget, or add narrower widths to supernet.widths',
  });
}

/**
 * Throws BUDGET_UNREACHABLE for a limit that is not between what the narrowest and the widest network cost. Times of networks
 * differ by chance: of small ones either may be the larger, and `slack` lets a limit be above both.
 */
export function needWithin(name: string, most: number, narrowest: number, widest: number, slack = 1): void {
  const [least, whole] = [Math.min(narrowest, widest), Math.max(narrowest, widest)];
  if (most >= least && most <= slack * whole) return;
  const range = `from ${formatCost(name, least)} to ${formatCost(name, whole)}`;
  const got = formatCost(name, most);
  throw new GanletError(
    'BUDGET_UNREACHABLE',
    `search.budget (${name}) must be ${range}, which is what supernet.widths reach, got ${got}`,
    {
      hint:
        most < least
          ? 'raise the budget, or add narrower widths to supernet.widths'
          : 'lower the budget; without one all widths are allowed',
    },
  );
}
