import * as Plot from '@observablehq/plot';
import { chart, legend, looks } from './chart.ts';
import { html, type Markup } from './markup.ts';
import type { RunReport, Training } from './run-report.ts';

/** Columns of stats.jsonl that are no results of training. */
const bookkeeping = new Set(['step', 'kimg', 'lr', 'seconds', 'imagesPerSecond']);

/** Columns of a supernet's: how far the pictures of some widths are from the truth and from the teacher's. */
const probed = /^(largest|smallest|random\d*)(Recon|Teacher)$/;
const probeTitles = {
  Recon: 'supernet: distance from the truth',
  Teacher: "supernet: distance from the teacher's pictures",
} as const;

/** More points than a small chart can show are averaged. */
const shown = 240;

/** The training of a network has the network's colour. */
const strokes: Record<string, string> = {
  teach: looks.teacher.fill,
  distill: looks.student.fill,
  finetune: looks.student.fill,
  supernet: 'var(--good)',
  naive: looks.naive.fill,
  uniform: looks.uniform.fill,
  largest: 'var(--student)',
  smallest: 'var(--teacher)',
};
const dashes = ['', '5 3', '2 3', '8 3 2 3', '1 2', '10 4'];

interface Line {
  name: string;
  stroke: string;
  dash: string;
  ticks: readonly { step: number; value: number }[];
}

/** Every loss and probe of a run's trainings over its steps, one small chart for each. */
export function trainingCurves({ trainings }: RunReport): Markup {
  const columns = [
    ...new Set(trainings.flatMap(({ records }) => records.flatMap((record) => Object.keys(record)))),
  ];
  const losses = columns.filter((column) => !bookkeeping.has(column) && !probed.test(column));
  const names = trainings.map(({ name }) => name);
  const charts = losses.map((column) =>
    curves(
      column,
      trainings.map((training) => line(training, column, training.name, names)),
    ),
  );
  const probes = (['Recon', 'Teacher'] as const).map((measure) => {
    const own = columns.filter((column) => probed.exec(column)?.[2] === measure);
    const widths = own.map((column) => column.slice(0, -measure.length));
    return curves(
      probeTitles[measure],
      trainings.flatMap((training) => own.map((column, i) => line(training, column, widths[i]!, widths))),
      true,
    );
  });
  const drawn = [...charts, ...probes].filter((markup) => markup !== undefined);
  if (drawn.length === 0) return html``;
  const lines = names.map((name, i) => ({
    name,
    colour: strokeOf(name),
    shape: 'line',
    dash: dashes[i % dashes.length]!,
  }));
  return html`<h3>Training</h3>
<p>Means over the steps since the point before, unweighted; probes as they were at that step.</p>
${legend(lines)}
<div class="charts small">${drawn}</div>`;
}

/** Undefined where there is nothing to draw. */
function curves(title: string, all: readonly Line[], named = false): Markup | undefined {
  const lines = all.filter(({ ticks }) => ticks.length > 0);
  if (lines.length === 0) return undefined;
  const ends = lines.map(
    ({ name, ticks }) => `${name} ${short(ticks[0]!.value)} to ${short(ticks.at(-1)!.value)}`,
  );
  return chart({
    title,
    alt: `${title} during training: ${ends.join(', ')}.`,
    points: true,
    plot: {
      width: 300,
      height: 190,
      marginLeft: 46,
      marginRight: 16,
      marginBottom: 34,
      x: { label: 'step →', ticks: 4 },
      y: { label: null, grid: true, nice: true, ticks: 4 },
      marks: lines.flatMap(({ name, stroke, dash, ticks }) => [
        Plot.line(ticks, { x: 'step', y: 'value', stroke, strokeWidth: 2, strokeDasharray: dash }),
        Plot.dot(ticks, {
          x: 'step',
          y: 'value',
          r: ticks.length > 40 ? 1.2 : 2.5,
          fill: stroke,
          title: ({ step, value }: Line['ticks'][number]) =>
            `${name}, step ${step}\n${title} ${short(value)}`,
        }),
      ]),
    },
    legend: named
      ? legend(lines.map(({ name, stroke, dash }) => ({ name, colour: stroke, shape: 'line', dash })))
      : undefined,
  });
}

function line({ records }: Training, column: string, name: string, names: readonly string[]): Line {
  const ticks = records.flatMap(({ step, [column]: value }) =>
    typeof step === 'number' && typeof value === 'number' && Number.isFinite(value) ? [{ step, value }] : [],
  );
  const dash = dashes[names.indexOf(name) % dashes.length]!;
  return { name, stroke: strokeOf(name), dash, ticks: thin(ticks) };
}

function strokeOf(name: string): string {
  return strokes[name] ?? 'var(--quiet)';
}

function thin(ticks: Line['ticks']): Line['ticks'] {
  const each = Math.max(1, Math.ceil(ticks.length / shown));
  const groups = Array.from({ length: Math.ceil(ticks.length / each) }, (_, i) =>
    ticks.slice(i * each, (i + 1) * each),
  );
  return groups.map((group) => ({
    step: group.at(-1)!.step,
    value: group.reduce((sum, { value }) => sum + value, 0) / group.length,
  }));
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
