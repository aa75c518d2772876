import { readFileSync } from 'node:fs';
import { toolVersion } from '../../util/version.ts';
import { notesOn, staleNotes } from '../notes.ts';
import type { Result } from '../results.ts';
import { shownColumns } from '../shown-columns.ts';
import { comparisonGrid } from './comparison.ts';
import { trainingCurves } from './curves.ts';
import { headline } from './headline.ts';
import { layerProfiles } from './layers.ts';
import { html, type Markup, raw } from './markup.ts';
import { readPictures } from './pictures.ts';
import { attributionOf, provenance } from './provenance.ts';
import { type RunReport, readRuns } from './run-report.ts';
import { searchProgress } from './search.ts';
import { tradeoff } from './tradeoff.ts';
import { widthPicture } from './widths.ts';

/** Bytes that pictures may take of the page, base64 included. */
const pictureBudget = 1_600_000;

/**
 * One HTML page on one or more runs: everything is in it, it loads nothing. What a run lacks (a search, pictures, a file that
 * has moved) is left out. Throws RUN_MISSING, METRICS_MISSING, METRICS_INVALID, JSONL_INVALID.
 */
export async function htmlReport(folders: readonly string[]): Promise<string> {
  const runs = readRuns(folders);
  const several = runs.length > 1;
  const results = runs.flatMap((run) => run.results);
  const title = runs.map(({ name }) => name).join(', ');
  const sections: Markup[] = [];
  for (const [i, run] of runs.entries()) sections.push(await section(run, i, runs.length));
  const credits = [
    ...new Set(runs.map(({ cards }) => attributionOf(cards)).filter((text) => text !== undefined)),
  ];
  const summary = several
    ? html`<nav aria-label="Runs"><ul>${runs.map(({ name }, i) => html`<li><a href="#run-${i}">${name}</a></li>`)}</ul></nav>`
    : headline(runs[0]!);
  return `<!doctype html>\n${
    html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${title} – ganlet report</title>
<link rel="icon" href="data:,">
<style>${asset('../../../src/demo/page/theme.css')}${asset('../../../src/report/html/page/style.css')}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header><p class="quiet">ganlet report</p><h1>${title}</h1></header>
<main id="content">
${summary}
${resultsTable(results)}
${tradeoff(runs)}
${sections}
</main>
<footer class="quiet">${credits.map((text) => html`<p>${text}</p>`)}<p>Made with ${toolVersion}.</p></footer>
<div id="tip" role="status" hidden></div>
<script>${asset('../../../src/report/html/page/script.js')}</script>
</body>
</html>
`.markup
  }`;
}

async function section(run: RunReport, number: number, of: number): Promise<Markup> {
  const pictures = await comparisonGrid(await readPictures(run), pictureBudget / of);
  const head = of > 1 ? html`<h2>${run.name}</h2>${headline(run)}` : html`<h2>Details</h2>`;
  return html`<section id="run-${number}">${head}
${pictures}
${widthPicture(run)}
${searchProgress(run)}
${trainingCurves(run)}
${layerProfiles(run)}
${provenance(run)}
</section>`;
}

/** All measurements, as `ganlet table` has them. */
function resultsTable(results: readonly Result[]): Markup {
  const columns = shownColumns(results, '∞');
  const cell = (result: Result, { value, align }: (typeof columns)[number], i: number) => {
    const text = String(value(result) ?? '');
    if (i === 0) return html`<th scope="row">${text}</th>`;
    return align === 'right' ? html`<td class="number">${text}</td>` : html`<td>${text}</td>`;
  };
  const rows = results.map((result) => html`<tr>${columns.map((column, i) => cell(result, column, i))}</tr>`);
  const heads = columns.map(({ title, align }) =>
    align === 'right'
      ? html`<th scope="col" class="number">${title}</th>`
      : html`<th scope="col">${title}</th>`,
  );
  const warnings = staleNotes(results).map((text) => html`<p class="warning">${text}</p>`);
  return html`<section id="results"><h2>Results</h2>${warnings}
<div class="scroll" tabindex="0" role="region" aria-label="Results"><table><thead><tr>${heads}</tr></thead><tbody>${rows}</tbody></table></div>
<p class="quiet">${notesOn(results, columns).join(' ')}</p></section>`;
}

/** A file of the page, put into it as it is. */
function asset(path: string): Markup {
  return raw(readFileSync(new URL(path, import.meta.url), 'utf8'));
}
