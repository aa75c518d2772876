import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { htmlReport } from '../../src/report/html/page.ts';
import { attribution, pictureOf, writeReportRun } from './report-run.ts';

const root = mkdtempSync(join(tmpdir(), 'ganlet-report-'));
const [plain, searched, large] = ['plain', 'searched', 'large'].map((name) => join(root, name)) as [
  string,
  string,
  string,
];
beforeAll(async () => {
  await writeReportRun(plain);
  await writeReportRun(searched, { candidates: 500 });
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A part of the DOM, as far as these tests look at it. */
interface Found {
  textContent: string;
  innerHTML: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Found | null;
  querySelectorAll(selector: string): Iterable<Found>;
}

function parse(text: string): Found {
  return parseHTML(text).document as unknown as Found;
}

function texts(within: Found, selector: string): string[] {
  return [...within.querySelectorAll(selector)].map(({ textContent }) => textContent.trim());
}

describe('a report on one run', () => {
  it('says what it comes down to, with the teacher and the baseline beside it', async () => {
    const page = parse(await htmlReport([plain]));
    expect(texts(page, '.tiles li')).toEqual([
      '3.0×fewer multiply-adds2.67M; teacher 8.00M',
      '3.0×fewer parameters33.3k; teacher 100k',
      '3.0×faster4.00 ms; teacher 12.0 ms',
      "−0.0500SSIM (higher is better), worse than the teacher's0.850; teacher 0.900, without the teacher 0.700",
    ]);
    expect(texts(page, '#results tbody th')).toEqual(['teacher', 'naive', 'student']);
  });

  it('takes the distance between sets of pictures where there is one, with the interval of its change', async () => {
    const run = join(root, 'frechet');
    await writeReportRun(run, { frechet: true });
    const page = parse(await htmlReport([run]));
    expect(texts(page, '.tiles li').at(-1)).toBe(
      "+1.50FD-emoji-64 (lower is better), worse than the teacher's14.0; teacher 12.5, without the teacher 20.3; 95 % interval of the change 1.00 to 2.25",
    );
    expect(texts(page, '#tradeoff figcaption')[0]).toBe('FD-emoji-64 against multiply-adds');
    expect(page.querySelector('.facts')!.textContent).toContain('emoji-64 (abcdef0123456789); none');
  });

  it('compares the widths of the student with those of the teacher, layer by layer', async () => {
    const page = parse(await htmlReport([plain]));
    const rows = texts(page, '.widths tbody tr');
    expect(rows[0]).toBe('stem4 of 8');
    expect(rows.at(-1)).toBe('up24 of 8');
    expect(rows.length).toBeGreaterThan(4);
  });

  it('shows the pictures of the run, the very pixels, with the difference of teacher and student', async () => {
    const page = parse(await htmlReport([plain]));
    expect(texts(page, '.pictures thead th')).toEqual([
      'input',
      'truth',
      'teacher',
      'naive',
      'student',
      'difference',
      'teacher | student',
    ]);
    const sources = [...page.querySelectorAll('.pictures img')].map((image) => image.getAttribute('src'));
    expect(sources).toHaveLength(3 * 8);
    const truth = Buffer.from(sources[1]!.replace('data:image/webp;base64,', ''), 'base64');
    const pixels = await sharp(truth).raw().toBuffer();
    expect(pixels.equals(pictureOf('truth'))).toBe(true);
  });

  it('draws every loss and probe, and keeps learning rates out', async () => {
    const page = parse(await htmlReport([plain]));
    expect(texts(page, '.charts.small figcaption')).toEqual([
      'recon',
      'gan',
      'supernet: distance from the truth',
    ]);
  });

  it('names machine, data, seed, hashes and credit, and holds the recipe', async () => {
    const page = parse(await htmlReport([plain]));
    const facts = page.querySelector('.facts')!.textContent;
    expect(facts).toContain('A <CPU>, cpu, 2 threads');
    expect(facts).toContain('5 test pictures of 16×16 pixels');
    expect(facts).toMatch(/Seed\s*7/);
    expect(page.querySelector('footer')!.textContent).toContain(attribution);
    expect(page.querySelector('pre')!.textContent).toContain('</pre><script>alert(1)</script>');
  });

  it('lets nothing from outside become markup, and loads nothing', async () => {
    const text = await htmlReport([searched]);
    expect(text).not.toContain('<script>alert');
    expect(text).not.toContain('<Somebody>');
    expect(text.match(/<script/g)).toHaveLength(1);
    const elements = [...parse(text).querySelectorAll('[src], [href]')];
    const addresses = elements.map(
      (element) => element.getAttribute('src') ?? element.getAttribute('href') ?? '',
    );
    expect(addresses.filter((address) => !/^(data:|#)/.test(address))).toEqual([]);
    expect(text).not.toMatch(/@import|url\((?!#)/);
  });

  it('has a text for everything that is drawn', async () => {
    const page = parse(await htmlReport([searched]));
    const labels = [...page.querySelectorAll('.plot')].map((plot) => plot.getAttribute('aria-label') ?? '');
    expect(labels.length).toBeGreaterThan(5);
    expect(labels.filter((label) => label.length < 20)).toEqual([]);
    const alts = [...page.querySelectorAll('img')].map((image) => image.getAttribute('alt') ?? '');
    expect(alts.filter((alt) => alt === '')).toEqual([]);
  });
});

describe('a report on a search', () => {
  it('of 500 configurations takes less than 5 s and 3 MB, and shows each of them', async () => {
    const start = process.cpuUsage();
    const text = await htmlReport([searched]);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1e6).toBeLessThan(5);
    expect(text.length).toBeLessThan(3_000_000);
    const titles = texts(parse(text), '[data-points] title');
    const candidates = titles.filter((title) => /\bFD-emoji-64\b.*\n.*MACs/.test(title));
    // All have multiply-adds, every second one a latency.
    expect(candidates).toHaveLength(500 + 250);
    expect(titles.filter((title) => title.startsWith('4_8_16 (chosen)'))).toHaveLength(1);
  });

  it('lists the Pareto front: cheaper means worse', async () => {
    const page = parse(await htmlReport([searched]));
    const [, table] = [...page.querySelectorAll('#tradeoff tbody')];
    const found = [...table!.querySelectorAll('tr')].map((row) => texts(row, 'td').map(Number.parseFloat));
    const qualities = found.map((cells) => cells[2]!);
    expect(qualities.length).toBeGreaterThan(3);
    expect(qualities).toEqual([...qualities].sort((a, b) => b - a));

    const lines = readFileSync(join(searched, 'search/search.jsonl'), 'utf8').trim().split('\n');
    const all = lines
      .map((line) => JSON.parse(line) as { macs: number; quality: number; part: string })
      .filter(({ part }) => part === 'search');
    const undominated = all.filter((a) => !all.some((b) => b.macs < a.macs && b.quality <= a.quality));
    expect(found).toHaveLength(undominated.length);
  });

  it('counts lines that are no configuration, and leaves them out', async () => {
    const run = join(root, 'odd');
    await writeReportRun(run, { candidates: 5 });
    appendFileSync(join(run, 'search/search.jsonl'), '{"genome":"1","quality":null}\n{"macs":3}\n{"cut sho');
    expect(await htmlReport([run])).toContain('2 lines of search.jsonl could not be read');
    appendFileSync(join(run, 'search/search.jsonl'), '\n{}\n');
    await expect(htmlReport([run])).rejects.toMatchObject({ code: 'JSONL_INVALID' });
  });
});

describe('a report on several runs', () => {
  it('compares them in one chart and one table, and has a section for each', async () => {
    const page = parse(await htmlReport([plain, searched, plain]));
    expect(texts(page, 'nav a')).toEqual(['plain', 'searched']);
    expect(texts(page, 'section[id^=run-] > h2')).toEqual(['plain', 'searched']);
    const points = texts(page, '#tradeoff [data-points] title').filter((title) => title.includes('SSIM'));
    expect(points.filter((title) => title.startsWith('plain student'))).toHaveLength(2);
    expect(points.filter((title) => title.startsWith('searched student'))).toHaveLength(2);
    // They share their teacher, which is one point in each chart.
    expect(points.filter((title) => title.includes('teacher'))).toHaveLength(2);
  });
});

describe('runs on different pictures', () => {
  it('are not put into one chart', async () => {
    const run = join(root, 'elsewhere');
    await writeReportRun(run, { data: 'd2' });
    const page = parse(await htmlReport([plain, run]));
    const notes = texts(page, '#tradeoff > p');
    expect(notes).toEqual([
      'Measured networks of plain. SSIM: higher is better.',
      'Measured networks of elsewhere. SSIM: higher is better.',
    ]);
  });
});

describe('what a run lacks', () => {
  it('is left out: pictures, trainings, networks, the recipe', async () => {
    const run = join(root, 'bare');
    await writeReportRun(run);
    for (const name of [
      'comparison.png',
      'recipe.yaml',
      'distill',
      'naive',
      'supernet',
      'student.onnx',
      'teacher.onnx',
    ])
      rmSync(join(run, name), { recursive: true });
    const page = parse(await htmlReport([run]));
    expect(texts(page, 'h3')).toEqual(['Layers', 'Where this comes from']);
    writeFileSync(join(run, 'comparison.png'), 'no picture');
    expect(texts(parse(await htmlReport([run])), 'h3')).not.toContain('Pictures');
  });

  it('such as its measurements is an error that says what to do', async () => {
    rmSync(join(root, 'bare', 'metrics.json'));
    await expect(htmlReport([join(root, 'bare')])).rejects.toMatchObject({ code: 'METRICS_MISSING' });
    await expect(htmlReport([join(root, 'none')])).rejects.toMatchObject({ code: 'RUN_MISSING' });
  });
});

describe('large pictures', () => {
  it('are compressed until the page is below 3 MB', async () => {
    await writeReportRun(large, { pictures: 260 });
    const text = await htmlReport([large]);
    expect(text.length).toBeLessThan(3_000_000);
    expect(text).toContain('data:image/webp');
  });
});
