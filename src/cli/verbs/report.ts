import { extname, join } from 'node:path';
import { text } from '../options.ts';
import { defineVerb } from '../verb.ts';

export const report = defineVerb({
  command: 'report <runs..>',
  describe: 'Write one HTML page on finished runs: numbers, charts, pictures; and their tables',
  positionals: {
    runs: { type: 'string', array: true, demandOption: true, describe: 'Folders of runs' },
  },
  options: {
    out: text('--out', 'The HTML file; by default report.html, in the folder of the run where it is one'),
    json: { type: 'boolean', default: false, describe: 'Print JSON' },
  },
  examples: [
    ['ganlet report runs/quickstart', 'writes runs/quickstart/report.html, report.md and report.csv'],
    ['ganlet report runs/* --out all.html', 'compares runs'],
  ],
  async run({ runs, out, json }) {
    const { htmlReport } = await import('../../report/html/page.ts');
    const { resultsTable } = await import('../../report/table.ts');
    const { writeFileAtomic } = await import('../../util/atomic.ts');
    const { formatBytes } = await import('../../util/format.ts');
    const [run] = runs;
    const path = out ?? (runs.length === 1 ? join(run!, 'report.html') : 'report.html');
    const stem = path.slice(0, path.length - extname(path).length);
    const files: [string, string][] = [
      [path, await htmlReport(runs)],
      [`${stem}.md`, resultsTable(runs, 'md')],
      [`${stem}.csv`, resultsTable(runs, 'csv')],
    ];
    for (const [file, content] of files) await writeFileAtomic(file, content);
    const written = files.map(([file, content]) => ({ file, bytes: Buffer.byteLength(content) }));
    if (json) process.stdout.write(`${JSON.stringify(written)}\n`);
    else for (const { file, bytes } of written) process.stdout.write(`${file}  ${formatBytes(bytes)}\n`);
  },
});
