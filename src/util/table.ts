export type TableFormat = 'md' | 'csv' | 'json' | 'latex';

export type Cell = string | number | boolean | null | undefined;

/** One column: what it is called, what it shows of a row, how it is aligned (numbers to the right). */
export interface Column<Row> {
  title: string;
  value: (row: Row) => Cell;
  align?: 'left' | 'right';
}

/**
 * Renders rows as text, one column description per column, with a final newline.
 * `md`: aligned pipes that paste into a README. `csv`: RFC 4180 (CRLF, quotes doubled). `json`: an array of
 * objects keyed by column title, numbers kept. `latex`: a `tabular` with booktabs rules, text escaped.
 * An absent value (null, undefined, NaN) is empty; in JSON it is null.
 */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  format: TableFormat,
): string {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  const titles = columns.map(({ title }) => title);
  const right = columns.map(({ align }, c) =>
    align ? align === 'right' : cells.length > 0 && cells.every((row) => typeof row[c] === 'number'),
  );
  switch (format) {
    case 'md':
      return markdown(titles, cells, right);
    case 'csv':
      return [titles, ...cells].map((row) => `${row.map(csvField).join(',')}\r\n`).join('');
    case 'json':
      return `${JSON.stringify(
        cells.map((row) =>
          Object.fromEntries(row.map((cell, c) => [titles[c], isAbsent(cell) ? null : cell])),
        ),
        null,
        2,
      )}\n`;
    case 'latex':
      return latex(titles, cells, right);
  }
}

function markdown(titles: string[], cells: Cell[][], right: boolean[]): string {
  const lines = [titles, ...cells].map((row) => row.map((cell) => markdownField(text(cell))));
  const widths = titles.map((_, c) => Math.max(3, ...lines.map((line) => length(line[c]!))));
  const pad = (field: string, c: number) => {
    const space = ' '.repeat(widths[c]! - length(field));
    return right[c] ? space + field : field + space;
  };
  const rule = widths.map((width, c) => (right[c] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  const [head, ...body] = lines.map((line) => line.map(pad));
  return [head!, rule, ...body].map((line) => `| ${line.join(' | ')} |\n`).join('');
}

function latex(titles: string[], cells: Cell[][], right: boolean[]): string {
  const row = (values: Cell[]) => `${values.map((value) => latexField(text(value))).join(' & ')} \\\\\n`;
  return [
    `\\begin{tabular}{${right.map((r) => (r ? 'r' : 'l')).join('')}}\n`,
    '\\toprule\n',
    row(titles),
    '\\midrule\n',
    ...cells.map(row),
    '\\bottomrule\n',
    '\\end{tabular}\n',
  ].join('');
}

function csvField(cell: Cell): string {
  const field = text(cell);
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

function markdownField(field: string): string {
  return field.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll(/\r?\n/g, '<br>');
}

const latexEscapes: Record<string, string> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
};

function latexField(field: string): string {
  return field.replaceAll(/[\\~^&%$#_{}]/g, (character) => latexEscapes[character] ?? `\\${character}`);
}

function isAbsent(cell: Cell): boolean {
  return cell === null || cell === undefined || Number.isNaN(cell);
}

function text(cell: Cell): string {
  return isAbsent(cell) ? '' : String(cell);
}

/** Characters as people count them, so that "é" or an emoji is one. */
function length(field: string): number {
  return [...new Intl.Segmenter().segment(field)].length;
}
