import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MetricsFile } from '../../src/pipeline/measure/metrics-file.ts';
import { meanTable } from '../../src/report/mean-table.ts';
import { writeReportRun } from './report-run.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganlet-mean-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A run whose student has the given SSIM and latency; the rest is the same in all. */
async function run(name: string, ssim: number, latencyMs: number, recipe?: string): Promise<string> {
  const path = join(folder, name);
  await writeReportRun(path, { frechet: true });
  const file = join(path, 'metrics.json');
  const metrics = JSON.parse(readFileSync(file, 'utf8')) as MetricsFile;
  const student = metrics.models.find(({ role }) => role === 'student')!;
  student.truth.ssim!.mean = ssim;
  student.latencyMs = latencyMs;
  writeFileSync(file, JSON.stringify(metrics));
  if (recipe) writeFileSync(join(path, 'recipe.yaml'), recipe);
  return path;
}
const three = () => Promise.all([run('s0', 0.8, 3), run('s1', 0.82, 4), run('s2', 0.87, 8)]);

test('runs of several seeds are one table: means and deviations (n − 1), equal numbers alone', async () => {
  const text = meanTable(await three(), 'md');
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  expect(rows.map((row) => row.split('|')[1]!.trim())).toEqual([
    'model',
    '-------',
    'teacher',
    'naive',
    'student',
  ]);
  // (0.80 + 0.82 + 0.87)/3 = 0.83; deviations −0.03, −0.01, 0.04: √(0.0026/2) = 0.036. Times 3, 4, 8: 5 ± √7.
  expect(rows.at(-1)).toContain('0.830 ± 0.036');
  expect(rows.at(-1)).toContain('5.00 ± 2.65');
  expect(rows.at(-1)).toContain(' 14.0 ');
  expect(rows[2]).not.toContain('±');
  expect(text.replace(/\s+/g, ' ')).toContain(
    'Mean ± standard deviation of 3 runs with seeds of their own: s0, s1, s2.',
  );
  for (const line of text.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
});

test('JSON and CSV have the mean and the deviation of every number, unrounded', async () => {
  const rows = JSON.parse(meanTable(await three(), 'json'));
  expect(rows.map((row: { model: string; runs: number }) => [row.model, row.runs])).toEqual([
    ['teacher', 3],
    ['naive', 3],
    ['student', 3],
  ]);
  expect(rows[2]['latencyMs mean']).toBeCloseTo(5, 12);
  expect(rows[2]['latencyMs sd']).toBeCloseTo(Math.sqrt(7), 12);
  expect(rows[0]['latencyMs sd']).toBe(0);
  expect(meanTable(await three(), 'csv').split('\r\n')[0]).toContain('ssim mean,ssim sd');
  expect(meanTable(await three(), 'latex')).toContain('Mean ± standard deviation');
});

test('a mean over runs that are not alike is refused, and says what differs', async () => {
  const [a, b] = [await run('a', 0.8, 3), await run('b', 0.8, 3)];
  expect(() => meanTable([a], 'md')).toThrow(/differ in nothing but their seed, got one run/);
  const steps = (n: number, seed: number) => `name: x\nseed: ${seed}\ndistill: {steps: ${n}}\n`;
  writeFileSync(join(a, 'recipe.yaml'), steps(100, 0));
  writeFileSync(join(b, 'recipe.yaml'), steps(100, 1));
  expect(meanTable([a, b], 'md')).toContain('student');
  writeFileSync(join(b, 'recipe.yaml'), steps(200, 1));
  expect(() => meanTable([a, b], 'md')).toThrow(/recipe\.distill\.steps changed from 100 to 200/);

  const file = join(b, 'metrics.json');
  const metrics = JSON.parse(readFileSync(file, 'utf8')) as MetricsFile;
  const write = (changed: Partial<MetricsFile>) =>
    writeFileSync(file, JSON.stringify({ ...metrics, ...changed }));
  write({ models: metrics.models.filter(({ role }) => role !== 'naive') });
  expect(() => meanTable([a, b], 'md')).toThrow(/1 of 2 have a naive/);
  write({ data: { ...metrics.data, hash: 'other' } });
  expect(() => meanTable([a, b], 'md')).toThrow(/a and b were measured on other pictures/);
  write({ split: 'train' });
  expect(() => meanTable([a, b], 'md')).toThrow(/split is test in a and train in b/);
});
