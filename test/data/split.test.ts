import fc from 'fast-check';
import { expect, it } from 'vitest';
import { holdOut, splitByConcept, splitOf } from '../../src/data/split.ts';

const names = Array.from({ length: 4000 }, (_, i) => `concept ${i}`);

it('gives each split about its fraction of the concepts', () => {
  const parts = splitByConcept(names, (name) => name, { test: 0.25, val: 0.1 });
  expect(parts.test.length / 4000).toBeCloseTo(0.25, 1);
  expect(parts.val.length / (4000 - parts.test.length)).toBeCloseTo(0.1, 1);
  expect([...parts.train, ...parts.val, ...parts.test].sort()).toEqual([...names].sort());
});

it('never separates items of one concept, and keeps a concept where it was when others come', () => {
  const items = names.map((name, i) => ({ name, concept: `c${i % 97}` }));
  const fractions = { test: 0.3, val: 0.2 };
  const parts = splitByConcept(items, ({ concept }) => concept, fractions);
  for (const [split, part] of Object.entries(parts)) {
    expect(part.every(({ concept }) => splitOf(concept, fractions) === split)).toBe(true);
  }
  expect(splitByConcept(items.slice(0, 10), ({ concept }) => concept, fractions).test).toEqual(
    parts.test.filter((item) => items.indexOf(item) < 10),
  );
});

it('holds out the same names in any order, at least one of two, and loses none', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string(), { maxLength: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (all, part) => {
        const { rest, held } = holdOut(all, part);
        expect([...rest, ...held].sort()).toEqual([...all].sort());
        const wanted = Math.max(Math.round(all.length * part), 1);
        expect(held.length).toBe(Math.min(wanted, Math.max(all.length - 1, 0)));
        expect(holdOut([...all].reverse(), part).held.sort()).toEqual([...held].sort());
      },
    ),
  );
});
