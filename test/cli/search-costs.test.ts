import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readJsonLines } from '../../src/util/json-lines.ts';
import { pairPicture } from '../support/pair-pictures.ts';
import { folderWith } from './ganlet.ts';
import { ganletHere } from './here.ts';
import { hashOf } from './tiny-run.ts';

const recipe = `name: tiny
seed: 3
threads: 1
data: {source: aligned, path: pictures, size: 16}
teacher:
  generator: {type: resnet, baseWidth: 4, blocks: 1}
  train: {steps: 1, batch: 2, tick: 1, samples: 0}
discriminator: {type: patch, baseWidth: 4, layers: 1}
student: {ratio: 1, separable: true}
supernet: {steps: 1, batch: 2, tick: 1, samples: 0, probe: 0, widths: [4, 2], holdout: 0.5}
search:
  workers: 2
  quality: kid
  finalists: 2
  searcher: evolution
  evolution: {population: 6, generations: 2}
`;
const out = 'runs/tiny';

async function pictures(folder: string): Promise<void> {
  for (const [split, count] of Object.entries({ train: 12, val: 2, test: 2 })) {
    mkdirSync(join(folder, 'pictures', split), { recursive: true });
    for (let i = 0; i < count; i++)
      writeFileSync(join(folder, 'pictures', split, `${i}.png`), await pairPicture(i));
  }
}

test('several objectives leave a front, latency is timed once, and a budget of it is kept', async () => {
  const folder = folderWith({ 'tiny.yaml': recipe });
  await pictures(folder);
  const stages = 'teach,supernet,search';
  const run = (set: string) => ganletHere(['run', 'tiny.yaml', '--stages', stages, '--set', set], folder);
  const read = (file: string) => JSON.parse(readFileSync(join(folder, out, 'search', file), 'utf8'));
  const lines = () => readJsonLines(join(folder, out, 'search/search.jsonl'));

  const first = await run('search.objectives=[quality, macs, latency]');
  expect(first.stderr).not.toMatch(/error|warning/);
  expect(first.stderr).toMatch(/search: latency of whole networks predicted to \S+ %/);
  const result = read('result.json');
  expect(result).toMatchObject({
    searcher: 'evolution',
    metric: 'KD-emoji-64',
    pictures: { search: 3, finalists: 3 },
  });
  type Point = Record<'quality' | 'macs' | 'latency', number> & { vector: string };
  const front: Point[] = result.front;
  const axes = ['quality', 'macs', 'latency'] as const;
  for (const a of front)
    for (const b of front)
      expect(a !== b && axes.every((axis) => a[axis] <= b[axis]), `${a.vector} ${b.vector}`).toBe(false);
  expect(front.map(({ vector }) => vector)).toContain(result.vector);
  const scored = lines().filter(({ part }) => part === 'search');
  expect(scored.length).toBe(result.evaluations);
  expect(front.length).toBeGreaterThan(1);
  for (const { vector, latency } of front)
    expect(scored.find(({ genome }) => genome === vector)?.latencyMs).toBeCloseTo(latency, 2);

  const timed = hashOf(folder, out, 'search/latency.json');
  for (const file of ['search.jsonl', 'settings.json', 'result.json'])
    rmSync(join(folder, out, 'search', file));
  const times = front.map(({ latency }) => latency).sort((a, b) => a - b);
  const most = times[Math.ceil(times.length / 2) - 1]!;
  const second = await run(`search.budget={latency: ${most}}`);
  expect(second.stderr).not.toMatch(/error|predicted/);
  expect(hashOf(folder, out, 'search/latency.json')).toBe(timed);
  expect(read('result.json').latencyMs).toBeLessThanOrEqual(most);
  expect(read('result.json')).not.toHaveProperty('front');
  for (const { latencyMs } of lines()) expect(latencyMs).toBeLessThanOrEqual(most + 0.0005);
});
