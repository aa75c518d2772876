import { html, type Markup, raw } from './markup.ts';
import type { RunReport } from './run-report.ts';

/** The channels of every layer, teacher and student side by side: layers that can only be narrowed together are one row. */
export function widthPicture({ anatomies }: RunReport): Markup {
  const teacher = anatomies.get('teacher');
  const student = anatomies.get('student');
  if (!student) return html``;
  const names = [...new Set([...(teacher?.groups.keys() ?? []), ...student.groups.keys()])];
  const widest = Math.max(
    ...names.map((name) => Math.max(teacher?.groups.get(name) ?? 0, student.groups.get(name) ?? 0)),
  );
  const percent = (width: number | undefined) => `${((100 * (width ?? 0)) / widest).toFixed(2)}%`;
  const rows = names.map((name) => {
    const [from, to] = [teacher?.groups.get(name), student.groups.get(name)];
    const text = from === undefined ? `${to}` : to === undefined ? `– of ${from}` : `${to} of ${from}`;
    return html`<tr><th scope="row">${name}</th><td class="bars" aria-hidden="true"><span class="bar back" style="width:${percent(from)}"></span><span class="bar front" style="width:${percent(to)}"></span></td><td class="number">${text}</td></tr>`;
  });
  const sum = (groups: ReadonlyMap<string, number> | undefined) =>
    [...(groups?.values() ?? [])].reduce((a, b) => a + b, 0);
  const kept = teacher && html` Together ${sum(student.groups)} of ${sum(teacher.groups)}.`;
  return html`<h3>Widths</h3>
<p>Channels of each layer, student <span class="swatch front"></span>${teacher ? html` in teacher <span class="swatch back"></span>` : raw('')}. Layers joined by a residual path are one row.${kept}</p>
<table class="widths"><thead><tr><th scope="col">layer</th><th scope="col"><span class="unseen">bars</span></th><th scope="col" class="number">channels</th></tr></thead>
<tbody>${rows}</tbody></table>`;
}
