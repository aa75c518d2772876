import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { htmlReport } from '../../src/report/html/page.ts';
import { writeReportRun } from '../report/report-run.ts';
import { lowContrast, nameless } from './accessible.ts';
import { browserPath, openBrowser } from './browser.ts';

const folder = mkdtempSync(join(tmpdir(), 'ganlet-browser-report-'));
const file = join(folder, 'report.html');
const address = pathToFileURL(file).href;
let browser: Browser;
let page: Page;
const problems: string[] = [];
const requests: string[] = [];

beforeAll(async () => {
  if (!browserPath) return;
  const run = join(folder, 'run');
  await writeReportRun(run, { candidates: 60 });
  writeFileSync(file, await htmlReport([run]));
  browser = await openBrowser();
  page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(address);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const tip = () => page.locator('#tip');

describe.skipIf(!browserPath)('the report in a browser', () => {
  it('opens without a word on the console, and asks nothing of any network', () => {
    expect(problems).toEqual([]);
    expect(requests.filter((url) => url !== address && !url.startsWith('data:'))).toEqual([]);
  });

  it('tells what a point is when the pointer is on it', async () => {
    const plot = page.locator('[data-points]').first();
    const student = plot.locator('[aria-label="dot"] > *').last();
    await student.hover();
    expect(await tip().innerText()).toMatch(
      /^student\nSSIM 0\.850\n2\.67M MACs, 33\.3k parameters\n4\.00 ms/,
    );
    await page.mouse.move(2, 2);
    expect(await tip().isHidden()).toBe(true);
  });

  it('goes through the points of a chart with the arrow keys, and says each', async () => {
    const plot = page.locator('[data-points]').first();
    await plot.focus();
    const heard: string[] = [];
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'Home', 'End']) {
      await page.keyboard.press(key);
      heard.push((await tip().innerText()).split('\n')[0]!);
    }
    expect(heard).toEqual(['student', 'naive', 'teacher', 'student', 'teacher']);
    expect(await tip().getAttribute('role')).toBe('status');
    await page.keyboard.press('Escape');
    expect(await tip().isHidden()).toBe(true);
  });

  it('divides the pictures of teacher and student where the slider stands', async () => {
    const slider = page.getByRole('slider', { name: 'Divide between teacher' });
    const clip = () => page.evaluate<string>(`getComputedStyle(document.querySelector('.over')).clipPath`);
    expect(await clip()).toContain('50%');
    await slider.focus();
    await page.keyboard.press('Home');
    expect(await clip()).toContain('100%');
    await page.keyboard.press('End');
    expect(await clip()).toMatch(/^inset\(0(px|%)? (0%|calc\(0%\)|0px)/);
  });

  it.each(['light', 'dark'] as const)('can be read in the %s theme (WCAG AA)', async (theme) => {
    expect(await lowContrast(page, theme)).toEqual([]);
    expect(await nameless(page)).toEqual([]);
  });

  it('does not scroll sideways on a phone, nor on paper, where everything is open', async () => {
    await page.setViewportSize({ width: 375, height: 700 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(375);
    await page.setViewportSize({ width: 760, height: 1000 });
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(`dispatchEvent(new Event('beforeprint'))`);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(760);
    expect(await page.locator('details:not([open])').count()).toBe(0);
    const paper = await page.pdf({ format: 'A4' });
    expect(paper.subarray(0, 5).toString()).toBe('%PDF-');
  });
});
