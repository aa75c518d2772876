import * as Plot from '@observablehq/plot';
import { paretoFront } from '../../search/pareto.ts';
import { formatCount } from '../../util/format.ts';
import { chart, costScale, type Look, legend, lookOf, looks, tick } from './chart.ts';
import { html, type Markup } from './markup.ts';
import { formatQuality, type Quality, qualitiesOf } from './quality.ts';
import type { RunReport } from './run-report.ts';

/** One network or configuration in a chart of quality against cost. */
interface Point {
  name: string;
  look: Look | 'candidate';
  chosen: boolean;
  macs: number;
  params: number;
  latencyMs: number | undefined;
  quality: number;
}

/** Points whose quality can be compared. */
interface Comparison {
  quality: Pick<Quality, 'label' | 'unit' | 'better'>;
  points: Point[];
  note: string;
}

const lookNames = Object.keys(looks) as Look[];

/** More names than these beside their points would cover each other. */
const named = 8;

/**
 * Quality against multiply-adds and against latency: the measured networks of all runs by their most telling measure, and
 * what a search has evaluated by its own.
 */
export function tradeoff(runs: readonly RunReport[]): Markup {
  const all = comparisons(runs).filter(({ points }) => points.length > 1);
  if (all.length === 0) return html``;
  return html`<section id="tradeoff"><h2>Quality against cost</h2>${all.map(section)}</section>`;
}

function comparisons(runs: readonly RunReport[]): Comparison[] {
  const several = runs.length > 1;
  const found = measuredOn(runs).flatMap((group) => measured(group, several));
  for (const run of runs) {
    const metric = run.search.candidates[0]?.metric;
    if (metric === undefined) continue;
    const points = run.search.candidates
      .filter((candidate) => candidate.metric === metric)
      .map((candidate): Point => {
        const { genome, macs, params, latencyMs, quality } = candidate;
        const chosen = genome === run.search.chosen;
        return {
          name: genome,
          look: 'candidate',
          chosen,
          macs,
          params,
          latencyMs: latencyMs ?? undefined,
          quality,
        };
      });
    const of = several ? ` of ${run.name}` : '';
    found.push({
      quality: { label: metric, unit: '', better: 'lower' },
      points,
      note: `${points.length} configurations that the search${of} has evaluated, before fine-tuning: their numbers rank them, and are no result.`,
    });
  }
  return found;
}

/** Runs measured on the same pictures: only their numbers can be compared. */
function measuredOn(runs: readonly RunReport[]): RunReport[][] {
  const groups = new Map<string, RunReport[]>();
  for (const run of runs) {
    const { data, split, size } = run.metrics;
    const key = `${data.hash} ${split} ${size}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()];
}

/** The measured networks of runs by their most telling measure. */
function measured(runs: readonly RunReport[], several: boolean): Comparison[] {
  const all = runs.flatMap((run) => run.results);
  const teachers = new Map(
    all.filter(({ model }) => model.role === 'teacher').map((result) => [result.model.sha256, result]),
  );
  // Runs often share their teacher: one point is enough.
  const results = all.filter(
    (result) => result.model.role !== 'teacher' || teachers.get(result.model.sha256) === result,
  );
  const [main] = qualitiesOf(results);
  if (!main) return [];
  const points = results.flatMap((result): Point[] => {
    const quality = main.of(result);
    const { role, macs, params, latencyMs } = result.model;
    const shared = role === 'teacher' && teachers.size === 1;
    const name = several && !shared ? `${result.run} ${role}` : role;
    return quality === undefined
      ? []
      : [{ name, look: lookOf(role), chosen: false, macs: macs.true, params, latencyMs, quality }];
  });
  const of = several ? ` of ${runs.map(({ name }) => name).join(', ')}` : '';
  return [{ quality: main, points, note: `Measured networks${of}.` }];
}

function section({ quality, points, note }: Comparison): Markup {
  const timed = points.filter(({ latencyMs }) => latencyMs !== undefined);
  const axes = [
    scatter(points, quality, 'multiply-adds', ({ macs }) => macs, formatCount),
    timed.length > 1
      ? scatter(
          timed,
          quality,
          'latency',
          ({ latencyMs }) => latencyMs!,
          (x) => `${formatQuality(x)} ms`,
        )
      : undefined,
  ];
  const front = frontOf(points, quality.better, ({ macs }) => macs);
  const rows = front.map(
    ({ name, macs, params, quality: value }) =>
      html`<tr><th scope="row">${name}</th><td>${formatCount(macs)}</td><td>${formatCount(params)}</td><td>${formatQuality(value)}</td></tr>`,
  );
  return html`<p>${note} ${quality.label}: ${quality.better} is better.</p>
<div class="charts">${axes}</div>
<details><summary>The Pareto front as a table: nothing else is both cheaper and better</summary>
<div class="scroll" tabindex="0" role="region" aria-label="Pareto front"><table><thead><tr><th scope="col">network</th><th scope="col">MACs</th><th scope="col">params</th><th scope="col">${quality.label}</th></tr></thead>
<tbody>${rows}</tbody></table></div></details>`;
}

function scatter(
  points: readonly Point[],
  { label, unit, better }: Comparison['quality'],
  costName: 'multiply-adds' | 'latency',
  cost: (point: Point) => number,
  show: (cost: number) => string,
): Markup {
  const front = frontOf(points, better, cost);
  const x = cost;
  const y = ({ quality }: Point) => quality;
  const title = (point: Point) =>
    [
      point.chosen ? `${point.name} (chosen)` : point.name,
      `${label} ${formatQuality(point.quality, unit)}`,
      `${formatCount(point.macs)} MACs, ${formatCount(point.params)} parameters`,
      ...(point.latencyMs === undefined ? [] : [`${formatQuality(point.latencyMs)} ms`]),
      ...(front.includes(point) ? ['on the Pareto front'] : []),
    ].join('\n');
  const candidates = points.filter(({ look, chosen }) => look === 'candidate' && !chosen);
  const networks = points.filter(({ look }) => look !== 'candidate');
  const chosen = points.filter((point) => point.chosen);
  const scale = costScale(points.map(cost));
  const [from, to] = scale.domain;
  const middle = scale.type === 'log' ? Math.sqrt(from * to) : (from + to) / 2;
  const labels = [...networks, ...chosen].length <= named ? [...networks, ...chosen] : [];
  const text = (left: boolean) =>
    Plot.text(
      labels.filter((point) => cost(point) < middle === left),
      {
        x,
        y,
        text: ({ name, chosen: isOne }: Point) => (isOne ? 'chosen' : name),
        dx: left ? 8 : -8,
        dy: -13,
        textAnchor: left ? 'start' : 'end',
        fill: 'currentColor',
        stroke: 'var(--card)',
        strokeWidth: 4,
      },
    );
  const units = costName === 'latency' ? 'ms' : '';
  return chart({
    title: `${label} against ${costName}`,
    alt: `${points.length} points, ${label} against ${costName}; ${front.length} on the Pareto front, from ${describe(front[0], label, show, cost)} to ${describe(front.at(-1), label, show, cost)}.`,
    points: true,
    plot: {
      x: {
        ...scale,
        label: `${costName}${units && ` (${units})`} →`,
        grid: true,
        ticks: 6,
        tickFormat: tick,
      },
      y: {
        label: `${label}${unit && ` (${unit})`}, ${better} is better`,
        grid: true,
        nice: true,
        zero: false,
        ticks: 5,
        inset: 18,
        labelArrow: 'none',
      },
      marks: [
        Plot.line(front, { x, y, stroke: 'var(--good)', strokeWidth: 2, curve: 'step-after' }),
        Plot.dot(candidates, {
          x,
          y,
          r: 3,
          stroke: (point: Point) => (front.includes(point) ? 'var(--good)' : 'var(--line-strong)'),
          fill: (point: Point) => (front.includes(point) ? 'var(--good)' : 'none'),
          title,
        }),
        ...lookNames.map((look) =>
          Plot.dot(
            networks.filter((point) => point.look === look),
            { x, y, r: 6, ...looks[look], title },
          ),
        ),
        Plot.dot(chosen, { x, y, r: 8, symbol: 'star', fill: 'var(--student)', title }),
        text(true),
        text(false),
      ],
    },
    legend: legend([
      ...lookNames
        .filter((look) => networks.some((point) => point.look === look))
        .map((look) => ({ name: look, colour: looks[look].fill, shape: looks[look].symbol })),
      ...(candidates.length > 0
        ? [{ name: 'configuration', colour: 'var(--line-strong)', shape: 'ring' }]
        : []),
      ...(chosen.length > 0 ? [{ name: 'chosen', colour: 'var(--student)', shape: 'star' }] : []),
      { name: 'Pareto front', colour: 'var(--good)', shape: 'line' },
    ]),
  });
}

function describe(
  point: Point | undefined,
  label: string,
  show: (cost: number) => string,
  cost: (point: Point) => number,
): string {
  return point ? `${show(cost(point))} with ${label} ${formatQuality(point.quality)}` : 'nothing';
}

/** Points that no other beats in both, the cheapest first. */
function frontOf(
  points: readonly Point[],
  better: Quality['better'],
  cost: (point: Point) => number,
): Point[] {
  const badness = ({ quality }: Point) => (better === 'lower' ? quality : -quality);
  const front = paretoFront(points.map((point) => [cost(point), badness(point)]));
  return front.map((i) => points[i]!).sort((a, b) => cost(a) - cost(b));
}
