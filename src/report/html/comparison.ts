import { html, type Markup } from './markup.ts';
import { dataAddress, differenceOf, fullDifference, type Pictures } from './pictures.ts';

/**
 * Pictures side by side: condition, truth, what each network made, the difference between teacher and student, and both in one
 * cell, divided where the slider says. `budget`: bytes that the pictures may take; fewer and coarser ones then.
 */
export async function comparisonGrid(pictures: Pictures | undefined, budget: number): Promise<Markup> {
  if (!pictures) return html``;
  const { size, columns } = pictures;
  const find = (title: string) => columns.find((column) => column.title === title);
  const [teacher, student] = [find('teacher'), find('student')];
  const pair = teacher && student ? ([teacher, student] as const) : undefined;
  const encoded = await encode(pictures, pair && [pair[0].title, pair[1].title], budget);
  const name = (title: string) => (title === 'condition' ? 'input' : title);
  const image = (address: string, alt: string) =>
    html`<img src="${address}" alt="${alt}" width="${size}" height="${size}">`;
  const rows = encoded.map(({ cells, difference }, row) => {
    const both = pair && [cells.get('teacher')!, cells.get('student')!];
    return html`<tr>${columns.map(({ title }) => html`<td>${image(cells.get(title)!, `${name(title)} ${row + 1}`)}</td>`)}${
      difference && html`<td>${image(difference, `difference between teacher and student ${row + 1}`)}</td>`
    }${
      both &&
      html`<td><div class="split">${image(both[1]!, `student ${row + 1}, on the right of the slider`)}<div class="over">${image(both[0]!, `teacher ${row + 1}, on the left of the slider`)}</div></div></td>`
    }</tr>`;
  });
  const heads = [
    ...columns.map(({ title }) => name(title)),
    ...(pair ? ['difference', 'teacher | student'] : []),
  ];
  const slider =
    pair &&
    html`<label class="slider">Divide between teacher, left, and student, right <input type="range" min="0" max="100" value="50" data-split></label>`;
  const legend =
    pair &&
    html` Difference: between teacher and student, white is none, black is ${fullDifference} of 255 levels or more.`;
  return html`<h3>Pictures</h3>
<p>Held-out pictures, chosen at random, the same for every run on the same data.${legend}</p>
${slider}
<div class="scroll" tabindex="0" role="region" aria-label="Pictures"><table class="pictures"><thead><tr>${heads.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

/** From the finest to the coarsest: rows at most, and quality of large pictures. */
const efforts = [
  [8, 88],
  [8, 72],
  [6, 60],
  [4, 50],
  [2, 40],
] as const;

interface Row {
  cells: Map<string, string>;
  difference: string | undefined;
}

async function encode(
  { size, columns }: Pictures,
  pair: readonly [string, string] | undefined,
  budget: number,
): Promise<Row[]> {
  let rows: Row[] = [];
  for (const [most, quality] of efforts) {
    const count = Math.min(most, columns[0]?.pictures.length ?? 0);
    rows = await Promise.all(
      Array.from({ length: count }, async (_, row) => {
        const cells = new Map<string, string>();
        for (const { title, pictures } of columns)
          cells.set(title, await dataAddress(pictures[row]!, size, quality));
        const [a, b] = (pair ?? []).map(
          (title) => columns.find((column) => column.title === title)!.pictures[row]!,
        );
        const difference = a && b && (await dataAddress(differenceOf(a, b), size, quality));
        return { cells, difference };
      }),
    );
    const bytes = rows.reduce(
      (sum, { cells, difference }) =>
        sum + [...cells.values(), difference ?? ''].reduce((n, { length }) => n + length, 0),
      0,
    );
    if (bytes <= budget) return rows;
  }
  return rows;
}
