import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addDim,
  evaluateDim,
  floorDivDim,
  mulDim,
  productDims,
  quotientDims,
  sumDims,
} from '../../src/graph/dims.ts';
import type { Dim } from '../../src/graph/graph.ts';

describe('expressions are spelled in one way', () => {
  const cases: [text: string, spelled: Dim, expected: Dim][] = [
    ['a size times a number', mulDim('batch', 4), '4*batch'],
    ['numbers are multiplied', mulDim(mulDim(2, 'h'), 3), '6*h'],
    ['factors are sorted', productDims(['w', 3, 'h', 2]), '6*h*w'],
    ['a sum is multiplied out', mulDim(addDim('h', -1), 2), '2*h - 2'],
    ['doubling as a transposed convolution does', addDim(mulDim(addDim('h', -1), 2), 2), '2*h'],
    ['a constant comes and goes', addDim(addDim('h', 2), -2), 'h'],
    ['like terms are counted', sumDims(['c', 3, 'c', 'width:trunk', 1]), '2*c + width:trunk + 4'],
    ['zero', mulDim('h', 0), 0],
    ['what divides leaves the floor', floorDivDim(addDim(mulDim(4, 'h'), 5), 2), '2*h + 2'],
    ['halving as a convolution with kernel 4 does', addDim(floorDivDim(addDim('h', -2), 2), 1), 'floor(h/2)'],
    [
      'halving as a convolution with kernel 3 does',
      addDim(floorDivDim(addDim('h', -1), 2), 1),
      'floor((h + 1)/2)',
    ],
    ['halving twice', floorDivDim(floorDivDim('h', 2), 2), 'floor(h/4)'],
    ['common factors cancel', floorDivDim(mulDim(6, 'w'), 4), 'floor(3*w/2)'],
    ['a quotient of products', quotientDims(['batch', 6, 'h', 4], [8, 'batch'])!, '3*h'],
  ];
  test.each(cases)('%s', (_, spelled, expected) => expect(spelled).toBe(expected));

  test('a quotient by a symbol that is not there is unknown', () => {
    expect(quotientDims(['batch', 6], ['h'])).toBeUndefined();
    expect(quotientDims(['batch', 6], [0])).toBeUndefined();
  });
});

/** An expression built with the functions under test, and how to compute it with numbers. */
type Expression = { dim: Dim; value: (sizes: readonly number[]) => number };
const symbols = ['a', 'b', 'width:trunk'];

const expression: fc.Arbitrary<Expression> = fc.letrec<{ e: Expression }>((tie) => ({
  e: fc.oneof(
    { depthSize: 'small' },
    fc.nat(9).map((n): Expression => ({ dim: n, value: () => n })),
    fc.nat(2).map((i): Expression => ({ dim: symbols[i]!, value: (sizes) => sizes[i]! })),
    fc
      .tuple(tie('e'), fc.integer({ min: -9, max: 9 }))
      .map(([x, n]): Expression => ({ dim: addDim(x.dim, n), value: (s) => x.value(s) + n })),
    fc
      .tuple(tie('e'), tie('e'))
      .map(([x, y]): Expression => ({ dim: sumDims([x.dim, y.dim]), value: (s) => x.value(s) + y.value(s) })),
    fc
      .tuple(tie('e'), tie('e'))
      .map(([x, y]): Expression => ({ dim: mulDim(x.dim, y.dim), value: (s) => x.value(s) * y.value(s) })),
    fc
      .tuple(tie('e'), fc.integer({ min: 1, max: 6 }))
      .map(
        ([x, n]): Expression => ({ dim: floorDivDim(x.dim, n), value: (s) => Math.floor(x.value(s) / n) }),
      ),
  ),
})).e;

test('an expression evaluates to what its operations give on numbers', () => {
  fc.assert(
    fc.property(expression, fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20)), ({ dim, value }, sizes) => {
      const known = new Map(symbols.map((symbol, i) => [symbol, sizes[i]!]));
      expect(evaluateDim(dim, known)! + 0).toBe(value(sizes) + 0);
    }),
    { numRuns: 5000 },
  );
});

test('an expression with an unknown symbol evaluates to undefined', () => {
  expect(evaluateDim('2*h + 1', new Map([['w', 3]]))).toBeUndefined();
  expect(evaluateDim('2*h + 1', new Map([['h', 3]]))).toBe(7);
});
