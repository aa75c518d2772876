import { describe, expect, test } from 'vitest';
import { type OpType, ops } from '../../src/ops/index.ts';
import { composed, table } from './cases/table.ts';
import { checkGradients, forwardGraph } from './finite-differences.ts';

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
  test.each(composed)('$name agrees with central differences', checkGradients);
});
