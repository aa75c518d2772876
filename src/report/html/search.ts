import * as Plot from '@observablehq/plot';
import { chart } from './chart.ts';
import { html, type Markup } from './markup.ts';
import { formatQuality } from './quality.ts';
import type { RunReport } from './run-report.ts';

/** How the search of a run went: the quality of each configuration in the order of evaluation, and the best so far. */
export function searchProgress({ search: { candidates, unread } }: RunReport): Markup {
  const metric = candidates[0]?.metric;
  if (metric === undefined) return html``;
  let best = candidates[0]!.quality;
  const steps = candidates.map(({ quality, genome, generation }, i) => {
    best = Math.min(best, quality);
    return { number: i + 1, quality, genome, generation, best };
  });
  type Step = (typeof steps)[number];
  const generations = new Set(candidates.map(({ generation }) => generation)).size;
  const lines = unread === 1 ? 'line' : 'lines';
  return html`<h3>Search</h3>
<div class="charts">${chart({
    title: 'Progress of the search',
    alt: `${metric} of ${candidates.length} configurations in ${generations} generations; the best went from ${formatQuality(steps[0]!.best)} to ${formatQuality(best)}.`,
    points: true,
    plot: {
      x: { label: 'configurations evaluated →', ticks: 6 },
      y: { label: `${metric}, lower is better`, grid: true, nice: true, ticks: 5, labelArrow: 'none' },
      marks: [
        Plot.dot(steps, {
          x: 'number',
          y: 'quality',
          r: 2.5,
          stroke: 'var(--line-strong)',
          title: ({ genome, quality, generation, number }: Step) =>
            `${genome}\n${metric} ${formatQuality(quality)}\nnumber ${number}, generation ${generation}`,
        }),
        Plot.line(steps, {
          x: 'number',
          y: 'best',
          stroke: 'var(--student)',
          strokeWidth: 2.5,
          curve: 'step-after',
        }),
      ],
    },
  })}</div>
<p>The line is the best so far, at any cost.${unread > 0 ? ` ${unread} ${lines} of search.jsonl could not be read.` : ''}</p>`;
}
