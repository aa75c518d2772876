import type { OpType } from '../../../src/ops/index.ts';
import type { GradientCase } from '../finite-differences.ts';
import { convCases, convTransposeCases } from './conv.ts';
import { composedCases, elementwiseCases } from './elementwise.ts';
import { composedLayoutCases, layoutCases } from './layout.ts';
import { composedNetworkCases, networkCases } from './network.ts';

/** Cases for each operator; an operator without a gradient says so. */
export const table: Record<OpType, readonly GradientCase[] | 'no gradient'> = {
  ...elementwiseCases,
  ...layoutCases,
  ...networkCases,
  Conv: convCases,
  ConvTranspose: convTransposeCases,
  Mod: 'no gradient',
  Equal: 'no gradient',
  Less: 'no gradient',
  LessOrEqual: 'no gradient',
  Greater: 'no gradient',
  GreaterOrEqual: 'no gradient',
  And: 'no gradient',
  Or: 'no gradient',
  Not: 'no gradient',
  ReduceProd: 'no gradient',
  Shape: 'no gradient',
  ConstantOfShape: 'no gradient',
  Range: 'no gradient',
  Constant: 'no gradient',
};

/** Builders made of several operators. */
export const composed: readonly GradientCase[] = [
  ...composedCases,
  ...composedLayoutCases,
  ...composedNetworkCases,
];
