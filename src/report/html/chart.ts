import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { html, type Markup, raw } from './markup.ts';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

/** Colours follow the page's theme; a shape tells the same as a colour. */
export const looks = {
  teacher: { fill: 'var(--teacher)', symbol: 'square' },
  naive: { fill: 'var(--naive)', symbol: 'triangle' },
  uniform: { fill: 'var(--uniform)', symbol: 'diamond' },
  other: { fill: 'var(--ink)', symbol: 'cross' },
  student: { fill: 'var(--student)', symbol: 'circle' },
} as const;

export type Look = keyof typeof looks;

/** How a network of that role looks. */
export function lookOf(role: string): Look {
  return role in looks ? (role as Look) : 'other';
}

export interface ChartOptions {
  /** Heading above the chart. */
  title: string;
  /** What is to be seen, for those who do not see it. */
  alt: string;
  plot: Plot.PlotOptions;
  /** Says that its points can be visited with the arrow keys. */
  points?: boolean;
  legend?: Markup | undefined;
}

/**
 * A chart as SVG, drawn now. Marks with a `title` channel show it under the pointer, and one after the other with the arrow
 * keys (`page/script.js`).
 */
export function chart({ title, alt, plot, points = false, legend }: ChartOptions): Markup {
  const svg = Plot.plot({
    document: document as NonNullable<Plot.PlotOptions['document']>,
    width: 460,
    height: 300,
    marginLeft: 52,
    marginBottom: 40,
    marginRight: 24,
    style: { fontFamily: 'inherit', background: 'none', overflow: 'visible' },
    ...plot,
  });
  svg.setAttribute('aria-hidden', 'true');
  const label = points ? `${alt} Arrow keys go from point to point.` : alt;
  const attributes = raw(points ? ' tabindex="0" data-points' : '');
  return html`<figure class="chart">
<figcaption>${title}</figcaption>
<div class="plot" role="${points ? 'group' : 'img'}" aria-label="${label}"${attributes}>${raw(svg.outerHTML)}</div>
${legend}
</figure>`;
}

const shapes: Record<string, string> = {
  square: '<rect x="2" y="2" width="8" height="8"/>',
  circle: '<circle cx="6" cy="6" r="4.5"/>',
  triangle: '<path d="M6 1.5 11 10.5H1Z"/>',
  diamond: '<path d="M6 0.5 11 6 6 11.5 1 6Z"/>',
  cross: '<path d="M4 1h4v3h3v4H8v3H4V8H1V4h3Z"/>',
  ring: '<circle cx="6" cy="6" r="3.5" fill="none" stroke-width="1.5"/>',
  star: '<path d="M6 0 7.6 4.2 12 4.4 8.5 7.2 9.8 11.6 6 9 2.2 11.6 3.5 7.2 0 4.4 4.4 4.2Z"/>',
  line: '<path d="M0 6H24" stroke-width="2.5"/>',
};

/** What colours and shapes stand for. */
export function legend(
  entries: readonly { name: string; colour: string; shape: string; dash?: string }[],
): Markup {
  const items = entries.map(
    ({ name, colour, shape, dash }) =>
      html`<li><svg viewBox="0 0 ${shape === 'line' ? 24 : 12} 12" height="12" aria-hidden="true" fill="${colour}" stroke="${colour}" stroke-dasharray="${dash ?? ''}">${raw(shapes[shape]!)}</svg>${name}</li>`,
  );
  return html`<ul class="legend">${items}</ul>`;
}

/** A scale for costs: logarithmic where the largest is several times the smallest. */
export function costScale(values: readonly number[]): { type: 'log' | 'linear'; domain: [number, number] } {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low > 0 && high / low > 4) return { type: 'log', domain: [low / 1.25, high * 1.25] };
  const room = (high - low || high || 1) * 0.08;
  return { type: 'linear', domain: [low - room, high + room] };
}

/** A number beside an axis: three digits at most, and a prefix. */
export function tick(value: number): string {
  const scale = [1e12, 1e9, 1e6, 1e3].findIndex((unit) => Math.abs(value) >= unit);
  const [unit, prefix] = scale < 0 ? [1, ''] : [[1e12, 1e9, 1e6, 1e3][scale]!, ['T', 'G', 'M', 'k'][scale]!];
  return `${Number((value / unit).toPrecision(3))}${prefix}`;
}
