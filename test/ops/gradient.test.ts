import { describe, expect, test } from 'vitest';
import { type OpType, ops } from '../../src/ops/index.ts';
import { convCases, convTransposeCases } from './cases/conv.ts';
import { composedCases, elementwiseCases } from './cases/elementwise.ts';
import { composedLayoutCases, layoutCases } from './cases/layout.ts';
import { composedNetworkCases, networkCases } from './cases/network.ts';
import { checkGradients, forwardGraph, type GradientCase } from './finite-differences.ts';

/** Cases for each operator; an operator without a gradient says so. */
const table: Record<OpType, readonly GradientCase[] | 'no gradient'> = {
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

describe.each(Object.entries(table))('%s', (op, cases) => {
  if (cases === 'no gradient') {
    test('has no gradient rule', () => expect(ops[op as OpType]).not.toHaveProperty('gradient'));
    return;
  }
  test('has a gradient rule that every case goes through', () => {
    expect(ops[op as OpType]).toHaveProperty('gradient');
    expect(cases.length).toBeGreaterThan(0);
    for (const c of cases)
      expect(
        forwardGraph(c).nodes.map((n) => n.op),
        c.name,
      ).toContain(op);
  });
  test.each(cases)('$name agrees with central differences', checkGradients);
});

describe('builders made of several operators', () => {
  test.each([...composedCases, ...composedLayoutCases, ...composedNetworkCases])(
    '$name agrees with central differences',
    checkGradients,
  );
});
