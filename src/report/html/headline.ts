import { formatCount } from '../../util/format.ts';
import type { Result } from '../results.ts';
import { html, type Markup } from './markup.ts';
import { formatQuality, qualitiesOf } from './quality.ts';
import type { RunReport } from './run-report.ts';

/** What it comes down to: how much smaller and faster the student is, and what that costs in quality. */
export function headline({ results }: RunReport): Markup {
  const of = (role: string) => results.find(({ model }) => model.role === role);
  const [teacher, student, naive] = [of('teacher'), of('student'), of('naive')];
  if (!student) return html`<p>There is no student yet: the numbers below are the teacher's.</p>`;
  const tiles = teacher
    ? [
        ratio('fewer multiply-adds', teacher.model.macs.true, student.model.macs.true, formatCount),
        ratio('fewer parameters', teacher.model.params, student.model.params, formatCount),
        ratio('faster', teacher.model.latencyMs, student.model.latencyMs, (ms) => `${formatQuality(ms)} ms`),
      ]
    : [
        tile(formatCount(student.model.macs.true), 'multiply-adds', ''),
        tile(formatCount(student.model.params), 'parameters', ''),
        tile(`${formatQuality(student.model.latencyMs)} ms`, 'for a picture', ''),
      ];
  const quality = qualityTile(results, student, teacher, naive);
  return html`<ul class="tiles">${[...tiles, quality]}</ul>`;
}

function qualityTile(
  results: readonly Result[],
  student: Result,
  teacher: Result | undefined,
  naive: Result | undefined,
): Markup | undefined {
  const measure = qualitiesOf(results).find(({ of }) => of(student) !== undefined);
  if (!measure) return undefined;
  const { label, unit, better, of } = measure;
  const [own, theirs, baseline] = [of(student)!, teacher && of(teacher), naive && of(naive)];
  const others = [
    ...(theirs === undefined ? [] : [`teacher ${formatQuality(theirs, unit)}`]),
    ...(baseline === undefined ? [] : [`without the teacher ${formatQuality(baseline, unit)}`]),
  ].join(', ');
  if (theirs === undefined) return tile(formatQuality(own, unit), label, others);
  const change = own - theirs;
  const sign = change < 0 ? '−' : '+';
  const good = better === 'lower' ? change <= 0 : change >= 0;
  const title = `${label} (${better} is better), ${good ? 'no worse' : 'worse'} than the teacher's`;
  const interval = overTeacher(student, label);
  const detail = [`${formatQuality(own, unit)}; ${others}`, interval].filter(Boolean).join('; ');
  return tile(`${sign}${formatQuality(Math.abs(change), unit)}`, title, detail);
}

/** The interval of what a Fréchet distance is larger than the teacher's, where it was measured. */
function overTeacher({ model }: Result, label: string): string | undefined {
  const found = model.distributions?.find((score) => score.label === label)?.overTeacher;
  if (!found) return undefined;
  const { low, high, level } = found;
  return `${Math.round(100 * level)} % interval of the change ${formatQuality(low)} to ${formatQuality(high)}`;
}

function ratio(what: string, teacher: number, student: number, show: (value: number) => string): Markup {
  const times = teacher / student;
  const shown = times >= 100 ? times.toFixed(0) : times.toFixed(1);
  return tile(`${shown}×`, what, `${show(student)}; teacher ${show(teacher)}`);
}

function tile(value: string, what: string, detail: string): Markup {
  return html`<li><strong>${value}</strong><span>${what}</span><small>${detail}</small></li>`;
}
