import type { BrowserContext, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { sha256 } from '../../src/util/hash.ts';

/** A page of the demo, and what it said on the console and asked of any server. */
export interface DemoPage {
  page: Page;
  problems: string[];
  requests: string[];
}

/** Opens the demo and waits until both networks have made pictures; what goes wrong on the page is collected. */
export async function openPage(context: BrowserContext, url: string): Promise<DemoPage> {
  const page = await context.newPage();
  const problems: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(url);
  await pictures(page, 1);
  return { page, problems, requests };
}

/** What is used of the elements of the page. */
interface Canvas {
  toDataURL(): string;
  dataset: { pictures?: string };
}

/** Waits until every panel has drawn so many pictures. */
export async function pictures(page: Page, count: number): Promise<void> {
  const look = async () => {
    const made = await page
      .locator('.panel canvas')
      .evaluateAll((all: Canvas[]) => all.map(({ dataset }) => Number(dataset.pictures ?? 0)));
    if (made.length < 2 || Math.min(...made) < count) throw new Error(`the panels drew ${made} pictures`);
  };
  await vi.waitFor(look, { timeout: 60_000, interval: 50 });
}

/** Hashes of what the pad, where there is one, and both panels show. */
export async function shown(page: Page): Promise<string[]> {
  const addresses = await page
    .locator('canvas.pad, .panel canvas')
    .evaluateAll((all: Canvas[]) => all.map((canvas) => canvas.toDataURL()));
  return addresses.map(sha256);
}

/** Draws from point to point; places are fractions of the pad's side. */
export async function stroke(page: Page, points: [number, number][]): Promise<void> {
  const box = (await page.locator('canvas.pad').boundingBox())!;
  const at = ([x, y]: [number, number]) => [box.x + x * box.width, box.y + y * box.height] as const;
  const [first, ...rest] = points.map(at);
  await page.mouse.move(...first!);
  await page.mouse.down();
  for (const point of rest) await page.mouse.move(...point, { steps: 4 });
  await page.mouse.up();
}

/** Waits until both panels show something else than before. */
export async function changed(page: Page, before: string[], timeout: number): Promise<void> {
  const same = async () => (await shown(page)).slice(-2).filter((picture, i) => picture === before.at(i - 2));
  await expect.poll(same, { timeout, interval: 20 }).toEqual([]);
}
