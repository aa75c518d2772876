import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDuration } from '../../src/util/format.ts';
import { table } from '../../src/util/table.ts';

describe('numbers for people', () => {
  it.each([
    [4_956_000_000, '4.96G'],
    [56_800_000_000, '56.8G'],
    [999_500, '1.00M'],
    [999_499, '999k'],
    [1000, '1.00k'],
    [950, '950'],
    [0, '0'],
    [12.345, '12.3'],
    [-2_500_000, '-2.50M'],
    [Number.NaN, 'NaN'],
  ])('shows the count %d as %s', (count, shown) => {
    expect(formatCount(count)).toBe(shown);
  });

  it('keeps a count within half a unit of its third digit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e15 }), (count) => {
        const [, digits, prefix] = /^([\d.]+)([kMGTP]?)$/.exec(formatCount(count))!;
        const value = Number(digits) * 1000 ** ' kMGTP'.indexOf(prefix || ' ');
        expect(Math.abs(value - count) / count).toBeLessThanOrEqual(0.00501);
      }),
    );
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1536, '1.50 KiB'],
    [23_199_744, '22.1 MiB'],
    [512 * 2 ** 20, '512 MiB'],
  ])('shows %d bytes as %s', (bytes, shown) => {
    expect(formatBytes(bytes)).toBe(shown);
  });

  it.each([
    [340, '340 ms'],
    [999.6, '1.0 s'],
    [5200, '5.2 s'],
    [59_400, '59 s'],
    [59_600, '1m 00s'],
    [192_000, '3m 12s'],
    [3_599_600, '1h 00m'],
    [7_500_000, '2h 05m'],
    [273_600_000, '3d 04h'],
  ])('shows %d ms as %s', (time, shown) => {
    expect(formatDuration(time)).toBe(shown);
  });
});

describe('table', () => {
  const rows = [
    { name: 'teacher', macs: 56.8, note: 'a|b' },
    { name: 'student "s"', macs: 4.96, note: undefined },
  ];
  const columns = [
    { title: 'model', value: (row: (typeof rows)[0]) => row.name },
    { title: 'MACs (G)', value: (row: (typeof rows)[0]) => row.macs },
    { title: 'note, 50%', value: (row: (typeof rows)[0]) => row.note },
  ];

  it('aligns Markdown pipes, numbers to the right', () => {
    expect(table(rows, columns, 'md')).toMatchInlineSnapshot(`
      "| model       | MACs (G) | note, 50% |
      | ----------- | -------: | --------- |
      | teacher     |     56.8 | a\\|b      |
      | student "s" |     4.96 |           |
      "
    `);
  });

  it('quotes CSV as RFC 4180 asks', () => {
    expect(table(rows, columns, 'csv')).toBe(
      'model,MACs (G),"note, 50%"\r\nteacher,56.8,a|b\r\n"student ""s""",4.96,\r\n',
    );
  });

  it('keeps numbers in JSON and writes null for what is absent', () => {
    expect(JSON.parse(table(rows, columns, 'json'))).toEqual([
      { model: 'teacher', 'MACs (G)': 56.8, 'note, 50%': 'a|b' },
      { model: 'student "s"', 'MACs (G)': 4.96, 'note, 50%': null },
    ]);
  });

  it('escapes LaTeX and rules it with booktabs', () => {
    const odd = [{ name: '50% of $x_1^2$ & {a}~\\b #3', macs: 1, note: '' }];
    expect(table(odd, columns.slice(0, 2), 'latex')).toBe(
      [
        '\\begin{tabular}{lr}',
        '\\toprule',
        'model & MACs (G) \\\\',
        '\\midrule',
        '50\\% of \\$x\\_1\\textasciicircum{}2\\$ \\& \\{a\\}\\textasciitilde{}\\textbackslash{}b \\#3 & 1 \\\\',
        '\\bottomrule',
        '\\end{tabular}',
        '',
      ].join('\n'),
    );
  });

  it('gives back any CSV field through a plain reading of the rules', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', '"', ',', '\r', '\n', ' ') })),
        (fields) => {
          const text = table(fields, [{ title: 't', value: (field) => field }], 'csv');
          const read: string[] = [];
          let rest = text;
          while (rest) {
            const quoted = /^"((?:[^"]|"")*)"\r\n/.exec(rest);
            const plain = /^([^",\r\n]*)\r\n/.exec(rest);
            const match = (quoted ?? plain)!;
            read.push(quoted ? match[1]!.replaceAll('""', '"') : match[1]!);
            rest = rest.slice(match[0].length);
          }
          expect(read).toEqual(['t', ...fields]);
        },
      ),
    );
  });
});
